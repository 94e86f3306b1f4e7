"""In which order a combo's targets are tried. A strategy is one function; the registry feeds the admin's choices."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from combos.resolve import Target
from omniroute.registry import Registry

Strategy = Callable[[Sequence[Target]], Sequence[Target]]
"""Pure: the given targets in the order to try them."""

registry: Registry[Strategy] = Registry("combo strategy")


@registry.register("priority", "Priority: the first that works")
def priority(targets: Sequence[Target]) -> Sequence[Target]:
    return targets
