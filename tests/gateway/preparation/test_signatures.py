"""Thought signatures by tool call: found however the client writes the id, bounded, shared through the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from django.utils import timezone

from gateway.models import ThoughtSignature
from gateway.preparation import signatures as module
from gateway.preparation.signatures import Signatures, key_of, purge
from gateway.records.write_behind import writer
from gateway.wire import ir

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
async def _written(transactional_db: None) -> AsyncIterator[None]:
    """No write of a test meets the next one's database."""
    yield
    await writer().flush()


def calls(*ids: str, signature: str | None = None) -> ir.Request:
    parts: list[ir.Part] = [ir.ToolCall(id, "look", signature=signature) for id in ids]
    return ir.Request("m", [ir.Message("assistant", parts)])


def given(request: ir.Request) -> list[str | None]:
    return [part.signature for part in request.messages[0].parts if isinstance(part, ir.ToolCall)]


async def test_a_call_gets_its_signature_back_under_a_rewritten_id() -> None:
    store = Signatures()
    store.keep("call_fake-60", "c2ln")
    request = calls("callfake60", "another")
    assert await store.complete(request)
    assert given(request) == ["c2ln", None]


async def test_a_signature_that_the_client_kept_stays() -> None:
    store = Signatures()
    store.keep("a", "ours")
    request = calls("a", signature="theirs")
    assert not await store.complete(request)
    assert given(request) == ["theirs"]


async def test_another_process_reads_it_from_the_database() -> None:
    Signatures().keep("call_1", "c2ln")
    await writer().flush()
    request = calls("call_1")
    assert await Signatures().complete(request)
    assert given(request) == ["c2ln"]


async def test_calls_that_nobody_signed_are_not_looked_up_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[set[str]] = []

    def read(keys: set[str]) -> dict[str, str]:
        asked.append(keys)
        return {}

    monkeypatch.setattr(module, "_read", read)
    store = Signatures()
    for _ in range(3):
        assert not await store.complete(calls("call_1", "call_2"))
    assert asked == [{"call1", "call2"}]
    monkeypatch.setattr(module, "MISS_S", -1.0)
    await store.complete(calls("call_3"))
    await store.complete(calls("call_3"))
    assert asked[1:] == [{"call3"}, {"call3"}]


async def test_a_request_without_bare_calls_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_read", lambda keys: pytest.fail("asked"))
    assert not await Signatures().complete(ir.Request("m", [ir.Message("user", [ir.Text("Hi")])]))


async def test_memory_is_bounded_and_the_database_has_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 3)
    store = Signatures()
    for number in range(5):
        store.keep(f"call_{number}", "x" * 10)
    assert (len(store._known), store._characters) == (3, 30)
    await writer().flush()
    request = calls("call_0")
    assert await store.complete(request)
    assert (len(store._known), store._characters) == (3, 30)
    monkeypatch.setattr(module, "MAX_CHARACTERS", 15)
    store.keep("call_9", "y" * 10)
    assert (len(store._known), store._characters) == (1, 10)


async def test_what_is_too_long_or_has_no_id_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SIGNATURE", 5)
    store = Signatures()
    store.keep("call_1", "123456")
    store.keep("___", "1234")
    assert not store._known


async def test_signatures_of_a_stream_are_kept_in_passing() -> None:
    store = Signatures()
    watching = store.watching(lambda event: [event])
    start = ir.PartStarted(0, ir.ToolCall("call_1", "look", signature="c2ln"))
    assert watching(start) == [start]
    assert watching(ir.PartDelta(0, "{}")) == [ir.PartDelta(0, "{}")]
    request = calls("call_1")
    await store.complete(request)
    assert given(request) == ["c2ln"]


def test_what_has_expired_is_neither_found_nor_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    for key, hours in (("old", -1), ("a", 1), ("b", 2), ("c", 3)):
        ThoughtSignature.objects.create(key=key, signature="s", expires_at=now + timedelta(hours=hours))
    assert module._read({"old", "c"}) == {"c": "s"}
    purge()
    assert set(ThoughtSignature.objects.values_list("key", flat=True)) == {"a", "b", "c"}
    monkeypatch.setattr(module, "MAX_ROWS", 2)
    purge()
    assert set(ThoughtSignature.objects.values_list("key", flat=True)) == {"b", "c"}


def test_keys_fit_their_column() -> None:
    assert len(key_of("a" * 1000)) <= 128
    assert key_of("a" * 1000) != key_of("a" * 1001)
