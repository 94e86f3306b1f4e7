"""Accounts that somebody signed in to, in the admin of accounts. A part of `providers.admin`."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from omniroute.errors import UpstreamError
from omniroute.model_admin import SingletonAdmin, object_or_none, redirect_to_change, refuse_get
from omniroute.templatetags.figures import ago
from providers.config import account_config
from providers.models import Account, SignInSettings, spec_by_id
from providers.oauth import renewal

AGAIN_PATH, RENEW_PATH = "sign-in-again", "renew-token"


class SignedInAccounts:
    """The fields of a sign-in, and the actions `sign_in_again` and `renew_token`."""

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Providers that one signs in to have a page of their own."""
        spec = spec_by_id(request.GET.get("provider", "")) if request.method == "GET" else None
        if spec and spec.oauth:
            return HttpResponseRedirect(reverse("admin:providers_catalog_connect", args=(spec.id,)))
        return super().add_view(request, *args, **kwargs)  # type: ignore[misc]

    def get_fieldsets(self, request: HttpRequest, obj: Account | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)  # type: ignore[misc]
        if obj is None or obj.auth_type != Account.AuthType.OAUTH:
            return fieldsets
        identity = (None, {"fields": ("provider_title", "name", "sign_in")})
        return (identity, *fieldsets[1:])

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)  # type: ignore[misc]
        return (*fields, "provider_title", "sign_in")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        actions: list[Any] = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        rows = Account.objects.filter(pk=object_id, auth_type=Account.AuthType.OAUTH)
        row = rows.first() if str(object_id).isdecimal() else None
        hidden = {AGAIN_PATH, RENEW_PATH} if row is None else set() if row.refresh_token else {RENEW_PATH}
        return [each for each in actions if each.path not in hidden]

    def signed_in_as(self, row: Account) -> str:
        if row.needs_sign_in:
            return "Needs to be signed in again"
        return f"Signed in as {row.email}" if row.email and row.email != row.name else "Signed in"

    @display(description="Provider")
    def provider_title(self, row: Account) -> str:
        spec = spec_by_id(row.provider)
        return f"{spec.name} ({spec.shown_prefix}/)" if spec else row.provider

    @display(description="Sign-in")
    def sign_in(self, row: Account) -> SafeString:
        """Whose it is, and how long it lasts. No token."""
        lines = [f"Account {row.email}" if row.email else "", f"Plan: {row.plan}" if row.plan else ""]
        if not row.needs_sign_in:
            lines.append(_life(row))
        if row.last_refresh_at:
            lines.append(f"Token renewed {ago(row.last_refresh_at)}")
        told = format_html_join("", "<li>{}</li>", ((line,) for line in lines if line))
        if not row.needs_sign_in:
            return format_html('<ul class="or-told">{}</ul>', told)
        link = f"{reverse('admin:providers_catalog_connect', args=(row.provider,))}?account={row.pk}"
        return format_html(
            '<p class="or-pill or-pill-bad">Needs to be signed in again</p><p class="or-error-text">{}</p>'
            '<p class="or-told"><a class="or-link" href="{}">Sign in again</a></p><ul class="or-told">{}</ul>',
            row.sign_in_reason,
            link,
            told,
        )

    @action(description="Sign in again", icon="login", url_path=AGAIN_PATH, permissions=["change"])
    def sign_in_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = object_or_none(self, request, object_id)
        if account is None:
            return redirect_to_change(self, object_id)
        connect = reverse("admin:providers_catalog_connect", args=(account.provider,))
        return HttpResponseRedirect(f"{connect}?account={account.pk}")

    @action(
        description="Renew token",
        icon="autorenew",
        url_path=RENEW_PATH,
        attrs={"data-post": "Renewing…"},
        permissions=["change"],
    )
    def renew_token(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if refusal := refuse_get(self, request, object_id):
            return refusal
        if account := object_or_none(self, request, object_id):
            try:
                async_to_sync(renewal.renewed)(account_config(account))
            except UpstreamError as error:
                messages.error(request, f"{error.message}.")
            else:
                messages.success(request, f"{account.name} has a new token.")
        return redirect_to_change(self, object_id)


def _life(row: Account) -> str:
    if row.expires_at is None:
        return "" if row.refresh_token else "The token cannot be renewed"
    left = row.expires_at - timezone.now()
    minutes = int(left.total_seconds() // 60)
    renewed = "it is renewed by itself" if row.refresh_token else "it cannot be renewed"
    if minutes < 0:
        return f"The token has ended; {renewed}"
    span = f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
    return f"The token ends in {span}; {renewed}"


@admin.register(SignInSettings)
class SignInSettingsAdmin(SingletonAdmin):
    fields = ("allow_discontinued",)
