"""What the admin's forms suggest while a model is typed."""

from __future__ import annotations

from typing import Any

from combos.queries import combo_names
from omniroute.model_admin import FormContextAdmin
from providers.choices import model_ids
from providers.config import load_specs

SUGGESTIONS = "model-suggestions"
"""Id of the page's `<datalist>`."""


class SuggestsModels(FormContextAdmin):
    """Gives the form's page the `<datalist>` of every model and combo."""

    def form_context(self) -> dict[str, Any]:
        return {"suggestions": [*combo_names(), *model_ids(load_specs(), ("chat",))]}
