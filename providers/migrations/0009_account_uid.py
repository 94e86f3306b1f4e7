from __future__ import annotations

from typing import Any

from django.db import migrations, models

import providers.models


def name_each(apps: Any, schema_editor: Any) -> None:
    """A default of the database would be the same for all rows."""
    rows = apps.get_model("providers", "Account").objects.using(schema_editor.connection.alias)
    for pk in rows.values_list("pk", flat=True):
        rows.filter(pk=pk).update(uid=providers.models.new_uid())


class Migration(migrations.Migration):
    dependencies = [("providers", "0008_model_lists")]

    operations = [
        migrations.AddField(
            "account", "uid", models.CharField(editable=False, max_length=32, null=True)
        ),
        migrations.RunPython(name_each, migrations.RunPython.noop),
        migrations.AlterField(
            "account",
            "uid",
            models.CharField(
                default=providers.models.new_uid, editable=False, max_length=32, unique=True
            ),
        ),
    ]
