"""What is read from an answer that goes through untouched."""

from __future__ import annotations

import json

import pytest

from gateway.wire.base import Seen
from gateway.wire.gemini import Gemini, array
from gateway.wire.gemini.tap import GeminiTap
from gateway.wire.sse import ServerEvent
from omniroute.errors import UpstreamBroken, UpstreamRefused
from omniroute.types import Usage

GEMINI = Gemini()


def look(tap, value):
    return tap.look(ServerEvent(b"", value if isinstance(value, bytes) else json.dumps(value).encode()))


def answer(*parts, **more):
    return {"candidates": [{"content": {"parts": list(parts), "role": "model"}, **more}]}


@pytest.mark.parametrize(
    ("value", "seen", "finished"),
    [
        (b"", Seen.NOTHING, False),
        (answer({"text": ""}), Seen.NOTHING, False),
        (answer(), Seen.NOTHING, False),
        (b'{"candidates": [{"content": {"parts": [{\n "text": ""\n}]}}]}', Seen.NOTHING, False),
        ({"usageMetadata": {"promptTokenCount": 1}}, Seen.NOTHING, False),
        (answer({"text": "a"}), Seen.CONTENT, False),
        (answer({"text": "a", "thought": True}), Seen.CONTENT, False),
        (answer({"functionCall": {"name": "f"}}), Seen.CONTENT, False),
        (answer({"text": ""}, finishReason="STOP"), Seen.CONTENT, True),
        ({"promptFeedback": {"blockReason": "SAFETY"}}, Seen.CONTENT, True),
        ({"candidates": [{"content": "odd", "finishReason": "STOP"}]}, Seen.CONTENT, True),
        (b"not json", Seen.NOTHING, False),
        (array.END, Seen.LAST, False),
        ({"error": {"code": 500, "message": "x"}}, Seen.ERROR, False),
    ],
)
def test_it_tells_content_from_silence_and_errors(value, seen, finished):
    tap = GeminiTap()
    assert look(tap, value) is seen
    assert tap.finished is finished


def test_the_last_usage_counts():
    tap = GeminiTap()
    look(tap, {**answer({"text": "a"}), "usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5}})
    look(tap, answer({"text": "b"}))
    look(
        tap,
        {
            "usageMetadata": {
                "promptTokenCount": 5,
                "toolUsePromptTokenCount": 2,
                "candidatesTokenCount": 3,
                "thoughtsTokenCount": 4,
                "cachedContentTokenCount": 1,
                "somethingNew": {},
            }
        },
    )
    assert tap.usage == Usage(input_tokens=7, output_tokens=7, cache_read_tokens=1, reasoning_tokens=4)


def test_an_error_is_kept():
    tap = GeminiTap()
    look(tap, {"error": {"code": 429, "message": "Slow", "status": "RESOURCE_EXHAUSTED"}})
    assert isinstance(tap.error, UpstreamRefused)
    assert tap.error.status == 429


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (answer({"text": "a"}), None),
        ([answer({"text": "a"}), answer({"text": "b"})], None),
        ({"promptFeedback": {"blockReason": "SAFETY"}}, None),
        ({}, UpstreamBroken),
        ([], UpstreamBroken),
        ({"candidates": []}, UpstreamBroken),
        ({"error": {"code": 400, "message": "x"}}, UpstreamRefused),
        ([{"error": {"code": 400, "message": "x"}}], UpstreamRefused),
        ({"candidates": "odd"}, None),
    ],
)
def test_it_finds_errors_in_whole_answers(body, error):
    found = GEMINI.inspect(json.dumps(body).encode()).error
    assert (type(found) if found else None) is error


def test_it_reads_the_usage_of_a_whole_answer():
    body = {**answer({"text": "a"}), "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 3}}
    assert GEMINI.inspect(json.dumps(body).encode()).usage == Usage(input_tokens=5, output_tokens=3)


def test_what_is_no_json_is_no_answer():
    assert isinstance(GEMINI.inspect(b"<html>").error, UpstreamBroken)


def test_a_comment_is_kept_from_clients_that_read_it_as_json():
    tap = GeminiTap()
    seen = {raw: tap.look(ServerEvent(raw, b"")) for raw in (b": still here\n\n", b"\r\n", b"")}
    assert list(seen.values()) == [Seen.UNASKED, Seen.NOTHING, Seen.NOTHING]
