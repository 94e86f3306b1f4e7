from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import get_format
from omniroute.errors import GatewayError

CHAT = get_format("openai_chat")

BODIES: list[tuple[Any, str, str | None]] = [
    ({"error": {"message": "m", "type": "t", "param": "p", "code": "c"}}, "m", "c"),
    ({"error": {"code": 429, "message": "m", "metadata": {}}}, "m", "429"),
    ([{"error": {"message": "m", "status": "INVALID_ARGUMENT"}}], "m", "INVALID_ARGUMENT"),
    ({"message": "m", "type": "t", "code": "c"}, "m", "c"),
    ({"object": "error", "message": "m", "type": "t"}, "m", "t"),
    ({"detail": "m"}, "m", None),
    ({"detail": [{"loc": ["body", "x"], "msg": "bad", "type": "missing"}]}, "body.x: bad", "missing"),
    ({"detail": [{"loc": None, "msg": "bad"}]}, "bad", None),
    ({"code": "c", "error": "m"}, "m", "c"),
    ({"error": "m"}, "m", None),
    ({"base_resp": {"status_code": 1008, "status_msg": "m"}}, "m", "1008"),
    ({"title": "Not Found", "status": 404, "detail": "m"}, "m", "404"),
    ("m", "m", None),
]


@pytest.mark.parametrize(("body", "message", "code"), BODIES)
def test_the_message_and_code_of_every_shape_are_found(body, message, code):
    error = CHAT.parse_error(400, json.dumps(body).encode(), {"retry-after": "1"})
    assert (error.message, error.code or "") == (message, code or error.code)
    assert code is None or error.code == code
    assert (error.status, error.format) == (400, "openai_chat")
    assert error.body == json.dumps(body).encode()


@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b"null", b"{}", b"[]", b"\xff\xfe"])
def test_a_body_that_says_nothing_still_gives_a_message(body):
    assert CHAT.parse_error(502, body, {}).message


def test_plain_text_is_the_message():
    assert CHAT.parse_error(404, b"404 page not found\n", {}).message == "404 page not found"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "detail", "code", "status", "base_resp", "loc", "msg"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(JSON | st.binary(max_size=40))
def test_no_body_makes_it_fail(body):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert CHAT.parse_error(500, raw, {}).message


@pytest.mark.parametrize(
    "status", [400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529]
)
def test_every_status_has_the_vendors_envelope(status):
    body = CHAT.emit_error(GatewayError("m", status=status, code="c", param="p"))
    assert body["error"].keys() == {"message", "type", "param", "code"}
    assert isinstance(body["error"]["type"], str)


def test_an_error_in_band_is_no_end():
    raw = CHAT.emit_stream_error(GatewayError("m"))
    assert raw.startswith(b"data: {")
    assert raw.endswith(b"\n\n")
    assert b"[DONE]" not in raw
