"""Proxies in the admin. Above `providers`, whose rows they are, since combos are among what they apply to."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django import forms
from django.contrib import admin, messages
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from combos.models import Combo
from gateway.api.proxy import try_proxy
from omniroute.forms import SecretField
from omniroute.model_admin import POST_ATTRS, object_or_none, redirect_to_change, refuse_get
from providers.choices import provider_choices
from providers.config import load_specs
from providers.models import Account, ProxyRule

LEVELS = ProxyRule.Level
TARGETS = {LEVELS.PROVIDER: "provider", LEVELS.COMBO: "combo", LEVELS.KEY: "account"}
"""The form's field for what a rule of that level applies to."""


class PasswordField(SecretField):
    """Any characters."""

    def clean(self, value: Any) -> str:
        return str(forms.CharField.clean(self, value))


class ProxyForm(ModelForm):  # type: ignore[type-arg]
    provider = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget)
    combo = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget)
    account = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget)
    password = PasswordField(required=False, strip=False)

    class Meta:
        model = ProxyRule
        fields = ("level", "kind", "host", "port", "username", "password")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.fields:
            return
        choices: dict[str, Any] = {
            "provider": provider_choices(load_specs()),
            "combo": [(str(pk), name) for pk, name in Combo.objects.values_list("pk", "name")],
            "account": [(str(row.pk), str(row)) for row in Account.objects.all()],
        }
        for level, name in TARGETS.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", "Choose"), *choices[name]]
            if self.instance.level == level:
                self.initial[name] = self.instance.target
        if self.instance.password:
            self.fields["password"].help_text = "A password is stored. Leave empty to keep it."

    def clean_password(self) -> str:
        return self.cleaned_data["password"] or self.instance.password

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        name = TARGETS.get(cleaned.get("level", ""))
        target = str(cleaned.get(name) or "") if name else ""
        if name and not target:
            self.add_error(name, "Choose what this proxy is for.")
        taken = ProxyRule.objects.filter(level=cleaned.get("level"), target=target).exclude(
            pk=self.instance.pk
        )
        if taken.exists():
            self.add_error(name or "level", "There is an entry for this already.")
        self.instance.target = target
        return cleaned


@admin.register(ProxyRule)
class ProxyRuleAdmin(ModelAdmin):
    form = ProxyForm
    list_display = ("applies_to", "address", "updated_at")
    list_display_links = ("applies_to",)
    actions_detail = ("test_proxy",)
    fieldsets = (
        (None, {"fields": ("level", "provider", "combo", "account")}),
        ("Proxy", {"fields": ("kind", ("host", "port"), ("username", "password"))}),
    )
    conditional_fields = {
        **{name: f"level == '{level}'" for level, name in TARGETS.items()},
        **dict.fromkeys(("host", "port", "username", "password"), "kind != 'direct'"),
    }
    list_before_template = "admin/providers/proxies_note.html"
    _names: dict[tuple[str, str], str]

    def get_queryset(self, request: HttpRequest) -> Any:
        self._names = {
            **{("combo", str(pk)): name for pk, name in Combo.objects.values_list("pk", "name")},
            **{("key", str(pk)): name for pk, name in Account.objects.values_list("pk", "name")},
            **{("provider", spec.id): spec.name for spec in load_specs().values()},
        }
        return super().get_queryset(request)

    @display(description="Applies to", ordering="level", header=True)
    def applies_to(self, row: ProxyRule) -> list[str]:
        if row.level == LEVELS.GLOBAL:
            return ["Everything", "unless something more specific says otherwise"]
        name = self._names.get((row.level, row.target), row.target)
        return [name, {"provider": "Provider", "combo": "Combo", "key": "Account"}[row.level]]

    @display(description="Proxy")
    def address(self, row: ProxyRule) -> str:
        return row.proxy.shown

    @action(
        description="Test this proxy",
        icon="network_check",
        url_path="test",
        attrs=POST_ATTRS,
        permissions=["change"],
    )
    def test_proxy(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if refusal := refuse_get(self, request, object_id):
            return refusal
        if rule := object_or_none(self, request, object_id):
            tested = async_to_sync(try_proxy)(rule.proxy)
            if tested.success:
                said = f"The world sees {tested.public_ip} ({tested.latency_ms} ms)."
                messages.success(request, said)
            else:
                messages.error(request, tested.error or "It failed.")
        return redirect_to_change(self, object_id)
