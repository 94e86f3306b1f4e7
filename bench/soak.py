"""A long day in ten minutes: plain requests and streams, a tenth of them abandoned. Nothing may grow.

    python -m bench.soak                        # 200,000 requests and 10,000 streams
    python -m bench.soak --requests 20000 --streams 1000

Exits with 1 if the web process grows after the first tenth, a request fails, a connection is left over, or an abandoned
request goes on upstream for more than 100 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import uvloop

from bench import http, machine
from bench.gateway import Gateway, Installation, upstream

CONCURRENCY = 32
ABANDONED = 0.1
PATH = "/v1/chat/completions"
MAY_GROW = 1.02
"""After the first tenth. It goes up and down by 1 %; a leak of 64 bytes a request would make 9 %."""
CANCELLED_WITHIN_MS = 100.0
"""Every one. On a machine that has other work to do, the last ones tell of that."""
ARRIVED = {"stream": 1.0, "plain": 0.99}
"""Which share of abandoned requests had been sent upstream when their clients left."""


@dataclass(slots=True)
class Soak:
    gateway: Gateway
    upstream: str
    key: str
    streams: int
    requests: int
    done: Counter[str] = field(default_factory=Counter)
    left_at: dict[str, dict[str, int]] = field(default_factory=lambda: {"plain": {}, "stream": {}})
    """By kind and number: when the client left, on the monotonic clock in ns."""
    memory: list[float] = field(default_factory=list)
    """MB, after each tenth."""

    async def run(self) -> None:
        total = self.streams + self.requests
        kinds = ["stream"] * self.streams + ["plain"] * self.requests
        random.shuffle(kinds)
        began = time.perf_counter()
        for tenth in range(10):
            part = iter(list(enumerate(kinds))[tenth * total // 10 : (tenth + 1) * total // 10])
            await asyncio.gather(*(self._client(part) for _ in range(CONCURRENCY)))
            await asyncio.sleep(1)
            self.memory.append(machine.rss_mb(self.gateway.pid))
            seconds = time.perf_counter() - began
            print(f"{(tenth + 1) * 10:3} %  {seconds:4.0f} s  {self.memory[-1]:.1f} MB", flush=True)

    async def _client(self, numbers: Iterator[tuple[int, str]]) -> None:
        connection = await http.connect(self.gateway.url)
        for number, kind in numbers:
            if random.random() < ABANDONED:
                await self._abandon(number, kind)
                continue
            model = "bench-n20-i0" if kind == "stream" else "bench"
            answer = await http.ask(connection, PATH, _body(model, number, kind == "stream"), self.key)
            whole = answer.status == 200 and answer.is_complete
            if whole and (kind == "plain" or answer.body.rstrip().endswith(b"[DONE]")):
                self.done[kind] += 1
            else:
                self.done[f"{kind} FAILED"] += 1
                print("failed:", answer.status, answer.body[:200], flush=True)
                http.leave(connection)
                connection = await http.connect(self.gateway.url)
        http.leave(connection)

    async def _abandon(self, number: int, kind: str) -> None:
        """A stream after its first events, a plain request while its answer is awaited."""
        connection = await http.connect(self.gateway.url)
        model = "bench-n100-i50" if kind == "stream" else "bench-w1000"
        http.write(connection, PATH, _body(model, number, kind == "stream"), self.key)
        if kind == "stream":
            _, headers = await http.read_head(connection[0])
            parts = http.parts(connection[0], headers)
            for _ in range(3):
                await anext(parts)
            await asyncio.sleep(0.05)
        else:
            await asyncio.sleep(0.1)
        self.left_at[kind][str(number)] = time.monotonic_ns()
        http.leave(connection)
        self.done[f"{kind} abandoned"] += 1

    def cancelled(self, kind: str) -> list[float]:
        """Milliseconds from a client's leaving to the end of its upstream connection, sorted."""
        closed = httpx.get(f"{self.upstream}/abandoned", trust_env=False).json()
        left = self.left_at[kind]
        return sorted((closed[number] - at) / 1e6 for number, at in left.items() if number in closed)


def _body(model: str, number: int, stream: bool) -> bytes:
    flag = b"true" if stream else b"false"
    prompt = b'{"model":"bench/%b","stream":%b,"messages":[{"role":"user","content":"Soak #%d#"}]}'
    return prompt % (model.encode(), flag, number)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--streams", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="omniroute-soak-") as folder, upstream() as address:
        installation = Installation(Path(folder), address)
        installation.fill(0)
        with installation.serve("/api/health") as gateway:
            soak = Soak(gateway, address, installation.key, options.streams, options.requests)
            before = machine.sockets(gateway.pid)
            uvloop.run(soak.run())
            time.sleep(2)
            return _report(soak, before)


def _report(soak: Soak, sockets_before: int) -> int:
    print(dict(soak.done))
    in_time = True
    for kind in ("stream", "plain"):
        times, left = soak.cancelled(kind), len(soak.left_at[kind])
        in_time = in_time and len(times) >= left * ARRIVED[kind]
        print(f"{kind}: {left} abandoned, {len(times)} cancelled upstream", end="")
        if times:
            in_time = in_time and times[-1] <= CANCELLED_WITHIN_MS
            p50, p99 = statistics.median(times), times[int(len(times) * 0.99)]
            print(f" after {p50:.1f} ms (p50), {p99:.1f} ms (p99), {times[-1]:.1f} ms at most", end="")
        print()
    first, end = soak.memory[0], soak.memory[-1]
    print(f"memory: {first:.1f} MB after the first tenth, {end:.1f} MB at the end")
    sockets = machine.sockets(soak.gateway.pid)
    print(f"sockets: {sockets_before} before, {sockets} after; up to {CONCURRENCY} wait for another request")
    failed = any("FAILED" in kind for kind in soak.done)
    has_grown = end > first * MAY_GROW or sockets > sockets_before + CONCURRENCY
    return 1 if has_grown or failed or not in_time else 0


if __name__ == "__main__":
    sys.exit(main())
