"""A look at every account of a provider, some at a time: ten thousand at once would hold up every request meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from providers.config import AccountConfig

Accounts = Sequence[AccountConfig]
Note = TypeVar("Note")
Found = TypeVar("Found")

STEP = 100
"""Accounts that are looked at between two turns of the event loop: half a millisecond."""


class Survey(Generic[Note, Found]):
    """`note` says what counts of one account, `conclude` makes of all notes what is wanted.

    `found` is there at once: at first of as many accounts as one step looks at, then of all of them, as they were when
    the look that is complete was taken. Outside of an event loop there is nothing to hold up, and one look is all.
    """

    def __init__(
        self,
        accounts: Accounts,
        note: Callable[[AccountConfig], Note],
        conclude: Callable[[Sequence[tuple[Note, AccountConfig]]], Found],
    ) -> None:
        self.accounts = accounts
        self._conclude = conclude
        self._noted: list[tuple[Note, AccountConfig]] = []
        self._look(note)
        if self._is_going_on:
            self.found = conclude(self._noted)

    def renew(self, note: Callable[[AccountConfig], Note]) -> None:
        """Take another look, unless one is still being taken."""
        if not self._is_going_on:
            self._look(note)

    @property
    def _is_going_on(self) -> bool:
        return bool(self._noted)

    def _look(self, note: Callable[[AccountConfig], Note]) -> None:
        """At some more of them, and later at the others."""
        while len(self._noted) < len(self.accounts):
            begin = len(self._noted)
            self._noted += [(note(account), account) for account in self.accounts[begin : begin + STEP]]
            if (loop := _running_loop()) is not None and len(self._noted) < len(self.accounts):
                loop.call_soon(self._look, note)
                return
        self.found, self._noted = self._conclude(self._noted), []


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
