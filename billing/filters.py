"""Filters of the admin's usage lists. Their choices come from the daily roll-ups, never from the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter

from billing.queries import key_names, known_values

Rows = QuerySet[Any]

names_of_providers: Callable[[], Mapping[str, str]] = dict
"""Names by id. Set by the gateway: billing knows the ids alone."""


class StatusFilter(DropdownFilter):
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


class _KnownValueFilter(DropdownFilter):
    """By a text column; offers what occurred lately."""

    daily_field = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, value) for value in known_values(self.daily_field)]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        return queryset.filter(**{self._column(queryset): self.value()}) if self.value() else queryset

    def _column(self, queryset: Rows) -> str:
        return self.daily_field


class ProviderFilter(_KnownValueFilter):
    title = "provider"
    parameter_name = daily_field = "provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = names_of_providers()
        found = [(value, names.get(value, value)) for value in known_values(self.daily_field)]
        return sorted(found, key=lambda pair: pair[1].lower())


class ModelFilter(_KnownValueFilter):
    title = "model"
    parameter_name = daily_field = "model"

    def _column(self, queryset: Rows) -> str:
        return "served_model" if queryset.model._meta.model_name == "usagerecord" else "model"


class ComboFilter(_KnownValueFilter):
    title = "combo"
    parameter_name = daily_field = "combo"


class KeyFilter(DropdownFilter):
    title = "API key"
    parameter_name = "key"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(key), name) for key, name in key_names().items()]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        value = self.value() or ""
        return queryset.filter(api_key_id=int(value)) if value.isdecimal() else queryset


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
        return queryset.filter(Q(cost=None) & (Q(input_tokens__gt=0) | Q(output_tokens__gt=0)))
