"""Named things of one kind: strategies, adapters. The registry is the only list of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """A dict with a decorator, whose look-up error names what there is."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._items: dict[str, T] = {}
        self._labels: dict[str, str] = {}
        self.explanations: dict[str, str] = {}
        """What a form tells about a choice, by name: sentences, where its label does not say it all."""

    def register(self, name: str, label: str = "", explanation: str = "") -> Callable[[T], T]:
        def add(item: T) -> T:
            if name in self._items:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._items[name] = item
            self._labels[name] = label or name.replace("_", " ").capitalize()
            self.explanations[name] = explanation
            return item

        return add

    def get(self, name: str) -> T:
        """Raise `LookupError`, naming the known ones."""
        try:
            return self._items[name]
        except KeyError:
            raise LookupError(f"Unknown {self.kind} {name!r}. Known: {', '.join(self._items)}") from None

    def choices(self) -> list[tuple[str, str]]:
        """(name, label) pairs in the order of registration, for a form."""
        return list(self._labels.items())

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)
