"""Cooldowns in the admin of accounts: shown in the list and on the page, cleared with one click."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from omniroute.model_admin import object_or_none, redirect_to_change, refuse_get
from providers.cooling import Cooling, clear_cooldowns, cooling_accounts
from providers.models import Account

CLEAR_PATH = "clear-cooldown"


class CoolingAccounts:
    """The column `cooldown`, and the actions `clear_selected` and `clear_account`."""

    _cooling: dict[int, list[Cooling]]

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Without a button that would do nothing."""
        actions = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        cools = any(str(account) == str(object_id) for account in cooling_accounts())
        return [each for each in actions if cools or each.path != CLEAR_PATH]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        self._cooling = cooling_accounts()
        queryset: QuerySet[Account] = super().get_queryset(request)  # type: ignore[misc]
        return queryset

    @display(description="Cooldown")
    def cooldown(self, row: Account) -> SafeString | str:
        cooling = self._cooling.get(row.pk, [])
        return render_to_string("admin/providers/cooling.html", {"cooling": cooling}) if cooling else "-"

    @admin.action(description="Clear the cooldowns of the selected accounts", permissions=["change"])
    def clear_selected(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        _clear(request, queryset)

    @action(
        description="Clear cooldown",
        icon="ac_unit",
        url_path=CLEAR_PATH,
        attrs={"data-post": "Clearing…"},
        permissions=["change"],
    )
    def clear_account(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if refusal := refuse_get(self, request, object_id):
            return refusal
        if account := object_or_none(self, request, object_id):
            _clear(request, [account])
        return redirect_to_change(self, object_id)


def _clear(request: HttpRequest, accounts: Iterable[Account]) -> None:
    count = clear_cooldowns(account.pk for account in accounts)
    if count:
        messages.success(request, f"{count} cooldown{'' if count == 1 else 's'} cleared.")
    else:
        messages.info(request, "There was no cooldown to clear.")
