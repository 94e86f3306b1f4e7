"""What is measured, and under which name it is reported."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench import load, machine
from bench.gateway import Gateway

Say = Callable[[str], None]
PROMPT = "What is the capital of France? Answer in one or two sentences."
SYSTEM = "You are a helpful assistant that answers briefly."


@dataclass(slots=True)
class Figure:
    """One line of the report. `goal` is the project's own, None where there is none."""

    name: str
    unit: str
    gateway: float | None
    direct: float | None = None
    goal: float | None = None
    errors: int = 0


@dataclass(slots=True)
class Plan:
    """How long and how much."""

    seconds: float = 4.0
    concurrencies: tuple[int, ...] = (1, 16, 32, 64, 256)
    rounds: int = 3
    open_streams: int = 1000

    @classmethod
    def quick(cls) -> Plan:
        return cls(seconds=1.5, concurrencies=(1, 32), rounds=1, open_streams=300)


def chat_body(model: str, stream: bool = False) -> bytes:
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": PROMPT}]
    body = {"model": model, "stream": stream, "messages": messages, "max_tokens": 128, "temperature": 0.2}
    return json.dumps(body).encode()


def claude_body(model: str, stream: bool = False) -> bytes:
    messages = [{"role": "user", "content": PROMPT}]
    body = {"model": model, "stream": stream, "system": SYSTEM, "messages": messages, "max_tokens": 128}
    return json.dumps(body).encode()


@dataclass(slots=True)
class Bench:
    """One gateway beside one upstream."""

    gateway: Gateway
    upstream: str
    key: str
    plan: Plan
    say: Say
    figures: list[Figure] = field(default_factory=list)

    def to_gateway(self, path: str, body: bytes) -> load.Target:
        headers = {"Authorization": f"Bearer {self.key}", "anthropic-version": "2023-06-01"}
        return load.Target.post(self.gateway.url + path, body, headers)

    def to_upstream(self, body: bytes) -> load.Target:
        return load.Target.post(
            f"{self.upstream}/v1/chat/completions", body, {"Authorization": "Bearer sk-bench"}
        )

    def add(self, name: str, unit: str, gateway: float | None, **more: Any) -> None:
        self.figures.append(Figure(name, unit, gateway, **more))

    async def idle(self) -> None:
        """Wait until the gateway has nothing left to do, so that one measurement does not pay for another."""
        for _ in range(40):
            before = machine.cpu_s(self.gateway.pid)
            await asyncio.sleep(0.25)
            if machine.busy_share(self.gateway.pid, 0.25, before) < 0.15:
                return

    async def warm_up(self) -> None:
        """Nothing of it is reported: imports, caches and connections are made."""
        await load.plain(self.to_gateway("/v1/chat/completions", chat_body("bench/bench")), 32, 1)
        stream = self.to_gateway("/v1/chat/completions", chat_body("bench/bench-n200-i0", True))
        await load.streams(stream, 20, 200)
        await self.idle()

    async def plain(self) -> None:
        for count in self.plan.concurrencies:
            self.say(f"plain requests, {count} connections")
            ours, theirs, cpu = load.PlainResult(), load.PlainResult(), 0.0
            for _ in range(self.plan.rounds):
                _merge(
                    theirs,
                    await load.plain(self.to_upstream(chat_body("bench")), count, self.plan.seconds / 4),
                )
                before = machine.cpu_s(self.gateway.pid)
                target = self.to_gateway("/v1/chat/completions", chat_body("bench/bench"))
                _merge(ours, await load.plain(target, count, self.plan.seconds))
                cpu += machine.cpu_s(self.gateway.pid) - before
                await self.idle()
            self._report_plain(count, ours, theirs, cpu)

    def _report_plain(self, count: int, ours: load.PlainResult, theirs: load.PlainResult, cpu: float) -> None:
        requests, at = len(ours.latencies), f"c={count}"
        goal = 600.0 if count == 32 else None
        self.add(f"CPU per request, {at}", "µs", 1e6 * cpu / requests if requests else None, goal=goal)
        self.add(f"requests, {at}", "/s", ours.rate, direct=theirs.rate, errors=ours.errors)
        for share, label in ((0.5, "p50"), (0.99, "p99")):
            mine, direct = _ms(ours.latencies, share), _ms(theirs.latencies, share)
            self.add(f"latency {label}, {at}", "ms", mine, direct=direct)
            if count == 1 and label == "p50" and mine is not None and direct is not None:
                self.add("added latency, c=1", "ms", mine - direct, goal=1.5)

    async def variant(self, name: str, path: str, body: bytes) -> None:
        """CPU of another kind of plain request, at 32 connections."""
        self.say(f"plain requests, {name}")
        before = machine.cpu_s(self.gateway.pid)
        result = await load.plain(self.to_gateway(path, body), 32, self.plan.seconds)
        cpu = machine.cpu_s(self.gateway.pid) - before
        count = len(result.latencies)
        self.add(
            f"CPU per request, c=32, {name}", "µs", 1e6 * cpu / count if count else None, errors=result.errors
        )
        await self.idle()

    async def unpaced(self, name: str, path: str, body: bytes, goal: float) -> None:
        """100 streams of 200 events, as fast as they go."""
        self.say(f"unpaced streams, {name}")
        ours, theirs, cpu = load.StreamResult(), load.StreamResult(), 0.0
        for _ in range(self.plan.rounds):
            direct = self.to_upstream(chat_body("bench-n200-i0", True))
            _merge_streams(theirs, await load.streams(direct, 100, 200))
            before = machine.cpu_s(self.gateway.pid)
            _merge_streams(ours, await load.streams(self.to_gateway(path, body), 100, 200))
            cpu += machine.cpu_s(self.gateway.pid) - before
            await self.idle()
        events = len(ours.delays)
        self.add(f"CPU per event, {name}", "µs", 1e6 * cpu / events if events else None, goal=goal)
        self.add(f"events, {name}", "/s", ours.rate, direct=theirs.rate, errors=ours.errors)
        self.add(f"first event p50, {name}", "ms", _ms(ours.first, 0.5), direct=_ms(theirs.first, 0.5))

    async def paced(self) -> None:
        """200 streams of 20 events a second: what a reader notices."""
        self.say("paced streams")
        direct = await load.streams(self.to_upstream(chat_body("bench-n100-i50", True)), 200, 100)
        before = machine.cpu_s(self.gateway.pid)
        target = self.to_gateway("/v1/chat/completions", chat_body("bench/bench-n100-i50", True))
        result = await load.streams(target, 200, 100)
        cpu, events = machine.cpu_s(self.gateway.pid) - before, len(result.delays)
        self.add("CPU per event, paced", "µs", 1e6 * cpu / events if events else None, errors=result.errors)
        for share, label in ((0.5, "p50"), (0.99, "p99")):
            mine, theirs = _ms(result.delays, share), _ms(direct.delays, share)
            self.add(f"relay delay {label}, paced", "ms", mine, direct=theirs)
        self.add(
            "first event p50, paced (50 ms after the start)",
            "ms",
            _ms(result.first, 0.5),
            direct=_ms(direct.first, 0.5),
        )
        await self.idle()

    async def memory(self) -> None:
        """Resident memory while many slow streams are open."""
        count = self.plan.open_streams
        self.say(f"{count} open streams")
        before = machine.rss_mb(self.gateway.pid)
        target = self.to_gateway("/v1/chat/completions", chat_body("bench/bench-n20-i1000", True))
        peaks: list[float] = []
        task = asyncio.ensure_future(load.streams(target, count, 20))
        while not task.done():
            peaks.append(machine.rss_mb(self.gateway.pid))
            await asyncio.sleep(0.2)
        result, peak = task.result(), max(peaks)
        self.add(f"memory, {count} open streams", "MB", peak, goal=250, errors=result.errors)
        self.add("memory per open stream", "KB", 1024 * (peak - before) / count)
        await self.idle()


def _ms(seconds: list[float], share: float) -> float | None:
    value = load.percentile(seconds, share)
    return None if value is None else 1000 * value


def _merge(into: load.PlainResult, more: load.PlainResult) -> None:
    into.seconds += more.seconds
    into.latencies += more.latencies
    into.errors += more.errors


def _merge_streams(into: load.StreamResult, more: load.StreamResult) -> None:
    into.seconds += more.seconds
    into.first += more.first
    into.delays += more.delays
    into.complete += more.complete
    into.errors += more.errors
