"""The attempts that this process is working on, for people to see. Nothing is decided by it."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple


class Flight(NamedTuple):
    model: str
    provider: str
    account: str


_flights: dict[int, Flight] = {}


def begin(trial: object, flight: Flight) -> None:
    """What `trial` is, until `end`."""
    _flights[id(trial)] = flight


def end(trial: object) -> None:
    _flights.pop(id(trial), None)


def active_requests() -> Counter[Flight]:
    return Counter(list(_flights.values()))
