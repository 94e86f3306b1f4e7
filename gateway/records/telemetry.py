"""How long the last requests took, by phase and by provider. Nothing is decided by it.

What this process measured; `gateway.records.processes` puts those of all together.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateway.trial import Trial

PHASES = ("parse", "validate", "resolve", "policy", "connect", "stream", "finalize")
"""Body to request; key and address; name to route; settings applied; to the commit point; to the last byte of the
provider's; until the usage is written."""
RING = 1000


class Laps:
    """The times between marks, in seconds. `started` is on `time.perf_counter`, and `first` ends now."""

    __slots__ = ("_last", "times")

    def __init__(self, started: float, first: str) -> None:
        self._last = started
        self.times: dict[str, float] = {}
        self.end(first)

    def end(self, phase: str) -> None:
        now = time.perf_counter()
        self.times[phase] = now - self._last
        self._last = now


@dataclass(slots=True)
class Sample:
    """One finished request."""

    at: float
    """Epoch, in seconds."""
    provider: str
    total_ms: float
    phases: dict[str, float]
    """In milliseconds."""
    ended: float = 0.0

    def finalized(self, _: object = None) -> None:
        self.phases["finalize"] = (time.perf_counter() - self.ended) * 1000


@dataclass(slots=True)
class Spread:
    """Milliseconds."""

    count: int = 0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    avg: float = 0.0


@dataclass(slots=True)
class Summary:
    overall: Spread
    phases: dict[str, Spread] = field(default_factory=dict)
    providers: dict[str, Spread] = field(default_factory=dict)


class Telemetry:
    """One per process, used from its event loop; `samples` from any thread."""

    def __init__(self) -> None:
        self._ring: deque[Sample] = deque(maxlen=RING)
        self._fresh: deque[Sample] = deque(maxlen=RING)
        """Those that nobody took yet."""

    def note(self, started: float, laps: Laps | None, serving: Trial | None) -> Sample:
        """The request is over. `started` is on `time.perf_counter`; the sample's `finalized` notes its writing."""
        now = time.perf_counter()
        phases = {name: seconds * 1000 for name, seconds in laps.times.items()} if laps else {}
        if serving is not None and serving.decided_at is not None:
            phases["connect"] = (serving.decided_at - serving.started) * 1000
            phases["stream"] = ((serving.ended_at or now) - serving.decided_at) * 1000
        provider = serving.attempt.target.provider.id if serving else ""
        sample = Sample(time.time(), provider, (now - started) * 1000, phases, now)
        self._ring.append(sample)
        self._fresh.append(sample)
        return sample

    def samples(self) -> list[Sample]:
        return list(self._ring)

    def take_finished(self) -> list[Sample]:
        """Those of which everything is known and that were not taken before."""
        done = [sample for sample in self._fresh if "finalize" in sample.phases]
        self._fresh = deque((each for each in self._fresh if "finalize" not in each.phases), maxlen=RING)
        return done


def summarise(samples: Sequence[Sample]) -> Summary:
    return Summary(
        spread([sample.total_ms for sample in samples]),
        {
            phase: spread([sample.phases[phase] for sample in samples if phase in sample.phases])
            for phase in PHASES
        },
        {
            provider: spread([sample.total_ms for sample in samples if sample.provider == provider])
            for provider in sorted({sample.provider for sample in samples if sample.provider})
        },
    )


def spread(values: Iterable[float]) -> Spread:
    """By nearest rank."""
    ordered = sorted(values)
    if not ordered:
        return Spread()
    p50, p95, p99 = (round(_rank(ordered, share), 2) for share in (0.5, 0.95, 0.99))
    return Spread(len(ordered), p50, p95, p99, round(sum(ordered) / len(ordered), 2))


def _rank(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


telemetry = Telemetry()
