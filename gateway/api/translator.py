"""Management API of the translator: what a body is, what becomes of it, the last translations, bodies that are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest, StreamingHttpResponse
from ninja import Query, Router

from billing.usage.queries import recent_requests
from gateway import snapshot as snapshots
from gateway.api.translator_shapes import (
    MAX_SAMPLES,
    DetectIn,
    DetectOut,
    HistoryOut,
    InspectOut,
    SampleList,
    SampleName,
    SampleOut,
    SaveIn,
    SaveOut,
    SendIn,
    TranslateIn,
    TranslateOut,
    destination_of,
    event_of,
    keep,
    kept,
    shown,
    translated,
)
from gateway.edge.auth import Grant
from gateway.translator import composing, own_client, reading
from gateway.translator.detection import detect, detect_value
from gateway.translator.models import TranslatorSample
from gateway.translator.outgoing import attempt_at
from gateway.translator.own_client import Ask, Happened
from gateway.wire import FORMATS
from omniroute.errors import InvalidRequest, NotFound

router = Router(tags=["Translator"], by_alias=True)

MAX_HISTORY = 500


@router.post("/translator/detect", response=DetectOut, summary="Which format is this?")
def detect_format(request: HttpRequest, body: DetectIn) -> DetectOut:
    """The wire format of a request, an answer, a stream or an error. 400 for what looks like none."""
    return DetectOut(format=detect(reading.packed(body.body)).format)


@router.post("/translator/translate", response=TranslateOut, summary="Translate a body")
def translate_body(request: HttpRequest, body: TranslateIn) -> TranslateOut:
    """From one wire format into another, or one step of it. Nothing is sent. 400 says what cannot be read."""
    done = translated(body)
    step = done.step(3 if body.step == "direct" else int(body.step))
    return TranslateOut(source_format=done.source, target_format=done.target, result=step.value)


@router.post("/translator/inspect", response=InspectOut, summary="Translate a body, and say what changed")
def inspect_body(request: HttpRequest, body: TranslateIn) -> InspectOut:
    """Every step as text, and what was left out, changed or without effect: where, and why."""
    return shown(translated(body))


@router.post("/translator/send", summary="Send a body to a provider")
def send_body(request: HttpRequest, body: SendIn) -> StreamingHttpResponse:
    """A chat request of any format through the gateway to one provider; the answer streams back in the body's own
    format. It is routed, limited, paid for and logged like every request. 400 without an active connection."""
    return streamed(sending(body, request.META.get("REMOTE_ADDR", "")))


@router.get("/translator/history", response=HistoryOut, summary="The last translations")
def history(request: HttpRequest, limit: Annotated[int, Query(ge=1, le=MAX_HISTORY)] = 50) -> HistoryOut:
    """The newest first, of the last 500 requests, which is what `total` counts."""
    rows = list(recent_requests(MAX_HISTORY))
    return HistoryOut(events=[event_of(row) for row in rows[:limit]], total=len(rows))


@router.post("/translator/save", response=SaveOut, summary="Keep a body")
def save_sample(request: HttpRequest, body: SaveIn) -> SaveOut:
    """Under a name, in the place of what it stood for."""
    return SaveOut(name=keep(body))


@router.get("/translator/load", response=SampleOut | SampleList, summary="Bodies that are kept")
def load_sample(request: HttpRequest, name: str = "", file: str = "") -> SampleOut | SampleList:
    """One, or without a name what there is."""
    if wanted := name or file:
        return kept(wanted)
    fields = ("name", "kind", "format", "updated_at")
    rows = TranslatorSample.objects.values_list(*fields)[:MAX_SAMPLES]
    return SampleList(samples=[SampleName(**dict(zip(fields, row, strict=True))) for row in rows])


@router.delete("/translator/load", response=SaveOut, summary="Forget a body")
def delete_sample(request: HttpRequest, name: str) -> SaveOut:
    """404 where nothing is kept under the name."""
    if not TranslatorSample.objects.filter(name=name[:100]).delete()[0]:
        raise NotFound("There is no sample of this name")
    return SaveOut(name=name)


def sending(body: SendIn, address: str) -> Ask:
    """Raise `InvalidRequest`."""
    found = detect_value(body.body)
    if found.kind != "request" or found.format not in FORMATS:
        raise InvalidRequest("The body is no chat request of a known format", param="body")
    named = body.model or str(body.body.get("model") or "")
    destination = destination_of(body.provider, body.connection_id)
    if destination is None or not named:
        raise InvalidRequest("Say a provider and a model", param="model" if body.provider else "provider")
    attempt = attempt_at(destination, named, snapshots.refresh())
    if not attempt.account.id and not snapshots.refresh().providers.is_connected(attempt.target.provider.id):
        raise InvalidRequest(
            f"No active connection found for {attempt.target.provider.name}",
            param="provider",
            code="no_account",
        )
    stream = body.body.get("stream", True) is not False
    return composing.ask(
        composing.with_model(body.body, found.format, attempt.target.name, stream),
        found.format,
        attempt.target.name,
        stream=stream,
        grant=Grant(account_id=destination.account),
        address=address,
    )


def streamed(ask: Ask) -> StreamingHttpResponse:
    """The answer as it comes, with its own status."""
    happening = own_client.watch(ask)
    head = async_to_sync(_head)(happening)
    response = StreamingHttpResponse(_bytes(happening), status=head["status"])
    for name in ("content-type", "x-request-id", "x-omniroute-provider", "x-omniroute-model"):
        if name in head["headers"]:
            response[name] = head["headers"][name]
    return response


async def _head(happening: AsyncIterator[Happened]) -> dict[str, Any]:
    async for happened in happening:
        if happened.kind == "head":
            value: dict[str, Any] = happened.value
            return value
    return {"status": 502, "headers": {}}


async def _bytes(happening: AsyncIterator[Happened]) -> AsyncIterator[bytes]:
    async for happened in happening:
        if happened.kind == "body":
            yield happened.value
