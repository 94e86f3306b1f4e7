"""What the translator's API takes and gives, and how that is read and written."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, StringConstraints

from billing.models import UsageRecord
from gateway import snapshot as snapshots
from gateway.translator import reading
from gateway.translator.detection import detect
from gateway.translator.formats import Kind
from gateway.translator.models import TranslatorSample
from gateway.translator.outgoing import Destination
from gateway.translator.translation import Translation, Wish, translate
from omniroute.errors import InvalidRequest, NotFound
from omniroute.schema import CamelModel, Line, Name, StrictModel, row_id

MAX_SAMPLES = 1000
Body = dict[str, Any] | list[Any] | str
"""A JSON value, or text: a stream, or a body as a client sent it."""
Step = Literal["direct", 1, 2, 3, 4, "1", "2", "3", "4"]


class DetectIn(StrictModel):
    body: Body


class DetectOut(CamelModel):
    success: bool = True
    format: str


class TranslateIn(StrictModel):
    step: Step = "direct"
    """1: as it came; 2: the neutral form; 3: in the target's format; 4: method, address, headers and body as the
    provider gets them; direct: the target's body."""
    source_format: Line = ""
    """Left out: found out by looking at the body."""
    target_format: Line = ""
    """Not needed with a provider, whose format it is."""
    provider: Line = ""
    """Id or prefix. Its quirks, and the gateway's policies, are applied."""
    connection_id: Line = ""
    model: Line = ""
    """The provider's model, where the body does not name it."""
    kind: Kind | None = None
    stream: bool = False
    """For a Gemini request, which has it in its path."""
    status: Annotated[int, Field(ge=400, le=599)] = 400
    """Of an error."""
    body: Body


class TranslateOut(CamelModel):
    success: bool = True
    source_format: str
    target_format: str
    result: Any


class ChangeOut(CamelModel):
    path: str
    what: str
    why: str


class StepOut(CamelModel):
    number: int
    title: str
    text: str


class InspectOut(CamelModel):
    kind: Kind
    source_format: str
    target_format: str
    steps: list[StepOut]
    changes: list[ChangeOut]


class SendIn(StrictModel):
    provider: Line
    connection_id: Line = ""
    model: Line = ""
    """Where the body has none (Gemini)."""
    body: dict[str, Any]


class EventOut(CamelModel):
    provider: str
    model: str
    source_format: str
    target_format: str
    status: Literal["success", "error"]
    status_code: int
    latency: int
    """Milliseconds."""
    endpoint: str
    connection_id: str | None
    combo_name: str
    timestamp: datetime


class HistoryOut(CamelModel):
    success: bool = True
    events: list[EventOut]
    total: int


class SaveIn(StrictModel):
    name: Annotated[Name, Field(validation_alias=AliasChoices("name", "file"))]
    body: Annotated[Body, Field(validation_alias=AliasChoices("body", "content"))]
    format: Annotated[str, StringConstraints(max_length=30)] = ""
    kind: Kind = "request"


class SaveOut(CamelModel):
    success: bool = True
    name: str


class SampleOut(CamelModel):
    success: bool = True
    name: str
    kind: str
    format: str
    content: str


class SampleName(CamelModel):
    name: str
    kind: str
    format: str
    updated_at: datetime


class SampleList(CamelModel):
    success: bool = True
    samples: list[SampleName]


def translated(body: TranslateIn) -> Translation:
    """Raise `InvalidRequest`."""
    data = reading.packed(body.body)
    found = None if body.source_format and body.kind else detect(data)
    kind = body.kind or (found.kind if found else "request")
    if not (body.provider or body.target_format or body.step in (1, 2, "1", "2")):
        raise InvalidRequest("Say targetFormat, or a provider", param="targetFormat")
    wish = Wish(
        data=data,
        kind=kind,
        source=body.source_format or (found.format if found else ""),
        target=body.target_format or "openai_chat",
        model=body.model,
        stream=body.stream,
        status=body.status,
        destination=destination_of(body.provider, body.connection_id) if kind == "request" else None,
    )
    return translate(wish, snapshots.refresh())


def shown(done: Translation) -> InspectOut:
    return InspectOut(
        kind=done.kind,
        source_format=done.source,
        target_format=done.target,
        steps=[StepOut(number=step.number, title=step.title, text=step.text) for step in done.steps],
        changes=[ChangeOut(path=each.path, what=each.what, why=each.why) for each in done.changes],
    )


def keep(body: SaveIn) -> str:
    """Raise `InvalidRequest` where there are too many."""
    text = reading.packed(body.body).decode("utf-8", "replace")
    if "\0" in text:
        raise InvalidRequest("Text cannot hold a NUL character", param="body")
    known = TranslatorSample.objects.filter(name=body.name)
    if not known.exists() and TranslatorSample.objects.count() >= MAX_SAMPLES:
        raise InvalidRequest(f"There are {MAX_SAMPLES} samples already; delete some", param="name")
    values = {"kind": body.kind, "format": body.format, "body": text}
    TranslatorSample.objects.update_or_create(name=body.name, defaults=values)
    return body.name


def kept(name: str) -> SampleOut:
    """Raise `NotFound`."""
    row = TranslatorSample.objects.filter(name=name[:100]).first()
    if row is None:
        raise NotFound("There is no sample of this name")
    return SampleOut(name=row.name, kind=row.kind, format=row.format, content=row.body)


def destination_of(provider: str, connection_id: str) -> Destination | None:
    if not provider:
        return None
    account = row_id(connection_id) if connection_id else 0
    if account < 0:
        raise InvalidRequest("There is no such connection", param="connectionId")
    return Destination(provider, account)


def event_of(row: UsageRecord) -> EventOut:
    return EventOut(
        provider=row.provider,
        model=row.served_model or row.requested_model,
        source_format=row.client_format,
        target_format=row.provider_format,
        status="success" if row.status < 400 else "error",
        status_code=row.status,
        latency=row.latency_ms,
        endpoint=row.endpoint,
        connection_id=str(row.account_id) if row.account_id else None,
        combo_name=row.combo,
        timestamp=row.created_at,
    )
