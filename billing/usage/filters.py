"""Filters of the admin's usage lists. Their choices come from the daily roll-ups, never from the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter

from billing.models import UNPRICED
from billing.usage import finding
from billing.usage.finding import Place
from billing.usage.queries import key_names, known_values
from omniroute.schema import row_id

Rows = QuerySet[Any]

names_of_providers: Callable[[], Mapping[str, str]] = dict
names_of_accounts: Callable[[], Mapping[int, str]] = dict
"""Names by id. Set by the gateway: billing knows the ids alone."""


class RequestFilter(DropdownFilter):
    """`place` says where in the roll-ups to look for what it lets through; None: anywhere."""

    def place(self) -> Place | None:
        return None


class StatusFilter(RequestFilter):
    title = "result"
    parameter_name = "result"
    _tests = {
        "ok": Q(status__lt=400),
        "error": Q(status__gte=400),
        "429": Q(status=429),
        "499": Q(status=499),
        "4xx": Q(status__gte=400, status__lt=500),
        "5xx": Q(status__gte=500),
        "fallback": Q(attempt_count__gt=1),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("ok", "Answered"),
            ("error", "Failed"),
            ("fallback", "More than one attempt"),
            ("429", "429 rate limited"),
            ("499", "499 client left"),
            ("4xx", "Any 4xx"),
            ("5xx", "Any 5xx"),
        ]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        test = self._tests.get(self.value() or "")
        return queryset.filter(test) if test else queryset

    def place(self) -> Place | None:
        return finding.FAILED if self.value() in ("error", "429", "499", "4xx", "5xx") else None


class PeriodFilter(DropdownFilter):
    title = "time"
    parameter_name = "period"
    _periods = {
        "hour": timedelta(hours=1),
        "day": timedelta(days=1),
        "week": timedelta(days=7),
        "month": timedelta(days=30),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("hour", "Last hour"),
            ("day", "Last 24 hours"),
            ("week", "Last 7 days"),
            ("month", "Last 30 days"),
        ]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        period = self._periods.get(self.value() or "")
        if not period:
            return queryset
        since = timezone.now() - period
        if queryset.model._meta.model_name == "dailyusage":
            return queryset.filter(day__gte=since.date())
        return queryset.filter(created_at__gte=since)


class _KnownValueFilter(RequestFilter):
    """By a text column; offers what occurred lately."""

    place_of: Callable[[str], Place]

    daily_field = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, value) for value in known_values(self.daily_field)]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        return queryset.filter(**{self._column(queryset): self.value()}) if self.value() else queryset

    def place(self) -> Place | None:
        value = self.value()
        return type(self).place_of(value) if value else None

    def _column(self, queryset: Rows) -> str:
        return self.daily_field


class ProviderFilter(_KnownValueFilter):
    place_of = staticmethod(finding.by_provider)
    title = "provider"
    parameter_name = daily_field = "provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = names_of_providers()
        found = [(value, names.get(value, value)) for value in known_values(self.daily_field)]
        return sorted(found, key=lambda pair: pair[1].lower())


class ModelFilter(_KnownValueFilter):
    place_of = staticmethod(finding.by_model)
    title = "model"
    parameter_name = daily_field = "model"

    def _column(self, queryset: Rows) -> str:
        return "served_model" if queryset.model._meta.model_name == "usagerecord" else "model"


class ComboFilter(_KnownValueFilter):
    place_of = staticmethod(finding.by_combo)
    title = "combo"
    parameter_name = daily_field = "combo"


class _IdFilter(RequestFilter):
    """By the id of something that has a name."""

    column = ""
    place_of: Callable[[int], Place]
    names: Callable[[], Mapping[int, str]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in type(self).names().items()]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        pk = row_id(self.value() or "")
        return queryset.filter(**{self.column: pk}) if pk > 0 else queryset

    def place(self) -> Place | None:
        pk = row_id(self.value() or "")
        return type(self).place_of(pk) if pk > 0 else None


class KeyFilter(_IdFilter):
    title = "API key"
    parameter_name = "key"
    column = "api_key_id"
    place_of = staticmethod(finding.by_key)
    names = staticmethod(key_names)


class AccountFilter(_IdFilter):
    title = parameter_name = "account"
    column = "account_id"
    place_of = staticmethod(finding.by_account)
    names = staticmethod(lambda: names_of_accounts())


class CostFilter(DropdownFilter):
    title = "cost"
    parameter_name = "cost"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("unpriced", "No price known")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        if self.value() != "unpriced":
            return queryset
        if queryset.model._meta.model_name == "dailyusage":
            return queryset.filter(unpriced__gt=0)
        return queryset.filter(UNPRICED)
