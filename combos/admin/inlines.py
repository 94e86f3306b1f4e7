"""Rows of a form that are dragged into their order."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from unfold.admin import TabularInline


class OrderedInline(TabularInline):
    ordering_field = "position"
    hide_ordering_field = True
    hide_title = True

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0 if obj else 3
