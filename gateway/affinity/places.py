"""Places in rotations that several processes take together: an atomic counter at Redis for each."""

from __future__ import annotations

from contextlib import suppress

from combos.ordering import Ordering, Turn
from omniroute import shared_state
from omniroute.shared_state import Script, Unavailable

FORGOTTEN_S = 7 * 86_400

_TAKE = Script("""
local place = redis.call('INCR', KEYS[1]) - 1
redis.call('EXPIRE', KEYS[1], ARGV[1])
return place
""")


async def take(turn: Turn, made: Ordering) -> None:
    """One round trip. Redis in trouble: nothing, and this process counts by itself."""
    with suppress(Unavailable):
        made.places[turn.scope] = await _TAKE([shared_state.name("turn", turn.scope)], [FORGOTTEN_S])
