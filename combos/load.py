"""What is known of the targets that were asked: whose turn it is, how often of late, how quickly. In memory.

Other processes' requests are heard of within a moment (`resilience.gossip`). A rotation has to be exact, so its places
can be given from outside (`CombosView.places`).
"""

from __future__ import annotations

import random
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from combos.config import ComboConfig
from combos.resolve import Branch, Choice, Target
from resilience.gossip import Tell, gossip, nobody

HALF_LIFE_S = 300.0
"""After this time without requests, a count of uses is half of what it was."""
RECENT_S = 600.0
"""Older times to a first token say nothing about now."""
SAMPLES = 32
MAX_TARGETS = 10_000


@dataclass(slots=True)
class _Count:
    value: float = 0.0
    at: float = 0.0


class TargetLoad:
    """One per process; only for its event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._places: dict[str, int] = {}
        self._counts: dict[str, _Count] = {}
        self._times: dict[tuple[str, bool], deque[tuple[float, float]]] = {}
        self.tell: Tell = nobody

    def take_place(self, scope: str) -> int:
        place = self._places.get(scope, 0)
        self._places[scope] = place + 1
        return place

    def next_place(self, scope: str) -> int:
        """The place that the next request will take."""
        return self._places.get(scope, 0)

    def chosen(self, target: Target) -> None:
        """A request goes to this target now."""
        self._count(target.name, 1)
        self.tell("asked", target.name)

    def uses(self, target: Target) -> float:
        count = self._counts.get(target.name)
        return self._faded(count, self._clock()) if count else 0.0

    def took(self, target: Target, seconds: float, *, stream: bool) -> None:
        """So long until its first token, or until its whole answer; or until it was given up."""
        self._note_time(target.name, stream, seconds)
        self.tell("took", target.name, stream, round(seconds, 4))

    def hear(self, count: int, what: str, *about: Any) -> None:
        """It happened so often in another process."""
        if what == "asked":
            self._count(about[0], count)
        elif what == "took":
            for _ in range(min(count, SAMPLES)):  # several answers may have taken equally long
                self._note_time(*about)

    def first_token_s(self, target: Target, *, stream: bool) -> float | None:
        """The median of the last minutes."""
        times = self._recent(target, stream)
        return statistics.median(times) if times else None

    def slow_s(self, target: Target, *, stream: bool) -> float | None:
        """What 95 of 100 answers of the last minutes stayed below; None where there are too few to say."""
        times = self._recent(target, stream)
        return sorted(times)[int(len(times) * 0.95)] if len(times) >= 5 else None

    def _count(self, name: str, requests: int) -> None:
        count = self._counts.setdefault(name, _Count())
        _forget_oldest(self._counts)
        now = self._clock()
        count.value, count.at = self._faded(count, now) + requests, now

    def _note_time(self, name: str, stream: bool, seconds: float) -> None:
        times = self._times.setdefault((name, stream), deque(maxlen=SAMPLES))
        _forget_oldest(self._times)
        times.append((self._clock(), seconds))

    def _recent(self, target: Target, stream: bool) -> list[float]:
        times = self._times.get((target.name, stream), ())
        since = self._clock() - RECENT_S
        return [seconds for at, seconds in times if at >= since]

    @staticmethod
    def _faded(count: _Count, now: float) -> float:
        return float(count.value * 0.5 ** ((now - count.at) / HALF_LIFE_S))


def _forget_oldest(known: dict[Any, Any]) -> None:
    """Names of models come from clients: there may be any number of them."""
    if len(known) > MAX_TARGETS:
        del known[next(iter(known))]


Price = Callable[[Target], Decimal | None]


def unpriced(target: Target) -> None:
    return None


@dataclass(slots=True)
class CombosView:
    """What one request's plan may know. `of` gives the view of one combo (`strategies.TargetView`)."""

    load: TargetLoad
    stream: bool = False
    price: Price = unpriced
    places: dict[str, int] = field(default_factory=dict)
    """The request's own in rotations that it came to, by their scope."""
    is_rehearsal: bool = False
    """Nothing is taken or counted: only somebody's question what would be chosen."""
    random: Callable[[], float] = field(default=random.random)

    def of(self, combo: ComboConfig) -> ComboView:
        return ComboView(self, scope_of(combo))


def scope_of(combo: ComboConfig) -> str:
    """Of its rotation, and of what is kept for a conversation."""
    return f"combo:{combo.name}"


@dataclass(slots=True)
class ComboView:
    all: CombosView
    scope: str

    def place(self) -> int:
        places, load = self.all.places, self.all.load
        if self.scope not in places:
            take = load.next_place if self.all.is_rehearsal else load.take_place
            places[self.scope] = take(self.scope)
        return places[self.scope]

    def uses(self, choice: Choice) -> float:
        return sum(self.all.load.uses(leaf) for leaf in _targets(choice))

    def price(self, choice: Choice) -> Decimal | None:
        prices = (self.all.price(leaf) for leaf in _targets(choice))
        return min((price for price in prices if price is not None), default=None)

    def first_token_s(self, choice: Choice) -> float | None:
        load, stream = self.all.load, self.all.stream
        times = (load.first_token_s(leaf, stream=stream) for leaf in _targets(choice))
        return min((seconds for seconds in times if seconds is not None), default=None)

    def random(self) -> float:
        return self.all.random()


def _targets(choice: Choice) -> Iterable[Target]:
    return choice.targets() if isinstance(choice, Branch) else (choice,)


target_load = TargetLoad()
"""This process's own."""
target_load.tell = gossip.join("targets", target_load.hear)
