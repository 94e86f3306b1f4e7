"""New columns of tables with a long history."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState


class AddColumn(migrations.AddField):
    """`AddField` with a default, which on SQLite changes nothing but the table's description.

    Django copies the whole table there, minutes for ten million rows, because SQLite cannot take a default away again.
    Here it stays: Django names every column when it writes, so nobody ever reads it.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if schema_editor.connection.vendor != "sqlite":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        field: Any = model._meta.get_field(self.name)
        kind, quote = field.db_parameters(schema_editor.connection)["type"], schema_editor.quote_name
        default = schema_editor.quote_value(schema_editor.effective_default(field))
        schema_editor.execute(
            f"ALTER TABLE {quote(model._meta.db_table)} "
            f"ADD COLUMN {quote(field.column)} {kind} NOT NULL DEFAULT {default}"
        )
