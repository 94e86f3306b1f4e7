from __future__ import annotations

from typing import Any

from django.db import migrations, models

import billing.budget_models


def name_each(apps: Any, schema_editor: Any) -> None:
    """A default of the database would be the same for all rows."""
    rows = apps.get_model("billing", "Budget").objects.using(schema_editor.connection.alias)
    for pk in rows.values_list("pk", flat=True):
        rows.filter(pk=pk).update(uid=billing.budget_models.new_uid())


class Migration(migrations.Migration):
    dependencies = [("billing", "0008_budgets_refuse_the_unpriced")]

    operations = [
        migrations.AddField(
            "budget", "uid", models.CharField(editable=False, max_length=32, null=True)
        ),
        migrations.RunPython(name_each, migrations.RunPython.noop),
        migrations.AlterField(
            "budget",
            "uid",
            models.CharField(
                default=billing.budget_models.new_uid, editable=False, max_length=32, unique=True
            ),
        ),
    ]
