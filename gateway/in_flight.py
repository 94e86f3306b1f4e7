"""The requests that this process is working on, for people to see. Nothing is decided by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Flight(NamedTuple):
    model: str
    provider: str
    account: str


_flights: Counter[Flight] = Counter()


@contextmanager
def in_flight(model: str, provider: str, account: str) -> Iterator[None]:
    """Count an attempt for as long as the block runs, whatever its end. For one thread: the event loop's."""
    flight = Flight(model, provider, account)
    _flights[flight] += 1
    try:
        yield
    finally:
        _flights[flight] -= 1
        if _flights[flight] <= 0:
            del _flights[flight]


def active_requests() -> dict[Flight, int]:
    return dict(_flights)
