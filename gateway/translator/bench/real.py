"""Cases sent to a real provider through the gateway, in chosen formats: does the answer do what was asked?

A model is free in its words, so this asks for what every capable one does: a call with the right arguments, JSON that
fits, a name that it was told. Every request is paid for and accounted like any other.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.edge.auth import Grant
from gateway.translator import composing, own_client, samples
from gateway.translator.bench import meaning
from gateway.translator.bench.simulated import Cell
from gateway.wire import get_format, ir
from omniroute.errors import GatewayError
from omniroute.types import JSONDict

CONCURRENCY = 4
TIMEOUT_S = 120.0
CASES = samples.FEATURES


@dataclass(frozen=True, slots=True)
class Run:
    """`model` as a client names it; `address` the peer's in whose name it runs."""

    model: str
    formats: Sequence[str]
    cases: Sequence[str]
    stream: bool
    grant: Grant
    address: str


async def run(wanted: Run) -> AsyncIterator[Cell]:
    """Cells in the order in which they are done. Leaving early ends what still runs."""
    gate = asyncio.Semaphore(CONCURRENCY)
    tasks = [
        asyncio.create_task(_within(gate, wanted, case, format))
        for case in wanted.cases
        for format in wanted.formats
    ]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _within(gate: asyncio.Semaphore, wanted: Run, case: str, format: str) -> Cell:
    cell = Cell(case, format, wanted.model, wanted.stream)
    async with gate:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await _ask(cell, wanted)
        except TimeoutError:
            return replace(cell, problems=[_problem("answer", f"within {TIMEOUT_S:g} s", "none")])


async def _ask(cell: Cell, wanted: Run) -> Cell:
    body = composing.with_model(
        samples.request(cell.case, cell.client), cell.client, wanted.model, wanted.stream
    )
    ask = composing.ask(
        body, cell.client, wanted.model, stream=wanted.stream, grant=wanted.grant, address=wanted.address
    )
    status, answered, exchange = await own_client.whole(ask)
    upstream = exchange.get("upstream") or [{}]
    sent = json.dumps(upstream[-1].get("request", {}).get("body"), indent=2, ensure_ascii=False)
    cell = replace(cell, sent=sent, answer=answered.decode("utf-8", "replace"))
    return replace(cell, problems=judged(cell, status, answered))


def judged(cell: Cell, status: int, answered: bytes) -> list[JSONDict]:
    """What is wrong with an answer in the client's format."""
    format = get_format(cell.client)
    if status != 200:
        error = format.parse_error(status, answered, {})
        return [_problem("status", 200, f"{status}: {error.message}")]
    try:
        read = meaning.read_stream if cell.stream else meaning.read_whole
        said = meaning.of_reply(read(answered, format))
    except (GatewayError, ir.BrokenStream, ValueError) as error:
        return [_problem("answer", "one that can be read", str(error))]
    found: list[JSONDict] = _EXPECTED.get(cell.case, _speaks)(said)
    if not (said["usage"] and said["usage"]["output"]):
        found.append(_problem("usage", "output tokens", said["usage"]))
    if said["finish reason"] is None:
        found.append(_problem("finish reason", "one", None))
    return found


def _speaks(said: JSONDict) -> list[JSONDict]:
    return [] if said["text"].strip() else [_problem("text", "some", said["text"])]


def _remembers(said: JSONDict) -> list[JSONDict]:
    return [] if "kari" in said["text"].lower() else [_problem("text", "the name Kari", said["text"])]


def _calls(*names: str) -> Any:
    def check(said: JSONDict) -> list[JSONDict]:
        called = {call["name"]: call["arguments"] for call in said["tool calls"]}
        if missing := [name for name in names if name not in called]:
            return [_problem("tool calls", list(names), f"no call of {', '.join(missing)}")]
        weather = called["get_weather"]
        city = str(weather.get("city", "")).lower() if isinstance(weather, dict) else ""
        return [] if "oslo" in city else [_problem("arguments", {"city": "Oslo"}, weather)]

    return check


def _fits(said: JSONDict) -> list[JSONDict]:
    try:
        value = json.loads(said["text"])
    except ValueError:
        value = None
    fits = (
        isinstance(value, dict) and isinstance(value.get("name"), str) and isinstance(value.get("age"), int)
    )
    return [] if fits else [_problem("text", "JSON with name and age", said["text"])]


_EXPECTED: dict[str, Any] = {
    "turns": _remembers,
    "tools": _calls("get_weather"),
    "parallel": _calls("get_weather", "get_time"),
    "structured": _fits,
}


def _problem(what: str, expected: Any, got: Any) -> JSONDict:
    return {"what": what, "expected": expected, "got": got}
