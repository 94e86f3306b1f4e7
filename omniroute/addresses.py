"""Addresses that no page and no API can have a use for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

Sync = Callable[[HttpRequest], HttpResponse]
Async = Callable[[HttpRequest], Awaitable[HttpResponse]]


@sync_and_async_middleware
def without_nul(get_response: Sync | Async) -> Sync | Async:
    """A NUL in path or query is a 400: PostgreSQL can hold none, so looking for it would fail there."""
    if iscoroutinefunction(get_response):
        following = cast(Async, get_response)

        async def in_the_loop(request: HttpRequest) -> HttpResponse:
            _check(request)
            return await following(request)

        return in_the_loop
    after = cast(Sync, get_response)

    def in_a_thread(request: HttpRequest) -> HttpResponse:
        _check(request)
        return after(request)

    return in_a_thread


def _check(request: HttpRequest) -> None:
    if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
        raise SuspiciousOperation("The address holds a NUL character")
