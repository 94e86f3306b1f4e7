"""THE flow: from a client's bytes to its answer. Every request to a model passes through here, and nowhere else.

    inbound.parse -> auth -> combos.resolve -> combos.plan -> attempt -> commit point -> answer -> recorder

Until the commit point (the first content of a stream, the whole of any other answer) every failure falls back to the
next attempt. Behind it, an error is told to the client in band (`gateway.passage.answers`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from combos.attempt import Attempt
from combos.resolve import Route, resolve
from gateway import admission, policies
from gateway import snapshot as snapshots
from gateway.claims import answered, claim
from gateway.contest import Contest
from gateway.edge import progress
from gateway.edge.auth import Caller, authenticate
from gateway.edge.responses import StreamedResponse, Streaming, answer_headers, broken_off, error_response
from gateway.exchange import Exchange
from gateway.passage import copies, follow_ups
from gateway.passage.answers import Answered, StreamAnswer, read_whole
from gateway.passage.base import Passage, Whole
from gateway.passage.requests import build_upstream_request, passage_for, proxy_for
from gateway.planning import is_connected, plan_for
from gateway.preparation.steps import goes_elsewhere, prepare, ready
from gateway.preparation.tokens import after_refusal, with_fresh_token
from gateway.records.recorder import recorder
from gateway.records.request_log import note_id
from gateway.records.telemetry import Laps, telemetry
from gateway.replay import flow as replays
from gateway.snapshot import Snapshot, Timeouts
from gateway.trial import Trial
from gateway.upstream import send
from gateway.verdicts.healing import Healing
from gateway.verdicts.judging import judge
from gateway.verdicts.quotas import heed
from gateway.wire import get_format
from omniroute.errors import (
    ClientError,
    Forbidden,
    GatewayError,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
)
from omniroute.types import InboundRequest, UpstreamRequest

Answer = Whole | StreamAnswer


async def serve(inbound: InboundRequest, caller: Caller) -> HttpResponseBase:
    """One request, whatever becomes of it. Raise `ClientError` for one that never gets as far as a route."""
    exchange, snapshot = await open_exchange(inbound, caller)
    replay = replays.of(exchange, snapshot)
    response = await (replay.serve(answer, record) if replay else answer(exchange, snapshot))
    if isinstance(response, Streaming):
        response = progress.shown(response, inbound)
        response.sign_of_life = b"\n" if inbound.array else get_format(inbound.format).keepalive
        response.silence_s = snapshot.timeouts.keepalive
    return response


async def answer(exchange: Exchange, snapshot: Snapshot) -> HttpResponseBase:
    """Ask for it, and record what came of it."""
    if exchange.inbound.stream:
        return await serve_stream(exchange, snapshot)
    format = get_format(exchange.inbound.format)
    try:
        whole = await first_answer(exchange, snapshot)
        response = HttpResponse(whole.body, content_type=whole.content_type, headers=answer_headers(exchange))
    except GatewayError as error:
        exchange.fail(error)
        response = error_response(format, error, answer_headers(exchange))
    except BaseException as error:
        exchange.fail(broken_off(error))
        record(exchange, snapshot)
        raise
    await record(exchange, snapshot)
    return response


async def serve_stream(exchange: Exchange, snapshot: Snapshot) -> HttpResponseBase:
    """The response begins at the commit point, or when the client has waited long enough for a sign of life."""
    format = get_format(exchange.inbound.format)
    pending = asyncio.create_task(first_answer(exchange, snapshot))
    try:
        await asyncio.wait({pending}, timeout=snapshot.timeouts.keepalive)
        if pending.done():
            pending.result()
    except GatewayError as error:
        exchange.fail(error)
        await record(exchange, snapshot)
        return error_response(format, error, answer_headers(exchange))
    except BaseException as error:
        pending.cancel()
        exchange.fail(broken_off(error))
        record(exchange, snapshot)
        raise
    return StreamedResponse(format, exchange, pending, lambda: record(exchange, snapshot))


def record(exchange: Exchange, snapshot: Snapshot) -> Awaitable[None]:
    """The usage row is on its way once this returns, and committed once its result is awaited."""
    exchange.close()
    note_id(exchange.inbound.id)
    sample = telemetry.note(exchange.started, exchange.laps, exchange.serving)
    *beside, row = exchange.rows(snapshot.billing)
    for extra in beside:
        recorder().record(extra, admission.bill(exchange, extra, snapshot))
    written = recorder().record(row, admission.bill(exchange, row, snapshot))
    written.add_done_callback(sample.finalized)
    return written


async def open_exchange(inbound: InboundRequest, caller: Caller) -> tuple[Exchange, Snapshot]:
    """Who asks, and for what. What misses is looked up once more in the newest configuration before it is refused."""
    snapshot = await snapshots.current()
    try:
        exchange = _admit(inbound, caller, snapshot)
        if is_connected(exchange.route, snapshot):
            return exchange, snapshot
        newer = await snapshots.newer_than(snapshot)
        if newer is None:
            return exchange, snapshot
    except ClientError:
        newer = await snapshots.newer_than(snapshot)
        if newer is None:
            raise
    return _admit(inbound, caller, newer), newer


def _admit(inbound: InboundRequest, caller: Caller, snapshot: Snapshot) -> Exchange:
    laps = Laps(caller.received, "parse")
    key = authenticate(caller, snapshot.billing, required=settings.REQUIRE_API_KEY)
    laps.end("validate")
    route = route_of(inbound.model, snapshot)
    if key is not None and not key.allows(inbound.model):
        raise Forbidden(f"This API key may not use the model {inbound.model!r}", param="model")
    laps.end("resolve")
    inbound = policies.apply(inbound, snapshot.policies)
    laps.end("policy")
    only = caller.grant.account_id if caller.grant is not None else 0
    return Exchange(inbound, route, key, caller.address, only_account=only, laps=laps)


def route_of(model: str, snapshot: Snapshot) -> Route:
    """`resolve`, remembered for as long as the configuration stands."""
    route = snapshot.routes.get(model)
    if route is None:
        route = resolve(model, snapshot.combos, snapshot.providers)
        snapshots.remembered(snapshot.routes, model, route)
    return route


async def first_answer(exchange: Exchange, snapshot: Snapshot) -> Any:
    """The first attempt that comes to its commit point. Raise the most telling error when none does."""
    await admission.admit(exchange, snapshot)
    plan = await plan_for(exchange, snapshot)
    contest = Contest(exchange, plan, lambda attempt: attempt_once(exchange, attempt, snapshot), discard)
    return await contest.answer()


async def discard(answer: Answer) -> None:
    """Of two attempts that were answered at the same moment, the one that came second."""
    if isinstance(answer, StreamAnswer):
        answer.close()


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
