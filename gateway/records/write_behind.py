"""Database writes that nobody waits for: one thread per process, in the order in which they were asked for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import ParamSpec

from django.db import DatabaseError, close_old_connections

logger = logging.getLogger(__name__)

P = ParamSpec("P")


class Writer:
    """What fails is logged and given up: nothing here may be needed for an answer."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")

    def submit(self, write: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        self._thread.submit(self._run, lambda: write(*args, **kwargs))

    async def flush(self) -> None:
        """Return when everything submitted so far is done."""
        await asyncio.get_running_loop().run_in_executor(self._thread, lambda: None)

    @staticmethod
    def _run(write: Callable[[], None]) -> None:
        close_old_connections()
        try:
            write()
        except DatabaseError as error:
            logger.warning("Not written: %s", error)
        except Exception:
            logger.exception("Not written")


@cache
def writer() -> Writer:
    """The process's own."""
    return Writer()
