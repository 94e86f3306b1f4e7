"""What several processes have to agree upon before a plan is made: whose turn it is, and where a conversation was.

One round trip, and none where nothing of it is wanted.
"""

from __future__ import annotations

from collections.abc import Iterable

from combos import strategies
from combos.ordering import Ordering
from combos.resolve import Branch, Choice, Route, Target
from omniroute import shared_state
from omniroute.shared_state import Script, Unavailable
from providers import selection

FORGOTTEN_S = 7 * 86_400

_AGREE = Script("""
    if ARGV[1] == '1' then
        local found = redis.call('HGETALL', KEYS[1])
        if #found > 0 then return {found, -1, -1} end
    end
    local function take(key)
        local place = redis.call('INCR', key) - 1
        redis.call('EXPIRE', key, ARGV[2])
        return place
    end
    local choices, place, turn = tonumber(ARGV[3]), -1, -1
    local index = 1
    if choices > 0 then
        place = take(KEYS[2])
        index = place % choices + 1
    end
    if ARGV[3 + index] == '1' then turn = take(KEYS[2 + index]) end
    return {{}, place, turn}
""")


async def agree(made: Ordering, route: Route, session_key: str = "") -> list[bytes]:
    """Take the places that the plan will ask for, unless another process knows the conversation: then return what it
    noted. Redis in trouble: nothing, and this process counts by itself."""
    tree = route.tree
    turns = tree is not None and _turns(tree, made)
    if tree is not None and turns:
        first = [_first_target(choice) for choice in tree.choices]
    else:
        made.fix(route)
        first = [next(iter(made.targets(route)), None)]
    wanted = [target is not None and _rotates(target, made) for target in first]
    if not (session_key or turns or any(wanted)):
        return []
    keys = [session_key, _key("combo", tree.combo.name if tree else ""), *map(_account_key, first)]
    arguments = [int(bool(session_key)), FORGOTTEN_S, len(first) if turns else 0, *map(int, wanted)]
    try:
        found, place, turn = await _AGREE(keys, arguments)
    except Unavailable:
        return []
    if tree is not None and place >= 0:
        made.view.given_places[tree.combo.name] = place
    target = first[place % len(first) if place >= 0 else 0]
    if target is not None and turn >= 0:
        made.places[target.provider.id] = turn
    return list(found)


def _turns(tree: Branch, made: Ordering) -> bool:
    combo = tree.combo
    return combo.strategy in strategies.ROTATING and len(tree.choices) > 1 and not made.is_kept(tree)


def _rotates(target: Target, made: Ordering) -> bool:
    provider = target.provider.id
    return (
        made.config.order_of(provider).strategy in selection.ROTATING
        and len(made.providers.accounts.get(provider, ())) > 1
        and provider not in made.kept
    )


def _first_target(choice: Choice) -> Target | None:
    targets: Iterable[Target] = choice.targets() if isinstance(choice, Branch) else (choice,)
    return next(iter(targets), None)


def _account_key(target: Target | None) -> str:
    return _key("accounts", target.provider.id if target else "")


def _key(kind: str, name: str) -> str:
    return shared_state.name("turn", kind, name)
