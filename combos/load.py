"""What this process knows of the targets that it asked: whose turn it is, how often of late, how quickly they answered.
In memory.

Only a rotation has to be exact over several processes; it can be given from outside (`CombosView.given_places`).
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

    def take_place(self, combo: str) -> int:
        place = self._places.get(combo, 0)
        self._places[combo] = place + 1
        return place

    def next_place(self, combo: str) -> int:
        """The place that the next request will take."""
        return self._places.get(combo, 0)

    def chosen(self, target: Target) -> None:
        """A request goes to this target now."""
        count = self._counts.setdefault(target.name, _Count())
        _forget_oldest(self._counts)
        now = self._clock()
        count.value, count.at = self._faded(count, now) + 1, now

    def uses(self, target: Target) -> float:
        count = self._counts.get(target.name)
        return self._faded(count, self._clock()) if count else 0.0

    def took(self, target: Target, seconds: float, *, stream: bool) -> None:
        """So long until its first token, or until its whole answer; or until it was given up."""
        times = self._times.setdefault((target.name, stream), deque(maxlen=SAMPLES))
        _forget_oldest(self._times)
        times.append((self._clock(), seconds))

    def first_token_s(self, target: Target, *, stream: bool) -> float | None:
        """The median of the last minutes."""
        times = self._recent(target, stream)
        return statistics.median(times) if times else None

    def slow_s(self, target: Target, *, stream: bool) -> float | None:
        """What 95 of 100 answers of the last minutes stayed below; None where there are too few to say."""
        times = self._recent(target, stream)
        return sorted(times)[int(len(times) * 0.95)] if len(times) >= 5 else None

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
    given_places: dict[str, int] = field(default_factory=dict)
    """Places in combos' rotations, where several processes share them."""
    is_rehearsal: bool = False
    """Nothing is taken or counted: only somebody's question what would be chosen."""
    random: Callable[[], float] = field(default=random.random)

    def of(self, combo: ComboConfig) -> ComboView:
        return ComboView(self, combo.name)


@dataclass(slots=True)
class ComboView:
    all: CombosView
    name: str

    def place(self) -> int:
        given = self.all.given_places.get(self.name)
        if given is not None:
            return given
        load = self.all.load
        return load.next_place(self.name) if self.all.is_rehearsal else load.take_place(self.name)

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
