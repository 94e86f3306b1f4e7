"""What the sidebar calls the page that is open: for its heading and its title."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from django.apps import apps
from django.urls import reverse

from omniroute.pages import pages_of
from omniroute.singleton import Singleton
from omniroute.unfold import IP_TABS, JOB_TABS, RESILIENCE_TABS, SECTIONS, SYNC_TABS, link_to


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page belongs, in the sidebar's words."""

    section: str
    title: str
    link: str
    target: str = ""
    """`app.model`; "" for pages."""

    @property
    def is_form(self) -> bool:
        """Settings: one row, without a list."""
        return bool(self.target) and issubclass(apps.get_model(self.target), Singleton)


def place_of(path: str) -> Place | None:
    """None for what the sidebar and its tabs do not name."""
    found = [place for place in _places() if path.startswith(place.link)]
    return max(found, key=lambda place: len(place.link), default=None)


@cache
def _places() -> list[Place]:
    return list(_all_places())


def _all_places() -> Iterator[Place]:
    for title, items in SECTIONS:
        named = [item for item in items if item[2] != "index"]
        yield from (Place(title, item[0], link_to(item[2]), item[2]) for item in named)
        for page in pages_of(title):
            yield Place(title, page.title, reverse(f"admin:{page.url_name}"))
    for title, tabs in (
        ("Background jobs", JOB_TABS),
        ("IP access", IP_TABS),
        ("Resilience", RESILIENCE_TABS),
        ("Cloud sync", SYNC_TABS),
    ):
        yield from (Place(title, item[0], link_to(item[2]), item[2]) for item in tabs[1:] if "." in item[2])
