"""Forms of the admin for routing settings, rules of single providers and fallback chains."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminSelectWidget

from combos.admin.suggestions import SUGGESTIONS
from combos.cascade import BUILT_IN
from combos.models import FallbackChain, FallbackEntry, ProviderRouting, RoutingSettings
from combos.rules import check_fallback
from combos.validation import known_names
from omniroute.forms import ExplainedSelect, LinesField, SuggestionInput
from providers.choices import provider_names
from providers.selection import registry

OPTION_FIELDS = (
    "max_retries",
    "retry_delay_ms",
    "target_timeout_s",
    "concurrency_per_model",
    "queue_timeout_ms",
    "queue_depth",
    "hedge",
    "hedge_after_s",
)
COMBO_OPTION_FIELDS = (*OPTION_FIELDS[:3], "combo_timeout_s", *OPTION_FIELDS[3:])
BUILT_IN_TEXTS = {
    "max_retries": str(BUILT_IN.max_retries),
    "retry_delay_ms": f"{(BUILT_IN.retry_delay_s or 0) * 1000:g}",
    "target_timeout_s": "the gateway's limit",
    "combo_timeout_s": f"{BUILT_IN.combo_timeout_s:g}",
    "concurrency_per_model": "no limit",
    "queue_timeout_ms": f"{(BUILT_IN.queue_timeout_s or 0) * 1000:g}",
    "queue_depth": str(BUILT_IN.queue_depth),
    "hedge_after_s": f"{BUILT_IN.hedge_after_s:g}",
}
"""What an empty field means where nothing wider says anything: shown as its placeholder."""


def show_inherited(form: forms.ModelForm) -> None:  # type: ignore[type-arg]
    """Let every empty option show what it is then."""
    for name, text in BUILT_IN_TEXTS.items():
        if name in form.fields:
            form.fields[name].widget.attrs["placeholder"] = text
    if isinstance(field := form.fields.get("hedge"), forms.ChoiceField):
        field.choices = [
            ("", "As elsewhere (off, unless a wider level says otherwise)"),
            *_real(field.choices),
        ]


def _real(choices: Any) -> list[tuple[str, str]]:
    return [(value, label) for value, label in choices if value]


class RoutingSettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    account_strategy = forms.ChoiceField(
        widget=ExplainedSelect(registry.explanations),
        help_text="How an account is chosen when a provider has several.",
    )
    error_texts = LinesField(
        required=False,
        placeholder="You are out of credits",
        help_text=RoutingSettings._meta.get_field("error_texts").help_text,
    )

    class Meta:
        model = RoutingSettings
        fields = (
            "account_strategy",
            "sticky_limit",
            "session_affinity",
            "affinity_minutes",
            "error_texts",
            *COMBO_OPTION_FIELDS,
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_strategies(self, self.instance.account_strategy)
        show_inherited(self)


class ProviderRoutingForm(forms.ModelForm):  # type: ignore[type-arg]
    provider = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    account_strategy = forms.ChoiceField(
        widget=ExplainedSelect(registry.explanations),
        required=False,
        help_text="How an account is chosen when the provider has several.",
    )
    blocked_models = LinesField(
        required=False,
        placeholder="gpt-4*",
        help_text=ProviderRouting._meta.get_field("blocked_models").help_text,
    )

    class Meta:
        model = ProviderRouting
        fields = (
            "provider",
            "is_blocked",
            "blocked_models",
            "account_strategy",
            "sticky_limit",
            *OPTION_FIELDS,
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_strategies(self, self.instance.account_strategy, inherited="As everywhere")
        show_inherited(self)
        if isinstance(field := self.fields.get("provider"), forms.ChoiceField):
            names: dict[str, str] = provider_names()
            current = self.instance.provider
            if current and current not in names:
                names[current] = f"{current} (gone)"
            field.choices = sorted(names.items(), key=lambda item: str(item[1]).lower())


def _offer_strategies(form: forms.ModelForm, current: str, *, inherited: str = "") -> None:  # type: ignore[type-arg]
    field = form.fields.get("account_strategy")
    if isinstance(field, forms.ChoiceField):
        choices = registry.choices()
        if inherited:
            choices.insert(0, ("", inherited))
        if current not in dict(choices):
            choices.append((current, f"{current} (not available)"))
        field.choices = choices


class FallbackChainForm(forms.ModelForm):  # type: ignore[type-arg]
    model = forms.CharField(
        required=False,
        max_length=250,
        widget=SuggestionInput(SUGGESTIONS, placeholder="every request"),
        help_text=FallbackChain._meta.get_field("model").help_text,
    )

    class Meta:
        model = FallbackChain
        fields = ("name", "model", "is_active")


class FallbackEntryForm(forms.ModelForm):  # type: ignore[type-arg]
    target = forms.CharField(
        max_length=250,
        widget=SuggestionInput(SUGGESTIONS, placeholder="provider/model, a combo, or a provider"),
    )

    class Meta:
        model = FallbackEntry
        fields = ("position", "target", "is_active")

    def clean_target(self) -> str:
        target = str(self.cleaned_data["target"]).strip()
        try:
            check_fallback(target, known_names())
        except forms.ValidationError as error:
            raise forms.ValidationError(error.messages) from None
        return target


class FallbackFormSet(PaginationInlineFormSet):
    """Refuses a chain without lines."""

    def clean(self) -> None:
        super().clean()
        kept = [form for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        if not kept and not any(form.errors for form in self.forms):
            raise forms.ValidationError("Add at least one line: an empty chain helps nobody.")
