import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import json
from gateway.wire.base import Seen
from gateway.wire.openai_responses.tap import ResponsesTap, final_usage
from gateway.wire.sse import Decoder, ServerEvent
from omniroute.errors import UpstreamBroken
from omniroute.types import Usage
from tests.gateway.wire.openai_responses.sdk import FORMAT
from tests.gateway.wire.openai_responses.test_response import USAGE, WHOLE

ENDED = {**WHOLE, "output": []}


def event(value, name=""):
    return ServerEvent(b"", value if isinstance(value, bytes) else json.dumps(value), name.encode())


def look(value, name=""):
    tap = ResponsesTap()
    return tap, tap.look(event(value, name))


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ({"type": "response.created", "response": {}}, Seen.NOTHING),
        ({"type": "response.in_progress", "response": {}}, Seen.NOTHING),
        ({"type": "response.queued", "response": {}}, Seen.NOTHING),
        ({"type": "response.output_item.added", "item": {"type": "reasoning"}}, Seen.CONTENT),
        ({"type": "response.output_item.added", "item": {"type": "function_call"}}, Seen.CONTENT),
        ({"type": "response.output_item.added", "item": {"type": "message"}}, Seen.NOTHING),
        ({"type": "response.content_part.added", "part": {"type": "output_text"}}, Seen.NOTHING),
        ({"type": "response.output_text.delta", "delta": "x"}, Seen.CONTENT),
        ({"type": "response.novelty.delta", "delta": 5}, Seen.CONTENT),
        ({"type": "ping"}, Seen.NOTHING),
        (b"[DONE]", Seen.NOTHING),
        (b"", Seen.NOTHING),
        (b"\xff{", Seen.NOTHING),
        (b'{"type": "response.output_text.delta", "delta": "\xff', Seen.CONTENT),
        (
            {"type": "response.failed", "response": {"error": {"code": "server_error", "message": "m"}}},
            Seen.ERROR,
        ),
        ({"type": "error", "code": "server_error", "message": "m"}, Seen.ERROR),
        ({"type": "error", "error": {"code": "server_error", "message": "m"}}, Seen.ERROR),
        ({"error": {"message": "m"}}, Seen.ERROR),
    ],
)
def test_what_an_event_is(value, seen):
    tap, found = look(value)
    assert found is seen
    assert not tap.finished
    assert (tap.error is not None) is (seen is Seen.ERROR)
    if tap.error is not None:
        assert tap.error.message == "m"


def test_the_name_of_the_event_will_do():
    tap, _ = look({"response": ENDED}, "response.completed")
    assert tap.finished


@pytest.mark.parametrize("end", ["response.completed", "response.incomplete", "response.done"])
@pytest.mark.parametrize("response", [WHOLE, ENDED])
def test_the_end_is_the_content_where_nothing_came_before_it(end, response):
    tap, seen = look({"type": end, "response": response})
    assert (seen, tap.finished) == (Seen.CONTENT, True)
    tap = ResponsesTap()
    tap.look(event({"type": "response.output_text.delta", "delta": "x"}))
    assert tap.look(event({"type": "response.completed", "response": WHOLE})) is Seen.LAST


def test_usage_is_read_at_the_end():
    tap, _ = look({"type": "response.completed", "response": WHOLE})
    assert tap.usage == Usage(100, 30, 40, 10, 20, priced_apart=(("web_searches", 1),))


@pytest.mark.parametrize(
    "usage", [None, {}, {"input_tokens": "many"}, 5, {"input_tokens": None, "output_tokens": None}]
)
def test_a_stream_without_readable_usage_ends_all_the_same(usage):
    tap, _ = look({"type": "response.completed", "response": {**ENDED, "usage": usage}})
    assert tap.finished
    assert tap.usage in (None, Usage())


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"code": "rate_limit_exceeded", "message": "m"}, 429),
        ({"code": "context_length_exceeded", "message": "m"}, 400),
        ({"code": "server_error", "message": "m"}, 502),
    ],
)
def test_an_error_in_the_stream_stands_for_its_status(error, status):
    for value in (
        {"type": "response.failed", "response": {"status": "failed", "error": error}},
        {"type": "error", "sequence_number": 1, **error},
        {"type": "response.completed", "response": {"error": error}},
    ):
        tap, seen = look(value)
        assert seen is Seen.ERROR
        assert (tap.error.status, tap.error.code) == (status, error["code"])


def test_which_event_ends_the_stream():
    assert FORMAT.is_end(event({"type": "response.completed"}))
    assert FORMAT.is_end(event({}, "response.failed"))
    assert FORMAT.is_end(event({"type": "error"}))
    assert not FORMAT.is_end(event({"type": "response.output_text.delta", "delta": "response.completed"}))
    assert not FORMAT.is_end(event(b"[DONE]"))


def test_a_whole_answer_is_inspected():
    assert FORMAT.inspect(json.dumps(WHOLE)).usage == Usage(
        100, 30, 40, 10, 20, priced_apart=(("web_searches", 1),)
    )
    assert FORMAT.inspect(json.dumps(WHOLE)).error is None
    assert FORMAT.inspect(json.dumps({**WHOLE, "status": "in_progress", "background": True})).error is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": {"message": "m", "code": "insufficient_quota"}}, 429),
        ({**WHOLE, "status": "failed", "error": {"message": "m", "code": "server_error"}}, 502),
        ({**WHOLE, "status": "failed", "error": None}, 502),
        ({"object": "response"}, 502),
        ({"output": None, "usage": USAGE}, 502),
        (b"<html>", 502),
        (b"[]", 502),
    ],
)
def test_an_answer_that_is_none_is_found_out(body, status):
    found = FORMAT.inspect(body if isinstance(body, bytes) else json.dumps(body))
    assert found.error.status == status


@given(st.binary(max_size=60))
def test_no_bytes_break_it(data):
    ResponsesTap().look(event(data))
    ResponsesTap().look(event(b'{"type":"response.completed","response":' + data + b"}"))
    FORMAT.inspect(data)
    FORMAT.is_end(event(data))


def test_a_cut_stream_fails_as_the_response_that_began():
    tap = ResponsesTap()
    assert tap.emit_error(UpstreamBroken("cut")) is None
    tap.look(event({"type": "response.created", "response": {"id": "resp_1", "model": "m", "error": None}}))
    (told,) = Decoder().feed(tap.emit_error(UpstreamBroken("cut")) or b"")
    failed = json.loads(told.data)["response"]
    assert (failed["id"], failed["model"], failed["status"]) == ("resp_1", "m", "failed")
    assert failed["error"]["message"] == "cut"


def test_a_stream_in_the_background_begins_with_its_id_and_breaks_without_a_failed_response():
    tap = ResponsesTap(in_background=True)
    assert tap.look(event({"type": "response.created", "response": {}})) is Seen.NOTHING
    created = {"type": "response.queued", "response": {"id": "resp_1", "status": "queued"}}
    assert (tap.look(event(created)), tap.answer_id) == (Seen.CONTENT, "resp_1")
    broken = tap.emit_error(UpstreamBroken("cut"))
    assert broken is not None
    assert b'"type":"error"' in broken
    assert b"response.failed" not in broken


@pytest.mark.parametrize(
    ("status", "tokens"),
    [
        ("queued", None),
        ("in_progress", None),
        ("completed", 7),
        ("cancelled", 7),
        ("failed", 7),
        (None, None),
    ],
)
def test_what_an_answer_used_is_final_at_its_end(status, tokens):
    body = {"object": "response", "status": status, "output": [], "usage": {"output_tokens": 7}}
    found = final_usage(json.dumps(body))
    assert (found and found.output_tokens) == tokens
    assert final_usage(b"{") is None
    assert final_usage(json.dumps({"status": "cancelled", "usage": None})) is None
