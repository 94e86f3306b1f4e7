"""A body from one wire format into another, step by step: as it came, neutral, in the other format, as it is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from gateway.passage import requests
from gateway.snapshot import Snapshot
from gateway.translator import changes, neutral, outgoing, reading
from gateway.translator.changes import Change
from gateway.translator.formats import SOURCES, TARGETS, VENDORS, Kind, format_named
from gateway.translator.outgoing import Destination
from gateway.wire import ir, json, proofs
from gateway.wire.base import ModelProfile, WireFormat
from omniroute.errors import ClientError, GatewayError, InvalidRequest


@dataclass(frozen=True, slots=True)
class Step:
    """`number` as the API counts them: 1 source, 2 neutral form, 3 target, 4 what is sent."""

    number: int
    title: str
    value: Any
    """A JSON value, or the text of a stream."""
    text: str


@dataclass(frozen=True, slots=True)
class Translation:
    kind: Kind
    source: str
    target: str
    steps: tuple[Step, ...]
    changes: tuple[Change, ...]

    @property
    def result(self) -> Step:
        return self.steps[-1]

    def step(self, number: int) -> Step:
        """The last one where there are fewer."""
        return next((step for step in self.steps if step.number == number), self.result)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be translated. `model` is for formats that have it in the path, and for a chosen provider; `status`
    is an error's."""

    data: bytes
    kind: Kind
    source: str
    target: str = ""
    model: str = ""
    stream: bool = False
    status: int = 400
    destination: Destination | None = None


def translate(wish: Wish, snapshot: Snapshot) -> Translation:
    """Raise `InvalidRequest` for what cannot be read as what it is said to be."""
    source = format_named(wish.source, SOURCES[wish.kind], "sourceFormat")
    try:
        if wish.kind == "request":
            return _request(wish, source, snapshot)
        target = format_named(wish.target, TARGETS[wish.kind], "targetFormat")
        profile = _profile(source, wish.model, snapshot)
        return _ANSWERS[wish.kind](wish, source, target, profile)
    except ClientError:
        raise
    except GatewayError as error:
        raise InvalidRequest(f"{source.label}: {error.message}", param="body") from error


def _request(wish: Wish, source: WireFormat, snapshot: Snapshot) -> Translation:
    if wish.destination:
        inbound = outgoing.read(wish.data, source, wish.model, wish.stream)
        sent = outgoing.to_provider(inbound, source, wish.destination, wish.model, snapshot)
    else:
        target = format_named(wish.target, TARGETS["request"], "targetFormat")
        inbound = outgoing.read(wish.data, source, wish.model, wish.stream)
        sent = outgoing.in_format(inbound, source, target, wish.model, snapshot)
    steps = [
        _step(1, f"Source: {source.label}", json.loads(wish.data), wish.data),
        _step(2, "Neutral form", neutral.shown(sent.neutral)),
        _step(3, f"In {sent.target.label}", sent.body),
    ]
    if sent.whole is not None:
        steps.append(_step(4, f"What {sent.name} gets", sent.whole))
    return Translation("request", source.name, sent.target.name, tuple(steps), tuple(sent.changes))


def _reply(wish: Wish, source: WireFormat, target: WireFormat, profile: ModelProfile) -> Translation:
    body = reading.object_of(wish.data)
    reply = _labelled(source.parse_response(body), source, target, profile)

    def again(value: Any) -> Any:
        said = _labelled(source.parse_response(value), source, target, profile)
        return target.emit_response(said, ir.Request(said.model, [], include_usage=True))

    made = again(body)
    return _answered(
        wish, source, target, neutral.shown(reply), made, changes.idle(body, again, source, target)
    )


def _stream(wish: Wish, source: WireFormat, target: WireFormat, profile: ModelProfile) -> Translation:
    decoder, parser = source.decoder(wish.data.lstrip()[:1] == b"["), source.parser_for(profile)
    read = [*decoder.feed(wish.data), *decoder.flush()]
    if not any(event.data for event in read):
        raise InvalidRequest("There are no events in this", param="body")
    events = [found for event in read for found in parser.feed(event)] + parser.close()
    label = proofs.label_of(source, profile) if source is not target else None
    restore: Callable[[ir.Event], list[ir.Event]] = lambda event: [event]  # noqa: E731
    restore = label.after(restore) if label else restore
    told = [each for event in events for each in restore(event)]
    emitter = target.stream_emitter(ir.Request(wish.model, [], stream=True, include_usage=True))
    made = b"".join(emitter.emit(event) for event in told) + emitter.close()
    shown: dict[str, Any] = {"events": [neutral.shown(event) for event in told[: neutral.MAX_LINES]]}
    lost: list[Change] = []
    try:
        reply = ir.fold(told)
    except ir.BrokenStream as broken:
        shown["broken"] = str(broken)
    else:
        shown["reply"] = neutral.shown(reply)
        lost = changes.unknown_parts(reply, source, target)
    return _answered(wish, source, target, shown, made.decode("utf-8", "replace"), lost)


def _error(wish: Wish, source: WireFormat, target: WireFormat, profile: ModelProfile) -> Translation:
    error = source.parse_error(wish.status, wish.data, {})
    shown = {"status": error.status, "code": error.code, "message": error.message}
    if error.param:
        shown["param"] = error.param
    made = target.emit_error(replace_body(error))
    lost = []
    if error.status != wish.status:
        lost.append(
            Change("status", "changed", f"{wish.status} becomes {error.status}, which clients act upon")
        )
    return _answered(wish, source, target, shown, made, lost)


def replace_body(error: GatewayError) -> GatewayError:
    """The error in the gateway's own words, as a client of another format is told it."""
    return GatewayError(error.message, status=error.status, code=error.code, param=error.param)


_ANSWERS: dict[str, Callable[[Wish, WireFormat, WireFormat, ModelProfile], Translation]] = {
    "reply": _reply,
    "stream": _stream,
    "error": _error,
}


def _answered(
    wish: Wish, source: WireFormat, target: WireFormat, between: Any, made: Any, lost: list[Change]
) -> Translation:
    given = reading.pretty(wish.data)
    steps = (
        Step(1, f"Source: {source.label}", _as_value(wish), given),
        _step(2, "Neutral form", between),
        _step(3, f"In {target.label}", made),
    )
    return Translation(wish.kind, source.name, target.name, steps, tuple(changes.unique(lost)))


def _as_value(wish: Wish) -> Any:
    text = wish.data.decode("utf-8", "replace")
    if wish.kind == "stream":
        return text
    try:
        return json.loads(wish.data)
    except InvalidRequest:  # errors may be anything, HTML too
        return text


def _labelled(
    reply: ir.Response, source: WireFormat, target: WireFormat, profile: ModelProfile
) -> ir.Response:
    label = proofs.label_of(source, profile) if source is not target else None
    return label.response(reply) if label else reply


def _profile(format: WireFormat, model: str, snapshot: Snapshot) -> ModelProfile:
    spec = snapshot.providers.specs.get(VENDORS.get(format.name, ""))
    known = requests.profile(spec, model, format.name) if spec else ModelProfile(model=model)
    return replace(known, provider=known.provider or format.name)


def _step(number: int, title: str, value: Any, data: bytes | None = None) -> Step:
    if isinstance(value, str):
        return Step(number, title, value, value)
    packed = json.dumps(value) if data is None else data
    return Step(number, title, json.loads(packed), reading.pretty(packed))
