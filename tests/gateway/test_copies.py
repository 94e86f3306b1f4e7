"""What is asked for in parts, where a part fails."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway import copies
from gateway.passage import Whole
from omniroute.errors import UpstreamBroken


class Parts:
    """A passage of six parts, each its own number."""

    copies = 6
    running = most = 0

    def copy(self, request: Any, number: int) -> int:
        return number

    def joined(self, parts: list[Whole]) -> Whole:
        return Whole(b" ".join(part.body for part in parts))


async def ask(parts: Parts, broken: dict[int, Exception]) -> Whole:
    async def send(number: Any) -> Any:
        if number in broken:
            raise broken[number]
        return number

    async def read(number: Any) -> Whole:
        parts.running += 1
        parts.most = max(parts.most, parts.running)
        await asyncio.sleep(0)
        parts.running -= 1
        return Whole(str(number).encode())

    first: Any = 0
    request: Any = None
    passage: Any = parts
    return await copies.gather(first, request, passage, send, read)


async def test_parts_come_in_their_order_and_not_more_than_four_at_once():
    parts = Parts()
    assert (await ask(parts, {})).body == b"0 1 2 3 4 5"
    assert parts.most == copies.AT_ONCE


async def test_what_was_made_is_passed_on_where_a_part_failed():
    assert (await ask(Parts(), {2: UpstreamBroken("no"), 4: UpstreamBroken("no")})).body == b"0 1 3 5"


async def test_a_fault_of_the_gateways_own_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        await ask(Parts(), {2: ZeroDivisionError()})
