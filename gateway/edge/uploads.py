"""A form with a file into an `InboundRequest`: what `audio/transcriptions` and `audio/translations` take."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from gateway.edge.inbound import check_model, request_id
from gateway.wire import json, multipart
from omniroute.errors import InvalidRequest
from omniroute.types import InboundRequest

IN_THREAD_BYTES = 4 << 20
"""Looking through a larger form takes milliseconds, which other requests would wait for."""


async def parse(body: bytes, *, path: str, headers: Mapping[str, str], operation: str) -> InboundRequest:
    """Raise `InvalidRequest` naming the field."""
    if not body:
        raise InvalidRequest("The request has no body")
    kind = headers.get("content-type", "")
    large = len(body) > IN_THREAD_BYTES
    form = await asyncio.to_thread(multipart.parse, body, kind) if large else multipart.parse(body, kind)
    upload = form.files.get("file")
    if upload is None:
        raise InvalidRequest("The field 'file' is missing, or has no file name", param="file")
    model = (form.fields.get("model") or [""])[0].strip()
    if not model:
        raise InvalidRequest("The field 'model' is missing", param="model")
    return InboundRequest(
        id=request_id(),
        format="openai_chat",
        operation=operation,
        model=check_model(model),
        stream=(form.fields.get("stream") or [""])[0].strip().lower() in ("true", "1"),
        body=body,
        fields=dict(_field(name, values) for name, values in form.fields.items()),
        headers=headers,
        path=path,
        upload=upload,
    )


def _field(name: str, values: list[str]) -> tuple[str, msgspec.Raw]:
    """`name[]` is a list, as is what is there several times."""
    listed = name.endswith("[]") or len(values) > 1
    return name.removesuffix("[]"), msgspec.Raw(json.dumps(values if listed else values[0]))
