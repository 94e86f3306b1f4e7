"""The time zone of who looks at the admin. Its script puts the browser's into a cookie, by which every page, form and
live row shows its times. What is counted by days (charts, budgets) stays in the zone that it names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import cast
from zoneinfo import ZoneInfo

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import sync_and_async_middleware

Sync = Callable[[HttpRequest], HttpResponse]
Async = Callable[[HttpRequest], Awaitable[HttpResponse]]

COOKIE = "omniroute_zone"


def zone_of(cookies: Mapping[str, str]) -> ZoneInfo | None:
    """None: no zone, or no real one; then times are in `TIME_ZONE`."""
    try:
        return ZoneInfo(cookies[COOKIE])
    except (
        KeyError,
        ValueError,
        OSError,
    ):  # also what ZoneInfo makes of unknown names, of paths and of folders
        return None


@sync_and_async_middleware
def in_viewers_zone(get_response: Sync | Async) -> Sync | Async:
    """For pages. The management API answers everybody in the same zone."""
    if iscoroutinefunction(get_response):
        following = cast(Async, get_response)

        async def in_the_loop(request: HttpRequest) -> HttpResponse:
            with timezone.override(_zone(request)):
                return await following(request)

        return in_the_loop
    after = cast(Sync, get_response)

    def in_a_thread(request: HttpRequest) -> HttpResponse:
        with timezone.override(_zone(request)):
            return after(request)

    return in_a_thread


def _zone(request: HttpRequest) -> ZoneInfo | None:
    return zone_of(request.COOKIES) if request.path.startswith("/admin/") else None
