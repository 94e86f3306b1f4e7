"""THE flow: from a client's bytes to its answer. Every request to a model passes through here, and nowhere else.

    inbound.parse       the client's bytes, in the format of its path          gateway.edge.inbound
    open_exchange       who asks, for which route: API key, combos.resolve     gateway.opening
    replays.of          has it been answered before?                           gateway.replay.flow
    admit               is there money left for it?                            gateway.admission
    plan_for            its targets and accounts, in order, lazily             gateway.planning
    Contest             one attempt after the other, or beside each other      gateway.contest
    attempt_once        one request to one account, up to its commit point     gateway.attempts
    the answer          whole, or a stream                                     gateway.edge.responses
    record              its usage row, before its last byte                    gateway.records.recorder

Until the commit point (the first content of a stream, the whole of any other answer) every failure falls back to the
next attempt. Behind it, an error is told to the client in band (`gateway.passage.answers`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from gateway import admission
from gateway.affinity import answers
from gateway.attempts import attempt_once, discard
from gateway.contest import Contest
from gateway.edge import progress
from gateway.edge.auth import Caller
from gateway.edge.responses import StreamedResponse, Streaming, answer_headers, broken_off, error_response
from gateway.exchange import Exchange
from gateway.opening import open_exchange
from gateway.planning import plan_for
from gateway.records.recorder import recorder
from gateway.records.request_log import note_id
from gateway.records.telemetry import telemetry
from gateway.replay import flow as replays
from gateway.snapshot import Snapshot
from gateway.wire import get_format
from gateway.wire.openai_responses import in_background
from omniroute.errors import GatewayError
from omniroute.types import InboundRequest


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


async def first_answer(exchange: Exchange, snapshot: Snapshot) -> Any:
    """The first attempt that comes to its commit point. Raise the most telling error when none does."""
    await admission.admit(exchange, snapshot)
    plan = await plan_for(exchange, snapshot)
    contest = Contest(exchange, plan, lambda attempt: attempt_once(exchange, attempt, snapshot), discard)
    found = await contest.answer()
    if in_background(exchange.inbound):
        await answers.keep_background(exchange)
    return found


def record(exchange: Exchange, snapshot: Snapshot) -> Awaitable[None]:
    """The usage row is on its way once this returns, and committed once its result is awaited."""
    exchange.close()
    note_id(exchange.inbound.id)
    sample = telemetry.note(exchange.started, exchange.laps, exchange.serving)
    *beside, row = exchange.rows(snapshot.billing)
    for extra in beside:
        recorder().record(extra, admission.bill(exchange, extra, snapshot))
    bill = admission.bill(exchange, row, snapshot)
    written = recorder().record(row, bill, answers.to_keep(exchange))
    written.add_done_callback(sample.finalized)
    return answers.settle(exchange, snapshot) or written
