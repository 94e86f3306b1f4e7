"""The configuration's version in the database: every change raises it, and the other processes are told.

`epoch` counts how often all rows were replaced at once, by those of a backup.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from django.db.models import F

from gateway.models import ConfigVersion
from omniroute import shared_state
from resilience.link import link

TOPIC = "configuration"
"""Of the news between processes: the version that was just committed."""

_news = asyncio.Event()
_told = 0


@dataclass(frozen=True, slots=True)
class Version:
    number: int = 0
    epoch: int = 0


def stored() -> Version:
    row = ConfigVersion.objects.filter(pk=1).values_list("version", "epoch").first()
    return Version(*row) if row else Version()


def raise_version(*counts: str) -> None:
    """Within the transaction that writes the change. `counts` are columns of `ConfigVersion`."""
    if not ConfigVersion.objects.filter(pk=1).update(**{count: F(count) + 1 for count in counts}):
        ConfigVersion.objects.get_or_create(pk=1, defaults=dict.fromkeys(counts, 1))


def tell() -> None:
    """The other processes, behind the commit; once, however many rows a transaction wrote."""
    global _told
    if shared_state.is_shared() and (newest := stored().number) != _told:
        _told = newest
        link.tell(TOPIC, str(newest))


def begin() -> None:
    """On the event loop that waits for `news`."""
    global _news
    _news = asyncio.Event()


async def news(longest_s: float) -> None:
    """Return when a process committed a change, and after `longest_s` in any case."""
    with suppress(TimeoutError):
        async with asyncio.timeout(longest_s):
            await _news.wait()
    _news.clear()


link.listen(TOPIC, lambda newest: _news.set())
