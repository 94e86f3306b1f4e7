"""What the admin's forms suggest while a model is typed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from combos.queries import combo_names
from providers.choices import model_ids
from providers.config import load_specs

SUGGESTIONS = "model-suggestions"
"""Id of the page's `<datalist>`."""


class SuggestsModels:
    """Gives the form's page the `<datalist>` of every model and combo."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        suggestions = [*combo_names(), *model_ids(load_specs(), ("chat",))]
        context = {**(extra_context or {}), "suggestions": suggestions}
        return super().changeform_view(request, object_id, form_url, context)  # type: ignore[misc]
