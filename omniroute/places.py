"""Where in the menu the page is that is open: for its heading, its title and its tabs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.http import HttpRequest

from omniroute.menu import Entry, trail_to
from omniroute.singleton import Singleton


@dataclass(frozen=True, slots=True)
class Tab:
    title: str
    link: str
    active: bool


@dataclass(frozen=True, slots=True)
class Place:
    """In the menu's words."""

    trail: list[Entry]
    """From the sidebar's entry down to the page's own; never empty."""

    @property
    def title(self) -> str:
        return self.trail[-1].title

    @property
    def link(self) -> str:
        return self.trail[-1].link

    @property
    def sections(self) -> list[str]:
        """What the page is a part of, the widest first."""
        return [entry.title for entry in self.trail[:-1] if entry.title != self.title]

    @property
    def is_form(self) -> bool:
        """Settings: one row, without a list."""
        target = self.trail[-1].target
        return "." in target and issubclass(apps.get_model(target), Singleton)

    def tabs(self, request: HttpRequest) -> Iterator[list[Tab]]:
        """A row for each level of the menu that the page is in; none on the page of a single row, which is no tab's."""
        if not (request.path == self.link or self.is_form):
            return
        for entry, chosen in zip(self.trail, self.trail[1:], strict=False):
            allowed = [tab for tab in entry.tabs if tab.is_allowed(request)]
            if len(allowed) > 1:
                yield [Tab(tab.title, tab.link_for(request), tab is chosen) for tab in allowed]


def place_of(path: str) -> Place | None:
    """None for what the menu does not name."""
    trail = trail_to(path)
    return Place(trail) if trail else None
