"""In which order a combo's choices are tried: its targets, and the combos that it holds, each as one.

A strategy is one function, pure over the choices and a view of what is known about them; the registry feeds the admin's
form. What cannot be used just now is not their concern: the plan passes over it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Protocol

from combos.resolve import Choice
from omniroute.registry import Registry


class TargetView(Protocol):
    """What strategies may know of one combo's choices, for one request."""

    def place(self) -> int:
        """This request's place in the combo's rotation: 0, 1, 2 ... It is taken when it is first asked for."""

    def uses(self, choice: Choice) -> float:
        """How often it was asked of late."""

    def price(self, choice: Choice) -> Decimal | None:
        """USD for a token of each, input and output together; None where it is not known."""

    def first_token_s(self, choice: Choice) -> float | None:
        """How long it took of late to say something; None where nobody tried."""

    def random(self) -> float:
        """At least 0.0, below 1.0."""


Strategy = Callable[[Sequence[Choice], TargetView], Sequence[Choice]]
"""Pure: the given choices in the order to try them."""

registry: Registry[Strategy] = Registry("combo strategy")
SPREADING = frozenset({"weighted", "round_robin", "random", "least_used", "fastest"})
"""Under these a conversation stays with its target; the others say themselves which one comes first."""
ROTATING = frozenset({"round_robin"})
"""These ask for a place in the rotation, which several processes have to share."""


@registry.register(
    "priority",
    "Priority: the first that works",
    "The first target gets every request; the next one is asked only when it fails. For a favourite "
    "with understudies.",
)
def priority(choices: Sequence[Choice], view: TargetView) -> Sequence[Choice]:
    return choices


@registry.register(
    "weighted",
    "Weighted: each by its share",
    "Each target gets its share of the requests, by weight. A weight of 0 makes it a fallback only.",
)
def weighted(choices: Sequence[Choice], view: TargetView) -> Sequence[Choice]:
    """Drawn by weight; behind it the others, the heaviest first. Without any weight, all have the same."""
    total = sum(choice.weight for choice in choices)
    if not total:
        return random(choices, view)
    left = view.random() * total
    for choice in choices:
        left -= choice.weight
        if left < 0:
            break
    rest = sorted((each for each in choices if each is not choice), key=lambda each: -each.weight)
    return [choice, *rest]


@registry.register(
    "round_robin",
    "Round robin: each in turn",
    "Each target in turn gets the same number of requests; the others follow when it fails. A "
    "conversation stays with its target.",
)
def round_robin(choices: Sequence[Choice], view: TargetView) -> Sequence[Choice]:
    start = view.place() % len(choices) if choices else 0
    return [*choices[start:], *choices[:start]]


@registry.register(
    "random",
    "Random: any of them",
    "Any target, each as likely as the others. A conversation stays with its target.",
)
def random(choices: Sequence[Choice], view: TargetView) -> Sequence[Choice]:
    return sorted(choices, key=lambda choice: view.random())


@registry.register(
    "least_used",
    "Least used: the one with the fewest recent requests",
    "The target with the fewest requests of late. A count halves every five minutes.",
)
def least_used(choices: Sequence[Choice], view: TargetView) -> Sequence[Choice]:
    return sorted(choices, key=view.uses)


@registry.register(
    "cost_optimized",
    "Cost optimized: the cheapest first",
    "The cheapest target by its price for input and output together. A subscription costs nothing; "
    "what nobody knows the price of comes last.",
)
def cost_optimized(choices: Sequence[Choice], view: TargetView) -> Sequence[Choice]:
    """By the price of input and output together; those without a known price come last."""

    def rank(choice: Choice) -> tuple[bool, Decimal]:
        price = view.price(choice)
        return price is None, price or Decimal(0)

    return sorted(choices, key=rank)


@registry.register(
    "fastest",
    "Fastest: the quickest to its first word of late",
    "The target with the shortest wait for its first word in the last ten minutes. One that nobody "
    "asked lately is tried once.",
)
def fastest(choices: Sequence[Choice], view: TargetView) -> Sequence[Choice]:
    """One that nobody tried of late comes first: how else would its time be known?"""

    def rank(choice: Choice) -> float:
        seconds = view.first_token_s(choice)
        return -1.0 if seconds is None else seconds

    return sorted(choices, key=rank)
