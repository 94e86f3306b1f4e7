"""What each web process says of itself, for people to see the whole: its memory, what it works on, how long its
requests took. Nothing is decided by it.

One process looks at itself. With Redis each says it every second, and whoever is asked reads what all of them said.
"""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec

from gateway.preparation.signatures import CacheStats, signatures
from gateway.records import in_flight
from gateway.records.in_flight import Flight
from gateway.records.telemetry import RING, Sample, Summary, summarise, telemetry
from omniroute import shared_state
from omniroute.shared_state import PROCESS, Unavailable
from resilience.limits import limiters

EVERY_S = 1.0
GONE_S = 10.0
"""A process that said nothing for so long is no more."""
KEPT_S = 3600
_STARTED = time.time()


class Report(msgspec.Struct, frozen=True):
    """Times are the epoch's, in seconds."""

    process: str
    pid: int
    host: str
    started: float
    at: float
    memory: int
    """Resident, in bytes."""
    tasks: int
    """On its event loop."""
    open_files: int
    """Sockets among them. 0 where the system does not tell."""
    flights: list[tuple[Flight, int]]
    limiters: dict[str, dict[str, float]]
    signatures: CacheStats

    @property
    def uptime(self) -> float:
        return self.at - self.started


_encode = msgspec.json.encode
_decode_report = msgspec.json.Decoder(Report).decode
_decode_sample = msgspec.json.Decoder(Sample).decode


_loop: asyncio.AbstractEventLoop | None = None


def begin() -> None:
    """On the event loop whose tasks count."""
    global _loop
    _loop = asyncio.get_running_loop()


def own() -> Report:
    return Report(
        process=PROCESS,
        pid=os.getpid(),
        host=socket.gethostname(),
        started=_STARTED,
        at=time.time(),
        memory=_resident_bytes(),
        tasks=len(asyncio.all_tasks(_loop)) if _loop and not _loop.is_closed() else 0,
        open_files=_open_files(),
        flights=list(in_flight.active_requests().items()),
        limiters={key: limiter.state() for key, limiter in limiters.all().items()},
        signatures=signatures().stats,
    )


def reports() -> list[Report]:
    """The asked one's first. Blocking where Redis is: for the management API and the admin."""
    mine = own()
    if not shared_state.is_shared():
        return [mine]
    texts: dict[bytes, bytes] = {}
    with suppress(Unavailable), shared_state.guard:
        texts = shared_state.blocking_client().hgetall(_reports_key())  # type: ignore[assignment]
    others = [found for text in texts.values() if (found := _read(text)) is not None]
    return [
        mine,
        *sorted(
            (each for each in others if each.process != PROCESS and each.at > mine.at - GONE_S),
            key=lambda each: each.started,
        ),
    ]


def active_requests() -> Counter[Flight]:
    """Of all processes."""
    found: Counter[Flight] = Counter()
    for report in reports():
        for flight, count in report.flights:
            found[flight] += count
    return found


def limiter_states() -> dict[str, dict[str, float]]:
    """By key, of all processes: what runs and waits together, the longest gap and pause."""
    found: dict[str, dict[str, float]] = {}
    for report in reports():
        for key, state in report.limiters.items():
            known = found.setdefault(key, dict.fromkeys(state, 0))
            for name, value in state.items():
                both = known.get(name, 0), value
                known[name] = max(both) if name.endswith("_s") else sum(both)
    return found


def signature_stats() -> CacheStats:
    """Asked of all processes; the keys are those that one of them holds."""
    stats = [report.signatures for report in reports()]
    return CacheStats(
        max(each.active for each in stats),
        sum(each.hits for each in stats),
        sum(each.misses for each in stats),
    )


def summary(window_s: float) -> Summary:
    """Of the last requests, of all processes. Blocking where Redis is."""
    samples: Sequence[Sample] = telemetry.samples()
    if shared_state.is_shared():
        with suppress(Unavailable), shared_state.guard:
            texts: Any = shared_state.blocking_client().lrange(_samples_key(), 0, RING - 1)
            samples = [_decode_sample(text) for text in texts]
    since = time.time() - window_s
    return summarise([sample for sample in samples if sample.at >= since])


async def tell() -> None:
    """Until cancelled."""
    while True:
        await asyncio.sleep(EVERY_S)
        texts = [_encode(sample) for sample in telemetry.take_finished()]
        with suppress(Unavailable), shared_state.guard:
            async with shared_state.client().pipeline(transaction=False) as pipe:
                pipe.hset(_reports_key(), PROCESS, _encode(own()))
                pipe.expire(_reports_key(), KEPT_S)
                if texts:
                    pipe.lpush(_samples_key(), *texts)
                    pipe.ltrim(_samples_key(), 0, RING - 1)
                    pipe.expire(_samples_key(), KEPT_S)
                await pipe.execute()


def _reports_key() -> str:
    return shared_state.name("processes")


def _samples_key() -> str:
    return shared_state.name("telemetry")


def _read(text: bytes) -> Report | None:
    try:
        return _decode_report(text)
    except msgspec.MsgspecError:  # of another version of the program
        return None


def _open_files() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return 0


def _resident_bytes() -> int:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:  # no /proc: the peak is the next best
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
