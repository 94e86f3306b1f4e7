"""What is asked for in parts, where a part fails."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.passage import copies
from gateway.passage.base import Whole
from omniroute.errors import UpstreamBroken
from omniroute.types import Usage


class Parts:
    """A passage of six parts, each its own number."""

    copies = 6
    only_streams = is_sound = False
    running = most = 0

    def copy(self, request: Any, number: int) -> int:
        return number

    def whole(self, body: bytes) -> Whole:
        return Whole(body[1:-1])

    def joined(self, parts: list[Whole]) -> Whole:
        return Whole(b" ".join(part.body for part in parts), Usage(output_tokens=len(parts)))


class Part:
    """An answer, read while others may be."""

    def __init__(self, parts: Parts, number: int) -> None:
        self._parts, self._number = parts, number

    async def read_all(self) -> bytes:
        self._parts.running += 1
        self._parts.most = max(self._parts.most, self._parts.running)
        await asyncio.sleep(0)
        self._parts.running -= 1
        return b"{%d}" % self._number

    def close(self) -> None:
        pass


class Tried:
    usage: Usage | None = None
    heard = 0


async def ask(parts: Parts, broken: dict[int, Exception]) -> bytes:
    async def send(number: Any) -> Any:
        if number in broken:
            raise broken[number]
        return Part(parts, number)

    first: Any = Part(parts, 0)
    request: Any = None
    passage: Any = parts
    trial: Any = Tried()
    whole = await copies.gather(first, request, passage, send, trial)
    assert trial.usage is whole.usage
    return whole.body


async def test_parts_come_in_their_order_and_not_more_than_four_at_once():
    parts = Parts()
    assert await ask(parts, {}) == b"0 1 2 3 4 5"
    assert parts.most == copies.AT_ONCE


async def test_what_was_made_is_passed_on_where_a_part_failed():
    assert await ask(Parts(), {2: UpstreamBroken("no"), 4: UpstreamBroken("no")}) == b"0 1 3 5"


async def test_a_fault_of_the_gateways_own_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        await ask(Parts(), {2: ZeroDivisionError()})
