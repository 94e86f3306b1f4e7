"""What is left of the accounts' plans, in the admin of accounts. A part of `providers.admin`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from omniroute.model_admin import POST_ATTRS, object_or_none, redirect_to_change, refuse_get
from providers.models import Account, QuotaCheck, QuotaWindow, spec_by_id
from providers.quota import Window
from providers.quota import checks as quota_checks
from providers.quota import rows as quota_rows

ASK_PATH = "ask-for-quota"
IN_LIST = 4
"""So many windows, the fullest, are in the list of accounts."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A window, ready to be drawn."""

    label: str
    used: float
    tone: str
    """good, warn or bad."""
    text: str
    """Instead of the bar, where nothing is measured."""
    detail: str
    resets_at: datetime | None
    left_s: float
    """Until then."""
    paid_extra: bool


class QuotaAccounts:
    """The column and field `quota`, the fields of the plan, and the action `ask_for_quota`."""

    _bars: dict[int, list[Bar]]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        self._bars = bars()
        queryset: QuerySet[Account] = super().get_queryset(request)  # type: ignore[misc]
        return queryset

    def get_fieldsets(self, request: HttpRequest, obj: Account | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)  # type: ignore[misc]
        if obj is None or not _is_tracked(obj):
            return fieldsets
        plan = ("Plan", {"fields": ("quota_on_page", "quota_reserve", "plan_only")})
        spec = spec_by_id(obj.provider)
        risk = ("At your own risk", {"fields": ("claude_code_prompt",)})
        last = (risk, fieldsets[-1]) if spec and spec.adapter == "claude_code" else fieldsets[-1:]
        return (fieldsets[0], plan, *fieldsets[1:-1], *last)

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> Any:
        return (*super().get_readonly_fields(request, obj), "quota_on_page")  # type: ignore[misc]

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        actions: list[Any] = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        row = Account.objects.filter(pk=object_id).first() if str(object_id).isdecimal() else None
        source = quota_checks.source_for(row) if row is not None else None
        asks = source is not None and source.asks
        return [each for each in actions if asks or each.path != ASK_PATH]

    @display(description="Plan used")
    def quota(self, row: Account) -> SafeString | str:
        shown = sorted(self._bars.get(row.pk, []), key=lambda bar: -bar.used)
        return _drawn(shown[:IN_LIST], small=True, more=len(shown) - IN_LIST) if shown else "-"

    @display(description="Used")
    def quota_on_page(self, row: Account) -> SafeString:
        check = QuotaCheck.objects.filter(account=row).first()
        return _drawn(self._bars.get(row.pk, []), check=check)

    @action(
        description="Ask for quota",
        icon="data_usage",
        url_path=ASK_PATH,
        attrs=POST_ATTRS,
        permissions=["change"],
    )
    def ask_for_quota(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if refusal := refuse_get(self, request, object_id):
            return refusal
        if account := object_or_none(self, request, object_id):
            if message := quota_checks.refresh(account):
                messages.warning(request, message)
            else:
                messages.success(request, "The windows of the plan are up to date.")
        return redirect_to_change(self, object_id)


def bars() -> dict[int, list[Bar]]:
    """By account."""
    now = timezone.now()
    found: dict[int, list[Bar]] = {}
    for row in QuotaWindow.objects.all():
        found.setdefault(row.account_id, []).append(_bar(quota_rows.window_of(row), now))
    return found


def _bar(window: Window, now: datetime) -> Bar:
    used, figures = 100 - window.remaining_percent(now), _figures(window)
    text = "unlimited" if window.unlimited else ""
    if window.paid_extra and not used and window.limit is None:
        text = text or figures or "allowed"
    resets_at = window.resets_at if window.resets_at is not None and window.resets_at > now else None
    return Bar(
        label=window.label,
        used=used,
        tone="bad" if used >= 100 else "warn" if used >= 80 else "good",
        text=text,
        detail="" if text else figures,
        resets_at=resets_at,
        left_s=(resets_at - now).total_seconds() if resets_at else 0.0,
        paid_extra=window.paid_extra,
    )


def _figures(window: Window) -> str:
    if window.source == "counted":
        return f"{window.used:,.0f} of {window.limit:,.0f} requests, counted here"
    if window.used is not None and window.limit is not None:
        return f"{window.used:g} of {window.limit:g}"
    return f"{window.remaining:g} left" if window.remaining is not None else ""


def _is_tracked(account: Account) -> bool:
    spec = spec_by_id(account.provider)
    return spec is not None and bool(spec.quota)


def _drawn(
    shown: list[Bar], *, small: bool = False, more: int = 0, check: QuotaCheck | None = None
) -> SafeString:
    context = {"bars": shown, "small": small, "more": more, "check": check}
    return render_to_string("admin/providers/quota.html", context)
