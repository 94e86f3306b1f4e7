"""In which order a provider's accounts are tried. A strategy is one function; the registry feeds the settings form."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from omniroute.registry import Registry
from providers.config import AccountConfig

AccountStrategy = Callable[[Sequence[AccountConfig]], Sequence[AccountConfig]]
"""Pure: the given accounts, which come by priority, in the order to try them."""

registry: Registry[AccountStrategy] = Registry("account strategy")


@registry.register("fill_first", "Fill first: the first account until it fails")
def fill_first(accounts: Sequence[AccountConfig]) -> Sequence[AccountConfig]:
    return accounts
