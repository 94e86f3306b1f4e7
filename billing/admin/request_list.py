"""The admin's lists of usage, page by page from the newest on, without counting and without skipping rows."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest

from billing.usage.daily_finding import DayCursor, FoundDays, find_days
from billing.usage.filters import RequestFilter
from billing.usage.finding import Cursor, Found, Place, find, with_id

BEFORE = "before"


class Pages:
    """What the footer shows in place of page numbers."""

    template_name = "admin/billing/older.html"

    def __init__(self, per_page: int, found: Found | FoundDays, newest: str, older: str) -> None:
        self.per_page, self.found, self.newest, self.older = per_page, found, newest, older


class CursorChangeList(ChangeList):
    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Without the cursor, which would be looked up as a field."""
        return {name: value for name, value in super().get_filters_params(params).items() if name != BEFORE}

    def get_results(self, request: HttpRequest) -> None:
        before = request.GET.get(BEFORE, "")
        found = self._found(before)
        self.result_list = found.rows
        self.result_count = len(found.rows)
        self.full_result_count = self.result_count  # else the title says how many are on this page
        self.show_full_result_count = self.show_admin_actions = False
        self.can_show_all = self.multi_page = False
        newest = self.get_query_string(remove=[BEFORE]) if before else ""
        older = self.get_query_string({BEFORE: str(found.next)}) if found.next else ""
        self.paginator = Pages(self.list_per_page, found, newest, older)

    def _found(self, before: str) -> Found | FoundDays:
        raise NotImplementedError

    def _places(self) -> list[Place]:
        specs = [spec for spec in self.filter_specs if isinstance(spec, RequestFilter)]
        return [place for spec in specs if (place := spec.place())]


class RequestChangeList(CursorChangeList):
    def _found(self, before: str) -> Found:
        if self.query and (exactly := with_id(self.query)):
            return Found(exactly)
        return find(self.queryset, self.list_per_page, self._places(), Cursor.parse(before))


class DailyChangeList(CursorChangeList):
    def _found(self, before: str) -> FoundDays:
        return find_days(self.queryset, self.list_per_page, self._places(), DayCursor.parse(before))
