"""What adapters make of answers: pure functions of bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.passage.rewriting import Rewriting
from gateway.wire.sse import Decoder
from providers.adapters import adapter_of, registry
from providers.adapters.codex import Output, split_effort
from providers.adapters.copilot import continues, one_choice
from providers.adapters.iflow import as_error
from providers.adapters.kiro import region_of
from providers.spec import ADAPTERS

REWRITES = [Output(), one_choice, as_error, adapter_of("code_assist").rewriter("gemini", "m")]


def event(kind: str, **fields: Any) -> bytes:
    return json.dumps({"type": kind, **fields}).encode()


def test_codex_output_is_put_together_from_its_items_in_their_order() -> None:
    output = Output()
    second, first = {"type": "message", "id": "b"}, {"type": "reasoning", "id": "a"}
    for place, item in ((1, second), (0, first)):
        told = event("response.output_item.done", output_index=place, item=item)
        assert output(told) is told
    done = json.loads(
        output(event("response.completed", response={"id": "r", "output": [], "usage": {"n": 1}}))
    )
    assert done["response"] == {"id": "r", "output": [first, second], "usage": {"n": 1}}


def test_an_output_that_is_there_stays() -> None:
    output = Output()
    output(event("response.output_item.done", output_index=0, item={"id": "a"}))
    told = event("response.completed", response={"output": [{"id": "other"}]})
    assert output(told) is told


def test_an_envelope_over_several_lines_is_opened() -> None:
    rewriting = Rewriting(Decoder(), REWRITES[3])  # type: ignore[arg-type]
    lines = json.dumps({"response": {"candidates": [{"a": "x\\ny"}]}, "traceId": "t"}, indent=2).splitlines()
    raw = b"".join(b"data: " + line.encode() + b"\n" for line in lines) + b"\n"
    events = [event for byte in raw for event in rewriting.feed(bytes([byte]))]
    assert [json.loads(event.data) for event in events] == [{"candidates": [{"a": "x\\ny"}]}]
    assert events[0].raw == b"data: " + events[0].data + b"\n\n"


def test_an_error_in_an_envelopes_place_stays() -> None:
    told = b'{"error": {"code": 429}}'
    assert REWRITES[3](told) is told  # type: ignore[misc]


@given(st.binary(max_size=60) | st.recursive(st.none() | st.text(), lambda i: st.dictionaries(st.sampled_from(
    ["type", "response", "output", "item", "choices", "msg", "index", "delta"]), i) | st.lists(i)).map(
    lambda value: json.dumps(value).encode()))  # fmt: skip
def test_whatever_comes_nothing_breaks(data: bytes) -> None:
    for rewrite in REWRITES:
        assert isinstance(rewrite(data), bytes)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-5.3-codex-high", ("gpt-5.3-codex", "high")),
        ("gpt-5.5-none", ("gpt-5.5", "none")),
        ("gpt-5.1-codex-max", ("gpt-5.1-codex-max", "")),
        ("gpt-5.4-mini", ("gpt-5.4-mini", "")),
        ("high", ("high", "")),
    ],
)
def test_a_models_name_may_end_with_the_effort(model: str, expected: tuple[str, str]) -> None:
    assert split_effort(model) == expected


@pytest.mark.parametrize(
    ("turns", "agent"),
    [
        ([], False),
        ([{"role": "user", "content": "Hi"}], False),
        ([{"role": "user"}, {"role": "assistant"}, {"role": "user", "content": "More"}], False),
        ([{"role": "user"}, {"role": "assistant"}, {"role": "tool", "content": "x"}], True),
        ([{"role": "user", "content": [{"type": "tool_result"}]}], True),
        ([{"type": "function_call_output"}], True),
        ([{"role": "user"}, {"role": "assistant"}], True),
    ],
)
def test_a_turn_is_the_users_when_the_last_word_is(turns: list[dict[str, Any]], agent: bool) -> None:
    assert continues(turns) is agent


@pytest.mark.parametrize(
    ("arn", "region", "expected"),
    [
        ("arn:aws:codewhisperer:eu-central-1:1:profile/A", "", "eu-central-1"),
        ("", "eu-central-1", "eu-central-1"),
        ("", "ap-south-1", "us-east-1"),
        ("", "", "us-east-1"),
    ],
)
def test_kiros_region_is_the_profiles(arn: str, region: str, expected: str) -> None:
    assert region_of(arn, region) == expected


def test_every_adapter_is_known_to_the_checks_and_named_by_a_row() -> None:
    from providers import catalog

    assert tuple(registry) == ADAPTERS
    assert set(registry) == {spec.adapter for spec in catalog.builtin().values() if spec.adapter}
