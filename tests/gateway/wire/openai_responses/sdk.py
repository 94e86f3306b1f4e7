"""Strict checks against the types of the vendor's own SDK, and small builders that the tests share."""

from __future__ import annotations

import typing
from functools import cache
from typing import Any

from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from pydantic import TypeAdapter, ValidationError

from gateway.wire import get_format, ir, json
from gateway.wire.sse import Decoder, ServerEvent

FORMAT = get_format("openai_responses")


@cache
def _event_types() -> dict[str, Any]:
    (union, *_) = typing.get_args(ResponseStreamEvent)
    return {
        typing.get_args(event.model_fields["type"].annotation)[0]: event for event in typing.get_args(union)
    }


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def check_response(body: dict[str, Any]) -> None:
    Response.model_validate_json(json.dumps(body))
    assert body["object"] == "response"


def check_request(body: dict[str, Any]) -> None:
    """As the SDK would send it, and without fields that it does not know."""
    kind = ResponseCreateParamsStreaming if body.get("stream") else ResponseCreateParamsNonStreaming
    try:
        checked = _adapter(kind).validate_python(body)
    except ValidationError as error:
        found = [(problem["loc"][:2], problem["loc"][-2:], problem["type"]) for problem in error.errors()]
        raise AssertionError(found) from None
    list(checked.get("tools") or [])  # validated while it is read
    assert set(body) <= set(typing.get_type_hints(kind))


def server_events(stream: bytes) -> list[ServerEvent]:
    decoder = Decoder()
    return [*decoder.feed(stream), *decoder.flush()]


def events_of(stream: bytes) -> list[dict[str, Any]]:
    """The events of an emitted stream, each checked: type, name, sequence number, one open item, final output."""
    events = []
    done: list[Any] = []
    open_item: tuple[int, str] | None = None
    for number, server_event in enumerate(server_events(stream)):
        event = json.loads(server_event.data)
        assert server_event.name.decode() == event["type"]
        assert event["sequence_number"] == number
        _event_types()[event["type"]].model_validate_json(server_event.data)
        if event["type"] == "response.output_item.added":
            assert open_item is None
            assert event["output_index"] == len(done)
            open_item = event["output_index"], event["item"]["id"]
        elif event["type"] == "response.output_item.done":
            assert open_item == (event["output_index"], event["item"]["id"])
            open_item = None
            done.append(event["item"])
        elif "item_id" in event:
            assert open_item == (event["output_index"], event["item_id"])
        events.append(event)
    kinds = [event["type"] for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    closing = {"response.completed", "response.incomplete", "response.failed"}
    assert closing & set(kinds) == {kinds[-1]}
    assert events[-1]["response"]["output"] == done
    return events


def emit(request: ir.Request, *events: ir.Event) -> list[dict[str, Any]]:
    emitter = FORMAT.stream_emitter(request)
    return events_of(b"".join(emitter.emit(event) for event in events) + emitter.close())


def parse(*events: dict[str, Any] | bytes) -> list[ir.Event]:
    parser = FORMAT.stream_parser()
    found = []
    for event in events:
        data = event if isinstance(event, bytes) else json.dumps(event)
        found += parser.feed(ServerEvent(b"", data))
    return found + parser.close()


def ask(**fields: Any) -> ir.Request:
    body = {"model": "m", "input": "Hi", **fields}
    return FORMAT.parse_request(body, "m", bool(body.get("stream")))
