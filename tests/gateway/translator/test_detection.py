"""What a pasted text is."""

from __future__ import annotations

import json

import pytest

from gateway.translator import samples
from gateway.translator.detection import Detected, detect
from omniroute.errors import InvalidRequest


@pytest.mark.parametrize(
    "sample", samples.all_samples(), ids=lambda each: f"{each.name} {each.kind} {each.format}"
)
def test_every_sample_is_known_for_what_it_is(sample):
    format = "openai_chat" if (sample.format, sample.kind) == ("openai_responses", "error") else sample.format
    assert detect(sample.text.encode()) == Detected(format, sample.kind)  # OpenAI's errors have one shape


HI = [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize(
    ("body", "format"),
    [
        ({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": HI}, "anthropic_messages"),
        ({"model": "gpt-4o", "max_tokens": 9, "messages": HI}, "openai_chat"),
        ({"model": "claude-x", "messages": [{"role": "system", "content": "x"}]}, "openai_chat"),
        ({"messages": [{"role": ["odd"], "content": [{"type": {}}]}]}, "openai_chat"),
        ({"input": []}, "openai_responses"),
        ({"prompt": "x"}, "openai_completions"),
    ],
)
def test_what_only_one_format_has_decides(body, format):
    assert detect(json.dumps(body).encode()) == Detected(format, "request")


@pytest.mark.parametrize("text", ["", "hello", "{}", '{"a": 1}', "data: nothing\n\n", "[1]x"])
def test_what_looks_like_nothing_is_refused(text):
    with pytest.raises(InvalidRequest):
        detect(text.encode())
