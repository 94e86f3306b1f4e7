from __future__ import annotations

import json
import random
import time

import pytest

from gateway.records import redaction
from omniroute.redact import MASK

LIMIT = 8192


def shown(value) -> str:
    text = json.dumps(value)
    return json.dumps(redaction.body(text.encode(), len(text), LIMIT), ensure_ascii=False)


@pytest.mark.parametrize(
    "secret",
    [
        "sk-ant-api03-AbCdEf0123456789",
        "sk-proj-0123456789abcdef",
        "AIzaSyA0123456789abcdefghijklmnopqrstuv",
        "ghp_0123456789abcdefghijklmnopqrstuvwxyz",
        "gsk_0123456789abcdefghij",
        "xai-0123456789abcdefghij",
        "AKIAIOSFODNN7EXAMPLE",
        "xoxb-123456789-abcdefgh",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefgh12345678",
    ],
)
def test_what_looks_like_a_credential_is_masked_wherever_it_stands(secret):
    for value in (
        f"my key is {secret}, thanks",
        {"messages": [{"content": f"x={secret}"}]},
        f"Bearer {secret}",
    ):
        assert secret not in shown(value)
        assert MASK in shown(value)


@pytest.mark.parametrize(
    "value",
    [
        {"api_key": 'se"cret'},
        {"x": {"apiKey": "secret"}},
        {"password": "secret"},
        {"refresh_token": "secret"},
        {"headers": {"Authorization": "secret"}},
        {"arguments": json.dumps({"client_secret": "secret", "n": 1})},
        {"token": "secret-that-is-long-enough"},
    ],
)
def test_strings_under_names_that_sound_secret_are_masked(value):
    assert "secret" not in shown(value).replace("client_secret", "").lower().replace('se\\"cret', "secret")
    assert MASK in shown(value)


def test_what_is_no_secret_stays():
    value = {
        "max_tokens": 100,
        "usage": {"prompt_tokens_details": {"cached_tokens": 5}},
        "logprobs": [{"token": "Hello", "logprob": -0.1}],
        "tools": [{"function": {"parameters": {"properties": {"key": {"type": "string"}}}}}],
        "messages": [
            {"role": "user", "content": "What is a session key? Explain tokens; risk-averse, task-force."}
        ],
    }
    assert redaction.body(json.dumps(value).encode(), 0, LIMIT) == value


def test_images_become_their_size():
    image = "iVBORw0KGgo" + "A" * 4000
    found = shown({"image_url": {"url": f"data:image/png;base64,{image}"}, "data": image})
    assert image not in found
    assert found.count("[3008 bytes]") == 2
    assert "data:image/png;base64,[3008 bytes]" in found


def test_long_bodies_show_their_beginning():
    text = json.dumps({"prompt": "word " * 4000})
    found = redaction.body(text.encode(), len(text), LIMIT)
    assert found == {"_truncated": True, "_originalSize": len(text), "_preview": text[:LIMIT]}
    cut = redaction.body(text[:100].encode(), len(text), LIMIT)
    assert (cut["_truncated"], cut["_originalSize"], cut["_preview"]) == (True, len(text), text[:100])


def test_images_do_not_push_the_rest_out():
    value = {"image": "A" * 100_000, "prompt": "what is this?"}
    text = json.dumps(value)
    assert redaction.body(text.encode(), len(text), LIMIT) == {
        "image": "[75000 bytes]",
        "prompt": "what is this?",
    }


@pytest.mark.parametrize("raw", [b"data: {}\n\n", b"\xff\xfe", b"<html>", b'{"a": "\\ud800"}'])
def test_what_is_no_json_is_text(raw):
    assert isinstance(redaction.body(raw, len(raw), LIMIT), str)
    assert redaction.body(b"", 0, LIMIT) is None


def test_headers():
    given = {
        "Authorization": "Bearer abc", "x-api-key": "abc", "Cookie": "a=b", "x-goog-api-key": "abc",
        "Content-Type": "application/json", "x-ratelimit-remaining-tokens": "12",
        "referer": "https://me:pw@host/?key=abc&a=b", "x-title": "mine",
    }  # fmt: skip
    found = redaction.headers(given.items())
    assert [name for name, value in found.items() if value == MASK] == [
        "authorization", "x-api-key", "cookie", "x-goog-api-key",
    ]  # fmt: skip
    assert (found["x-ratelimit-remaining-tokens"], found["x-title"]) == ("12", "mine")
    assert found["referer"] == f"https://{MASK}@host/?key={MASK}&a=b"


def test_addresses():
    found = redaction.url("https://host/v1beta/models/gemini:generate?alt=sse&key=AIzaX&access_token=y")
    assert found == f"https://host/v1beta/models/gemini:generate?alt=sse&key={MASK}&access_token={MASK}"
    assert redaction.url("/v1/messages?beta=true") == "/v1/messages?beta=true"
    assert redaction.url("http://[broken") == MASK


@pytest.mark.parametrize(
    "unit", ["A", "a ", '"', "\\", '"api_key', "Bearer ", '\\"', "eyJ", "sk-", "\u4e2d", '"token": "']
)
def test_no_body_takes_long(unit):
    """A pattern that goes back and forth over a made-up text would stop the whole process."""
    text = unit * (256 * 1024 // len(unit))
    started = time.process_time()
    redaction.text(text)
    redaction.headers([("x", text[:65536])])
    assert time.process_time() - started < 1.5


def test_a_file_in_a_form_becomes_its_size():
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    sound = random.Random(1).randbytes(10_000)
    body = head + sound + b'\r\n--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nnova-3\r\n--x--'
    told = redaction.body(body, len(body), LIMIT)
    assert 'filename="a.wav"' in told
    assert "bytes]" in told
    assert "nova-3" in told
    assert len(told) < 600


def test_text_with_a_stray_control_character_stays():
    text = "a\x1b[1mbold\x1b[0m " * 20
    assert redaction.body(text.encode(), len(text), LIMIT) == text
