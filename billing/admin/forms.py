"""Forms of the admin for API keys and prices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget

from billing.models import ApiKey, Price
from billing.pricing.fields import FIELDS
from omniroute.forms import LinesField, PlainDecimals, SuggestionInput

PRICES = tuple(field.column for field in FIELDS)
PROVIDERS = "provider-suggestions"
"""Id of the page's `<datalist>`."""


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    allowed_models = LinesField(
        required=False,
        placeholder="premium-coding\nglm/*",
        help_text="Models, combos or patterns that this key may use, one a line. Empty: all. “!” in front blocks: "
        "!openai/* is not even used as a combo's target.",
    )

    cache = forms.TypedChoiceField(
        label="Cached answers",
        choices=ApiKey.Cache.choices,
        required=False,
        empty_value=ApiKey.Cache.OWN,
        widget=UnfoldAdminSelectWidget,
        help_text="Whose answers the response cache may give this key again.",
    )

    class Meta:
        model = ApiKey
        fields = ("name", "scope", "is_active", "expires_at", "allowed_models", "cache", "similar_answers")

    def clean_expires_at(self) -> datetime | None:
        moment: datetime | None = self.cleaned_data["expires_at"]
        if moment and "expires_at" in self.changed_data and moment <= timezone.now():
            raise forms.ValidationError("This moment has passed. To stop a key at once, switch it off.")
        return moment


class PriceForm(PlainDecimals):
    class Meta:
        model = Price
        fields = ("provider", "model", *PRICES, "long_start")
        widgets = {"provider": SuggestionInput(PROVIDERS, placeholder="openai")}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in PRICES:
            if (cleaned.get(name) or 0) < 0:
                self.add_error(name, "A price cannot be negative.")
        return cleaned
