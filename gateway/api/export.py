"""Management API: usage as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from asgiref.sync import sync_to_async
from django.http import HttpRequest, StreamingHttpResponse
from ninja import Router

from billing.usage import export
from billing.usage.export import Format, Rows
from billing.usage.queries import key_names, utc_today
from omniroute.schema import Day
from providers.choices import account_names

router = Router(tags=["Usage"])

WHAT = {"daily": "Daily figures", "requests": "Requests"}


@router.get("/usage/export", url_name="export_usage")
def export_usage(
    request: HttpRequest,
    what: Literal["requests", "daily"] = "requests",
    format: Literal["csv", "json"] = "csv",
    since: Day | None = None,
    until: Day | None = None,
) -> StreamingHttpResponse:
    """A file of every request, or of the daily figures, between two UTC days. It is streamed, however long."""
    writer = export.FORMATS[format]()
    if what == "requests":
        file = _file(writer, export.REQUESTS, export.requests(since, until))
    else:
        file = _file(writer, export.DAYS, export.days(since, until, account_names(), key_names()))
    response = StreamingHttpResponse(file, content_type=writer.content_type)
    name = f"omniroute-{what}-{utc_today():%Y-%m-%d}.{format}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


async def _file(writer: Format, columns: tuple[str, ...], rows: Rows) -> AsyncIterator[bytes]:
    """Each batch is read and written in a thread, so that the server's loop goes on."""

    def piece() -> bytes | None:
        batch = next(rows, None)
        return None if batch is None else writer.rows(batch)

    yield writer.begin(columns)
    while (part := await sync_to_async(piece)()) is not None:
        yield part
    yield writer.end()
