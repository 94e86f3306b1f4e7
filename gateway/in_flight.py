"""The attempts that this process is working on, for people to see. Nothing is decided by it."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple


class Flight(NamedTuple):
    model: str
    provider: str
    account: str


_flights: dict[int, Flight] = {}


def begin(request: object, flight: Flight) -> None:
    """What `request` is waiting for from here on, until `end` or the next attempt."""
    _flights[id(request)] = flight


def end(request: object) -> None:
    _flights.pop(id(request), None)


def active_requests() -> Counter[Flight]:
    return Counter(list(_flights.values()))
