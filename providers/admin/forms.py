"""Forms of the admin for providers and accounts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from omniroute.forms import HeadersField, ObjectField, SecretField, one_of
from providers.adapters.claude_code import PROMPT_OPTION
from providers.choices import provider_choices, suggested_name
from providers.config import load_specs
from providers.limit_fields import LIMIT_FIELDS
from providers.models import Account, CustomModel, ProviderNode
from providers.spec import ProviderSpec

_OF_KEYS = ("provider", "api_key", "variant", "region")
"""Fields that make no sense for an account that somebody signed in to."""


class ProviderSelectForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form with a `provider` select that is filled from the catalog and the custom providers."""

    provider = forms.ChoiceField(widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.specs = load_specs()
        if "provider" in self.fields:  # absent for who may only look
            choices = provider_choices(self.specs, self.instance.provider)
            self._choice("provider").choices = [("", "Choose a provider"), *choices]

    def _choice(self, name: str) -> forms.ChoiceField:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        return field

    @property
    def spec(self) -> ProviderSpec | None:
        return self.specs.get(self.cleaned_data.get("provider", self.instance.provider))


class AccountForm(ProviderSelectForm):
    name = forms.CharField(
        required=False,
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text="How you tell this account from the others. Empty: the provider's name.",
    )
    api_key = SecretField(label="API key", required=False)
    variant = forms.ChoiceField(
        label="Endpoint",
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Which of the provider's addresses.",
    )
    region = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget)
    claude_code_prompt = forms.BooleanField(
        label="Claude Code's system block",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Put “You are Claude Code, Anthropic's official CLI for Claude.” before the instructions of other "
        "programs, without which Anthropic refuses them. Anthropic's terms forbid this: it may limit or close the "
        "account. Claude Code itself needs none of it.",
    )
    provider_data = ObjectField(
        label="Provider-specific data",
        help_text="Further options of this provider, as a JSON object. Most need none.",
    )

    class Meta:
        model = Account
        fields = (
            "provider",
            "name",
            "api_key",
            "variant",
            "region",
            "base_url",
            "default_model",
            "quota_reserve",
            "plan_only",
            "priority",
            "is_active",
            *LIMIT_FIELDS,
            "provider_data",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.pop("api_key", None)
        if not self.fields:
            return
        if self.instance.auth_type == Account.AuthType.OAUTH:
            for name in _OF_KEYS:
                self.fields.pop(name, None)
        if "provider" in self.fields:
            specs = {id: spec for id, spec in self.specs.items() if not spec.oauth}
            choices = provider_choices(specs, self.instance.provider)
            self._choice("provider").choices = [("", "Choose a provider"), *choices]
        for name, current in (("variant", self.instance.variant), ("region", self.instance.region)):
            known = [value for spec in self.specs.values() for value in getattr(spec, f"{name}s")]
            if name in self.fields:
                self._choice(name).choices = one_of(dict.fromkeys([*known, current] if current else known))
        self._offer_prompt()
        if self.instance.pk and "api_key" in self.fields:
            self.fields["api_key"].help_text = self._stored_key()

    def _offer_prompt(self) -> None:
        """Only where it means something: it is an entry of the provider's data with a box of its own."""
        if "claude_code_prompt" not in self.fields:
            return
        spec = self.specs.get(self.instance.provider)
        if spec is None or spec.adapter != "claude_code":
            del self.fields["claude_code_prompt"]
        else:
            data = self.instance.provider_data or {}
            self.initial["claude_code_prompt"] = data.get(PROMPT_OPTION) is True

    def _stored_key(self) -> str:
        if self.instance.api_key:
            return format_html("Stored: <code>{}</code>. Leave empty to keep it.", self.instance.masked_key)
        return "No key is stored."

    def clean_api_key(self) -> str:
        return self.cleaned_data["api_key"] or self.instance.api_key

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "claude_code_prompt" in self.fields and isinstance(cleaned.get("provider_data"), dict):
            rest = {name: item for name, item in cleaned["provider_data"].items() if name != PROMPT_OPTION}
            wanted = {PROMPT_OPTION: True} if cleaned.get("claude_code_prompt") else {}
            cleaned["provider_data"] = {**rest, **wanted}
        if spec := self.spec:
            self._clean_choices(spec, cleaned)
            self._clean_credential(spec, cleaned)
            if not cleaned.get("name") and "name" not in self.errors:
                existing = Account.objects.filter(provider=spec.id).exclude(pk=self.instance.pk).count()
                cleaned["name"] = suggested_name(spec, existing)
        return cleaned

    def _clean_choices(self, spec: ProviderSpec, cleaned: dict[str, Any]) -> None:
        """A choice made for another provider, before the select was changed, is dropped without a fuss."""
        for name, known in (("variant", spec.variants), ("region", spec.regions)):
            if cleaned.get(name) and cleaned[name] not in known:
                cleaned[name] = ""

    def _clean_credential(self, spec: ProviderSpec, cleaned: dict[str, Any]) -> None:
        if "api_key" in self.errors or self.instance.auth_type == Account.AuthType.OAUTH:
            return
        if {"api_key", "provider", "base_url"} & set(self.changed_data):  # what was tested is another thing
            self.instance.test_status, self.instance.last_error = Account.TestStatus.UNTESTED, ""
            self.instance.last_tested_at = None
        if cleaned.get("api_key"):
            self.instance.auth_type = Account.AuthType.API_KEY
        elif spec.needs_key:
            where = f" Get one at {spec.signup_url}." if spec.signup_url else ""
            self.add_error("api_key", f"{spec.name} needs an API key.{where}")
        else:
            self.instance.auth_type = Account.AuthType.NONE


class CustomModelForm(ProviderSelectForm):
    class Meta:
        model = CustomModel
        fields = ("provider", "model_id", "name", "kind")

    def clean_model_id(self) -> str:
        model_id = str(self.cleaned_data["model_id"]).strip()
        spec = self.spec
        if spec and model_id.lower().startswith(f"{spec.shown_prefix}/".lower()):
            own = {model.id.lower() for model in spec.models}
            if model_id.lower() not in own:
                raise forms.ValidationError(f"Leave the prefix out: {model_id.partition('/')[2]}")
        return model_id


class ProviderNodeForm(forms.ModelForm):  # type: ignore[type-arg]
    headers = HeadersField(
        label="Further headers",
        required=False,
        help_text="Sent with every request, one “Name: value” a line.",
    )

    class Meta:
        model = ProviderNode
        fields = ("name", "prefix", "kind", "api_type", "base_url", "headers", "is_active")
        labels = {"api_type": "API type"}
        help_texts = {"prefix": "What clients write before the slash, such as ollama for ollama/qwen3."}


class NewProviderNodeForm(ProviderNodeForm):
    """Asks for the key as well: a provider without an account cannot be used."""

    api_key = SecretField(
        label="API key",
        required=False,
        help_text="Leave empty if the server needs none, as Ollama and LM Studio do.",
    )
