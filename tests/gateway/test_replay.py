"""What is not seen from outside: bounds, expiry, restart, the measure of similarity."""

from __future__ import annotations

import time
from array import array
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gateway.edge.inbound import parse
from gateway.records.write_behind import writer
from gateway.replay import cache_key
from gateway.replay.cache import is_whole
from gateway.replay.entries import Entry, Selection, cosine
from gateway.replay.memory_store import MemoryStore
from gateway.replay.models import CachedAnswer
from gateway.wire import json

transactional = pytest.mark.django_db(transaction=True)


def entry(signature: str, **changes: Any) -> Entry:
    now = time.time()
    values: dict[str, Any] = {
        "signature": signature,
        "model": "m",
        "body": b"{}",
        "content_type": "application/json",
        "provider": "p",
        "served_model": "m",
        "account_id": 1,
        "account_name": "a",
        "tokens": 10,
        "cost": Decimal("0.5"),
        "created_at": now,
        "expires_at": now + 60,
    }
    return Entry(**{**values, **changes})


@transactional
async def test_the_least_recently_used_goes_first() -> None:
    store = MemoryStore(2)
    for name in ("a", "b"):
        await store.put(entry(name))
    await store.get("a")
    await store.put(entry("c"))
    assert [bool(await store.get(name)) for name in ("a", "b", "c")] == [True, False, True]
    await writer().flush()


@transactional
async def test_an_answer_that_expired_is_none() -> None:
    store = MemoryStore(9)
    await store.put(entry("old", expires_at=time.time() - 1))
    assert await store.get("old") is None
    assert store._bytes == 0
    await writer().flush()


@transactional
async def test_answers_survive_a_restart_and_what_was_forgotten_does_not_come_back() -> None:
    from asgiref.sync import sync_to_async

    before = MemoryStore(9)
    for name in ("kept", "gone", "expired"):
        await before.put(entry(name, model=name))
    await writer().flush()
    await sync_to_async(before.forget)(Selection(model="gone"))
    past = datetime.now(UTC) - timedelta(seconds=1)
    await CachedAnswer.objects.filter(signature="expired").aupdate(expires_at=past)
    await CachedAnswer.objects.acreate(
        signature="foreign",
        model="m",
        response=b"\xff",
        created_at=past,
        expires_at=past + timedelta(hours=1),
    )
    after = MemoryStore(9)
    await sync_to_async(after.warm)()
    found = [await after.get(name) for name in ("kept", "gone", "expired", "foreign")]
    assert [each.cost if each else None for each in found] == [Decimal("0.5"), None, None, None]


@pytest.mark.parametrize(
    ("body", "zero"),
    [
        (b'{"temperature": 0}', True),
        (b'{"temperature": 0.0}', True),
        (b'{"temperature": 0e3}', True),
        (b'{"temperature": 1}', False),
        (b'{"temperature": null}', False),
        (b'{"temperature": false}', False),
        (b'{"temperature": "0"}', False),
        (b"{}", False),
    ],
)
def test_only_a_zero_is_temperature_zero(body: bytes, zero: bool) -> None:
    fields = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    whole = json.dumps(fields)[:-1] + (b"," if body != b"{}" else b"") + body[1:]
    assert cache_key.is_at_zero(parse(whole, format="openai_chat", path="/", headers={})) is zero


def test_a_spelling_is_canonical_also_with_half_an_emoji() -> None:
    one, other = {"b": "\ud83d", "a": [1, {"z": 1, "y": 2}]}, {"a": [1, {"y": 2, "z": 1}], "b": "\ud83d"}
    assert cache_key.canonical(one) == cache_key.canonical(other)
    assert cache_key.canonical({"a": [1, 2]}) != cache_key.canonical({"a": [2, 1]})


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"messages": [{"role": "user", "content": "Hi 5"}]}, "Hi 5"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}, "Hi"),
        ({"input": "Hi"}, "Hi"),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]}, "Hi"),
        ({"contents": [{"parts": [{"text": "Hi"}]}]}, "Hi"),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, None),
        ({"messages": [{"role": "tool", "content": "Hi", "tool_call_id": "1"}]}, None),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]}
                ]
            },
            None,
        ),
        ({"messages": []}, None),
        ({"prompt": "Hi"}, None),
    ],
)
def test_the_prompt_is_the_one_text_of_the_last_user_turn(body: dict[str, Any], text: str | None) -> None:
    parted = cache_key.without_prompt(body)
    assert (parted[1] if parted else None) == text
    if parted and text:
        assert text not in str(parted[0])
        assert ("5" in str(parted[0])) is ("5" in text)


def test_prompts_with_other_numbers_never_mean_the_same() -> None:
    rests = [cache_key.without_prompt({"input": f"open port {port}"})[0] for port in (8080, 8081)]  # type: ignore[index]
    assert rests[0] != rests[1]


def test_vectors_of_different_lengths_are_strangers() -> None:
    one, two = (array("f", values).tobytes() for values in ([1.0, 0.0], [0.6, 0.8]))
    assert cosine(one, two) == pytest.approx(0.6)
    assert cosine(one, one + one) == -1


CHAT = {
    "id": "1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}],
}


@pytest.mark.parametrize(
    ("format", "body", "whole"),
    [
        ("openai_chat", CHAT, True),
        ("openai_chat", {**CHAT, "choices": [{**CHAT["choices"][0], "finish_reason": "length"}]}, False),  # type: ignore[dict-item]
        ("openai_chat", {**CHAT, "choices": []}, False),
        ("openai_chat", {"error": {"message": "no"}}, False),
        (
            "anthropic_messages",
            {"type": "message", "role": "assistant", "content": [], "stop_reason": "end_turn"},
            False,
        ),
        (
            "anthropic_messages",
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}],
                "stop_reason": "tool_use",
            },
            True,
        ),
        (
            "gemini",
            {"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "MAX_TOKENS"}]},
            False,
        ),
        ("openai_completions", {"choices": [{"text": "x", "finish_reason": "stop"}]}, True),
        ("openai_completions", {"choices": [{"text": "", "finish_reason": "stop"}]}, False),
    ],
)
def test_only_whole_answers_are_kept(format: str, body: dict[str, Any], whole: bool) -> None:
    assert is_whole(format, json.dumps(body)) is whole
