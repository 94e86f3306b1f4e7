"""Accounts, custom providers and custom models in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from omniroute.model_admin import POST_ATTRS, ListEditingAdmin, object_or_none, redirect_to_change, refuse_get
from omniroute.templatetags.figures import ago
from providers.accounts import delete_account, delete_node, renumber
from providers.admin.cooling import CoolingAccounts
from providers.admin.filters import ProviderColumn, ProviderFilter
from providers.admin.forms import AccountForm, CustomModelForm, NewProviderNodeForm, ProviderNodeForm
from providers.admin.learned import LearnedQuirkAdmin as LearnedQuirkAdmin
from providers.admin.quota import QuotaAccounts
from providers.admin.sign_in import SignedInAccounts
from providers.admin.sync import ListedModelAdmin as ListedModelAdmin
from providers.admin.sync import SyncingAccounts
from providers.choices import account_counts, account_defaults
from providers.config import load_specs
from providers.limit_fields import LIMIT_FIELDS
from providers.models import Account, CustomModel, ProviderNode
from providers.validation.probe import check_accounts, report

TEST_LABELS: dict[str, str] = {
    Account.TestStatus.UNTESTED: "default",
    Account.TestStatus.VALID: "success",
    Account.TestStatus.WARNING: "warning",
    Account.TestStatus.INVALID: "danger",
    Account.TestStatus.UNREACHABLE: "danger",
}

PILLS = {"success": "good", "warning": "warn", "danger": "bad"}

UNREADABLE = "Credential unreadable: enter it again"

LIMITS_NOTE = "What is left empty is taken from Settings → Resilience → Rate limits."

hides_api_key = method_decorator(sensitive_post_parameters("api_key"), name="changeform_view")
"""Keeps a key that is being entered out of error reports."""


@admin.register(Account)
@hides_api_key
class AccountAdmin(
    SyncingAccounts, QuotaAccounts, SignedInAccounts, CoolingAccounts, ProviderColumn, ListEditingAdmin
):
    form = AccountForm
    list_display = (
        "account",
        "provider_name",
        "status",
        "quota",
        "cooldown",
        "priority",
        "is_active",
    )
    list_editable = ("priority", "is_active")
    list_filter = (
        ProviderFilter,
        ("test_status", ChoicesDropdownFilter),
        "is_active",
        "rate_limit_protection",
    )
    list_filter_submit = True
    search_fields = ("name", "provider")
    search_help_text = "Search by name or provider"
    actions = ("test_selected", "sync_selected", "clear_selected")
    actions_detail = (
        "test_account",
        "sync_models",
        "clear_account",
        "sign_in_again",
        "renew_token",
        "ask_for_quota",
    )
    readonly_fields = ("credential", "outcome", "tested", "last_error", "cooldown")
    change_form_after_template = "admin/providers/account_defaults.html"
    change_form_outer_after_template = "admin/billing/budgets_of_account.html"
    fieldsets = (
        (None, {"fields": ("provider", "name", "api_key", "variant", "region")}),
        ("Use", {"fields": ("priority", "is_active", "cooldown")}),
        ("Rate limits", {"fields": LIMIT_FIELDS, "description": LIMITS_NOTE, "classes": ("collapse",)}),
        ("Last test", {"fields": ("outcome", "tested", "last_error")}),
        ("Advanced", {"classes": ("collapse",), "fields": ("base_url", "default_model", "provider_data")}),
    )
    add_fieldsets = (fieldsets[0], ("Use", {"fields": ("priority", "is_active")}), fieldsets[2], fieldsets[4])

    class Media:
        js = ("omniroute/account_form.js",)

    def get_fieldsets(self, request: HttpRequest, obj: Account | None = None) -> Any:
        """Who may only look gets the fields as texts: the key's must not be among them."""
        if obj and not self.has_change_permission(request, obj):
            credential = ("provider", "name", "credential", "variant", "region")
            return ((None, {"fields": credential}), *self.fieldsets[1:])
        return super().get_fieldsets(request, obj)

    def form_context(self) -> dict[str, Any]:
        return {"account_defaults": account_defaults(load_specs())}

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """`?provider=glm` chooses the provider, as the catalog's buttons do."""
        initial = super().get_changeform_initial_data(request)
        if defaults := account_defaults(load_specs()).get(str(initial.get("provider", ""))):
            return {"name": defaults["accountName"], "priority": defaults["priority"], **initial}
        return dict(initial)

    def save_model(self, request: HttpRequest, obj: Account, form: ModelForm[Any], change: bool) -> None:
        """The provider's other accounts make room. A row that is edited in the list beside one that was moved keeps
        the place that it has by then, not the one that the page showed."""
        before = Account.objects.filter(pk=obj.pk).values_list("provider", "priority").first()
        if before and "priority" not in form.changed_data:
            obj.priority = before[1]
        with transaction.atomic():
            position = obj.priority
            super().save_model(request, obj, form, change)
            renumber(obj.provider, moved=obj, position=position)
            if before and before[0] != obj.provider:
                renumber(before[0])

    def delete_model(self, request: HttpRequest, obj: Account) -> None:
        delete_account(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        for account in queryset:
            delete_account(account)

    @display(description="Account", ordering="name", header=True)
    def account(self, row: Account) -> list[str]:
        return [row.name, self.credential(row)]

    @display(description="Credential")
    def credential(self, row: Account) -> str:
        if row.is_unreadable:
            return UNREADABLE
        if row.auth_type == Account.AuthType.OAUTH:
            return self.signed_in_as(row)
        if row.auth_type == Account.AuthType.NONE:
            return "No key"
        return row.masked_key or "Key missing: enter it again"

    @display(description="Last test", ordering="test_status", label=TEST_LABELS)
    def status(self, row: Account) -> tuple[str, str]:
        if row.is_unreadable:
            return Account.TestStatus.INVALID, "Unreadable"
        if row.needs_sign_in:
            return Account.TestStatus.INVALID, "Sign-in needed"
        return row.test_status, row.get_test_status_display()

    @display(description="Result")
    def outcome(self, row: Account) -> SafeString:
        kind = PILLS.get(TEST_LABELS.get(row.test_status, ""), "plain")
        return format_html('<span class="or-pill or-pill-{}">{}</span>', kind, row.get_test_status_display())

    @display(description="Tested", ordering="last_tested_at")
    def tested(self, row: Account) -> SafeString | str:
        if not row.last_tested_at:
            return "Never"
        return format_html(
            '<span title="{}">{}</span>', row.last_tested_at.isoformat(), ago(row.last_tested_at)
        )

    @admin.action(description="Test the selected accounts", permissions=["change"])
    def test_selected(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        report(request, check_accounts(list(queryset)))

    @action(
        description="Test this account",
        icon="network_check",
        url_path="test",
        attrs=POST_ATTRS,
        permissions=["change"],
    )
    def test_account(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if refusal := refuse_get(self, request, object_id):
            return refusal
        if account := object_or_none(self, request, object_id):
            report(request, check_accounts([account]))
        return redirect_to_change(self, object_id)


@admin.register(ProviderNode)
@hides_api_key
class ProviderNodeAdmin(ListEditingAdmin):
    list_display = ("name", "prefix_column", "kind", "base_url", "accounts", "is_active")
    list_editable = ("is_active",)
    search_fields = ("name", "prefix", "base_url")
    actions_detail = ("test_node",)
    readonly_fields = ("accounts",)
    fieldsets = (
        (None, {"fields": ("name", "prefix", "kind", "api_type", "base_url")}),
        ("Use", {"fields": ("accounts", "is_active")}),
        ("Advanced", {"classes": ("collapse",), "fields": ("headers",)}),
    )
    add_fieldsets = (
        (None, {"fields": ("name", "prefix", "kind", "api_type", "base_url", "api_key")}),
        ("Advanced", {"classes": ("collapse",), "fields": ("headers", "is_active")}),
    )
    _counts: dict[str, Any]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = ProviderNodeForm if obj else NewProviderNodeForm
        return super().get_form(request, obj, change, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderNode]:
        self._counts = account_counts()
        queryset: QuerySet[ProviderNode] = super().get_queryset(request)
        return queryset

    def save_model(self, request: HttpRequest, obj: ProviderNode, form: ModelForm[Any], change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            key = form.cleaned_data["api_key"]
            kind = Account.AuthType.API_KEY if key else Account.AuthType.NONE
            Account.objects.create(provider=obj.pk, name=obj.name, api_key=key, auth_type=kind)

    def delete_model(self, request: HttpRequest, obj: ProviderNode) -> None:
        delete_node(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ProviderNode]) -> None:
        for node in queryset:
            delete_node(node)

    @display(description="Prefix", ordering="prefix")
    def prefix_column(self, row: ProviderNode) -> SafeString:
        return format_html("<code>{}/</code>", row.prefix)

    @display(description="Accounts")
    def accounts(self, row: ProviderNode) -> SafeString:
        total = self._counts.get(row.pk, {}).get("total", 0)
        if not total:
            link = f"{reverse('admin:providers_account_add')}?provider={row.pk}"
            return format_html('<a class="or-link" href="{}">Add one: without it nothing is sent</a>', link)
        link = f"{reverse('admin:providers_account_changelist')}?provider={row.pk}"
        return format_html(
            '<a class="or-link" href="{}">{} account{}</a>', link, total, "" if total == 1 else "s"
        )

    @action(
        description="Test this provider",
        icon="network_check",
        url_path="test",
        attrs=POST_ATTRS,
        permissions=["change"],
    )
    def test_node(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if refusal := refuse_get(self, request, object_id):
            return refusal
        if object_or_none(self, request, object_id):
            accounts = list(Account.objects.filter(provider=object_id))
            if not accounts:
                messages.warning(request, "Add an account first: a provider without one is never asked.")
            report(request, check_accounts(accounts))
        return redirect_to_change(self, object_id)


@admin.register(CustomModel)
class CustomModelAdmin(ProviderColumn, ModelAdmin):
    form = CustomModelForm
    list_display = ("model_id", "provider_name", "name", "kind")
    list_filter = (ProviderFilter, ("kind", ChoicesDropdownFilter))
    list_filter_submit = True
    search_fields = ("model_id", "name", "provider")
