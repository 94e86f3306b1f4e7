"""Requests that are asked several times because their provider makes one thing at a time: images, where `n` is more.

They run beside each other, on the account that was chosen. What was made is paid for, so it is passed on even where a
part of it failed; the client counts what it got.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.passage.answers import Answered, read_whole
from gateway.passage.base import Passage, Whole
from gateway.passage.follow_ups import Send
from gateway.trial import Trial
from omniroute.errors import UpstreamError
from omniroute.types import UpstreamRequest

AT_ONCE = 4


async def gather(
    first: Answered,
    request: UpstreamRequest,
    passage: Passage,
    send: Send,
    trial: Trial,
    error_texts: Sequence[str] = (),
) -> Whole:
    """All of it as one answer. Raise `UpstreamError` where nothing was made."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> Whole:
        async with room:
            answered = await send(passage.copy(request, number)) if number else first
            return await read_whole(answered, passage, trial, error_texts)

    found = await asyncio.gather(*map(one, range(passage.copies)), return_exceptions=True)
    made = [each for each in found if isinstance(each, Whole)]
    failures = [each for each in found if isinstance(each, BaseException)]
    if failures and not (made and all(isinstance(each, UpstreamError) for each in failures)):
        raise failures[0]
    whole = passage.joined(made)
    trial.usage = whole.usage
    return whole
