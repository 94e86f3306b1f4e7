"""How a same-format stream passes: whole, cut, broken, as events and as a JSON array."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.edge.inbound import parse
from gateway.passage.base import CutStream, stream_error
from gateway.passage.same_format import TapReader
from gateway.wire import get_format
from omniroute.errors import InvalidRequest, UpstreamBroken, UpstreamRefused

CHAT, GEMINI = get_format("openai_chat"), get_format("gemini")


def inbound(format: str, array: bool = False, **fields):
    lists: dict[str, Any] = {"messages": [{}], "contents": [{}]}
    body = json.dumps({**lists, **fields}).encode()
    return parse(body, format=format, path="/", headers={}, model="m", stream=True, array=array)


def reader(format=CHAT, **more) -> TapReader:
    return TapReader(format, inbound(format.name, **more))


def chunk(text="", finish=None, **more) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}], **more}


def event(value) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def part(text, **more) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, **more}]}


ARRAY = json.dumps([part("a"), part('b ] } " \\'), part("", finishReason="STOP")], indent=1).encode() + b"\n"


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_an_array_passes_byte_for_byte(size):
    passing = reader(GEMINI, array=True)
    pieces = [ARRAY[at : at + size] for at in range(0, len(ARRAY), size)]
    assert b"".join([*map(passing.feed, pieces), passing.close()]) == ARRAY
    assert passing.committed


def test_an_error_inside_of_an_array_leaves_it_an_array():
    passing = reader(GEMINI, array=True)
    error = {"error": {"code": 503, "message": "m", "status": "UNAVAILABLE"}}
    sent = passing.feed(json.dumps([part("a"), error]).encode()) + passing.close()
    assert json.loads(sent) == [part("a"), error]
    assert isinstance(passing.error, UpstreamRefused)


def test_a_cut_array_is_ended_by_the_error():
    passing = reader(GEMINI, array=True)
    sent = passing.feed(ARRAY[: ARRAY.index(b"} ") + 4])
    with pytest.raises(CutStream) as cut:
        passing.close()
    told = json.loads(sent + cut.value.rest + passing.emit_error(cut.value))
    assert told[0] == part("a")
    assert told[-1]["error"]["code"] == 502


def test_an_error_in_front_of_everything_is_an_array_of_its_own():
    error = UpstreamBroken("gone")
    assert (
        json.loads(stream_error(GEMINI, inbound("gemini", array=True), error))[0]["error"]["message"]
        == "gone"
    )
    assert stream_error(CHAT, inbound("openai_chat"), error).startswith(b"data: ")


def test_a_torn_event_is_not_glued_to_the_error():
    passing = reader()
    sent = passing.feed(event(chunk("a")) + b'data: {"choices": [{"ind')
    with pytest.raises(CutStream) as cut:
        passing.close()
    assert sent + cut.value.rest == event(chunk("a"))


def test_what_a_provider_says_behind_its_error_passes_too():
    passing = reader()
    stream = event(chunk("a")) + event({"error": {"message": "m", "code": 502}}) + b"data: [DONE]\n\n"
    assert passing.feed(stream) + passing.close() == stream
    assert passing.error is not None


def test_an_error_in_a_field_of_its_own_is_told_in_a_chunk_that_clients_read():
    passing = reader()
    error = {"code": 500, "message": "the request exceeds the available context size", "type": "server_error"}
    raw = b"error: " + json.dumps(error).encode() + b"\n\ndata: [DONE]\n\n"
    sent = passing.feed(event(chunk("a")) + raw) + passing.close()
    assert json.loads(sent.split(b"\n\n")[1].removeprefix(b"data: ")) == {"error": error}
    assert passing.error is not None
    assert passing.error.message == error["message"]


def test_only_a_chunk_of_nothing_but_usage_is_kept_from_a_client_that_asked_for_none():
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    alone, with_more = (
        {"choices": [], "usage": usage},
        {"choices": [], "usage": usage, "metrics": {"ms": 1}},
    )
    for last, passed in ((alone, False), (with_more, True)):
        passing = reader()
        sent = passing.feed(event(chunk("a")) + event(chunk("", "stop")) + event(last) + b"data: [DONE]\n\n")
        assert (event(last) in sent) is passed
        assert passing.usage is not None


def test_google_takes_one_content_for_a_list_of_one():
    content = {"role": "user", "parts": {"text": "x"}}
    asked = inbound("gemini", contents=content)
    request = GEMINI.parse_request({"contents": content}, asked.model, True)
    assert [part.text for part in request.messages[0].parts] == ["x"]
    with pytest.raises(InvalidRequest):
        inbound("gemini", contents="x")
    with pytest.raises(InvalidRequest):
        inbound("openai_chat", messages={})
