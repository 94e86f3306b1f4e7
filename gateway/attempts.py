"""One attempt: one request to one account, up to its commit point.

    fresh token -> passage -> request -> trial -> circuit, slot, budget -> send -> read up to the commit point

What the provider's refusal says to change is changed here; who is asked next is the contest's to say.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial

from combos.attempt import Attempt
from gateway import admission
from gateway.claims import answered, claim
from gateway.exchange import Exchange
from gateway.passage import copies, follow_ups
from gateway.passage.answers import Answered, StreamAnswer, read_whole
from gateway.passage.base import Passage, Whole
from gateway.passage.requests import build_upstream_request, passage_for, proxy_for
from gateway.preparation.steps import goes_elsewhere, prepare, ready
from gateway.preparation.tokens import after_refusal, with_fresh_token
from gateway.snapshot import Snapshot, Timeouts
from gateway.trial import Trial
from gateway.upstream import send
from gateway.verdicts.healing import Healing
from gateway.verdicts.judging import judge
from gateway.verdicts.quotas import heed
from omniroute.errors import UpstreamError, UpstreamRefused, UpstreamTimeout
from omniroute.types import UpstreamRequest

Answer = Whole | StreamAnswer


async def attempt_once(exchange: Exchange, attempt: Attempt, snapshot: Snapshot) -> tuple[Trial, Answer]:
    """One request to one account, up to its commit point. Raise `UpstreamError`.

    Repeated where the provider's refusal says what to change about the request: each is a trial of its own.
    """
    healing: Healing | None = None
    renewed = False
    while True:
        if attempt.account.stale_at <= time.time():
            attempt = await with_fresh_token(exchange, attempt)
        attempt = await ready(attempt)
        passage, endpoint = passage_for(exchange.inbound, attempt)
        proxy = proxy_for(exchange, attempt, endpoint.base_url, snapshot)
        await prepare(passage, snapshot, proxy)
        request = build_upstream_request(passage, endpoint, attempt)
        if healing is not None:
            healing.expect_change(request)
        trial = exchange.begin(attempt, endpoint.format, proxy)
        trial.dropped = request.dropped
        try:
            await claim(exchange, trial, snapshot)
            await admission.hold_account(exchange, trial, snapshot)
            answer = await ask(exchange, trial, passage, request, snapshot)
        except UpstreamError as error:
            if goes_elsewhere(attempt, endpoint, request, error):
                trial.end(error.status, error)
                continue
            if not isinstance(error, UpstreamRefused):
                trial.end(error.status, error)
                raise
            if not renewed and (other := await after_refusal(trial, error)) is not None:
                attempt, renewed = other, True
                continue
            judge(error, attempt)
            trial.end(error.status, error)
            healing = healing or Healing(attempt, snapshot)
            attempt = healing.repeat(error, request)
        else:
            if healing is not None:
                healing.succeed()
            return trial, answer


async def ask(
    exchange: Exchange, trial: Trial, passage: Passage, request: UpstreamRequest, snapshot: Snapshot
) -> Answer:
    """Send it and read the answer up to its commit point. Raise `UpstreamError`."""
    limit = time_limit(exchange, trial, snapshot.timeouts)
    try:
        async with asyncio.timeout(limit):
            timeouts = snapshot.timeouts
            trial.is_asked = True
            upstream = await send(request, timeouts.connect, timeouts.idle, trial.proxy)
            texts = snapshot.combos.error_texts
            answered(trial, upstream.headers, snapshot)
            heed(trial.attempt, upstream.headers)
            answer: Answered = upstream
            if passage.follows_up or passage.copies > 1:
                again = partial(
                    send, connect_timeout_s=timeouts.connect, idle_timeout_s=timeouts.idle, proxy=trial.proxy
                )
                if passage.copies > 1:
                    return await copies.gather(upstream, request, passage, again, trial, texts)
                answer = await follow_ups.walk(upstream, request, passage, again)
            if exchange.inbound.stream:
                return await StreamAnswer.begin(answer, passage, trial, texts)
            return await read_whole(answer, passage, trial, texts)
    except TimeoutError:
        raise UpstreamTimeout(f"The provider did not answer within {limit:g} s") from None


def time_limit(exchange: Exchange, trial: Trial, timeouts: Timeouts) -> float:
    """Seconds to the commit point.

    Where another target waits for its turn, a combo's own limit or the gateway's. A request with one target only gets
    what its provider may need (a local model loads for minutes), and a whole answer as long as it takes.
    """
    if limit := trial.attempt.target.settings.target_timeout_s:
        return limit
    if exchange.inbound.operation == "transcribe":
        return timeouts.response  # an hour of sound takes minutes, whoever else could be asked
    if exchange.route.has_choice:
        return timeouts.first_event
    if exchange.inbound.stream:
        return trial.attempt.target.provider.timeout_first_event_s or timeouts.first_event
    return timeouts.response


async def discard(answer: Answer) -> None:
    """Of two attempts that were answered at the same moment, the one that came second."""
    if isinstance(answer, StreamAnswer):
        answer.close()
