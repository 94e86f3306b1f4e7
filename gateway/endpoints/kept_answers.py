"""Answers that a provider keeps, by their id: fetched, cancelled, deleted, and what they answered.

Bytes pass as they are to the account that gave the answer and to no other, so there is no fallback here; and no
cooldown, limit or budget, for nothing is asked of a model. They are no requests in the usage. What they do tell is what
an answer used that was made in the background.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Router

from billing.config import KeyConfig
from billing.usage.kept_answers import Kept
from combos.attempt import Attempt
from combos.resolve import Route, Target
from gateway import snapshot as snapshots
from gateway.affinity import answers
from gateway.edge.auth import authenticate
from gateway.edge.handler import WireRequest
from gateway.edge.inbound import request_id
from gateway.edge.responses import StreamedResponse, answer_headers, error_response
from gateway.exchange import Exchange
from gateway.gates import circuit
from gateway.passage.answers import StreamAnswer
from gateway.passage.base import JSON_TYPE
from gateway.passage.requests import build_upstream_request, passage_for, proxy_for
from gateway.passage.same_format import ResumedReader
from gateway.planning import account_of
from gateway.preparation.tokens import with_fresh_token
from gateway.snapshot import Snapshot
from gateway.trial import Trial
from gateway.upstream import send
from gateway.upstream.sending import Upstream
from gateway.wire import get_format
from gateway.wire.openai_responses.tap import final_usage
from omniroute.errors import GatewayError, NoTargetAvailable, NotFound, UpstreamTimeout
from omniroute.types import InboundRequest, UpstreamRequest

router = Router()
FORMAT = "openai_responses"


@router.get("/v1/responses/{answer_id}")
async def retrieve(request: HttpRequest, answer_id: str) -> HttpResponseBase:
    return await _served(request, answer_id, _fetch)


@router.post("/v1/responses/{answer_id}/cancel")
async def cancel(request: HttpRequest, answer_id: str) -> HttpResponseBase:
    return await _served(request, answer_id, _cancel)


@router.delete("/v1/responses/{answer_id}")
async def delete(request: HttpRequest, answer_id: str) -> HttpResponseBase:
    return await _served(request, answer_id, _delete)


@router.get("/v1/responses/{answer_id}/input_items")
async def input_items(request: HttpRequest, answer_id: str) -> HttpResponseBase:
    return await _served(request, answer_id, _input_items)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One call about one kept answer. `query` is what goes on of the client's own."""

    id: str
    kept: Kept
    query: str
    exchange: Exchange
    trial: Trial
    snapshot: Snapshot

    async def send(self, method: str, suffix: str = "") -> Upstream:
        """Raise `UpstreamError`."""
        timeouts = self.snapshot.timeouts
        request = _request(self, method, suffix)
        upstream = await send(request, timeouts.connect, timeouts.idle, self.trial.proxy)
        self.exchange.serve(self.trial)
        return upstream

    async def read(self, upstream: Upstream) -> HttpResponse:
        """The whole answer, and with it what was used, if it is the answer's end."""
        try:
            body = await upstream.read_all()
        finally:
            upstream.close()
        self.trial.usage = final_usage(body)
        return HttpResponse(
            body,
            status=upstream.status,
            content_type=upstream.headers.get("content-type", JSON_TYPE),
            headers=answer_headers(self.exchange),
        )


_Operation = Callable[[_Asked], Awaitable[HttpResponseBase]]


async def _fetch(asked: _Asked) -> HttpResponseBase:
    upstream = await asked.send("GET")
    if not upstream.headers.get("content-type", "").startswith("text/event-stream"):
        return await asked.read(upstream)
    format, exchange = get_format(FORMAT), asked.exchange
    reader = ResumedReader(format, exchange.inbound)
    begun: asyncio.Future[StreamAnswer] = asyncio.get_running_loop().create_future()
    begun.set_result(StreamAnswer(upstream, reader, b"", asked.trial))
    response = StreamedResponse(format, exchange, begun, lambda: _end(asked))
    response.sign_of_life, response.silence_s = format.keepalive, asked.snapshot.timeouts.keepalive
    return response


async def _cancel(asked: _Asked) -> HttpResponseBase:
    return await asked.read(await asked.send("POST", "/cancel"))


async def _input_items(asked: _Asked) -> HttpResponseBase:
    return await asked.read(await asked.send("GET", "/input_items"))


async def _delete(asked: _Asked) -> HttpResponseBase:
    """What is not counted yet is looked at before: nobody can do so later."""
    if asked.kept.is_open:
        last = replace(asked, query="")
        await last.read(await last.send("GET"))
        await _end(last)
    response = await asked.read(await asked.send("DELETE"))
    await answers.forget(asked.kept)
    return response


async def _served(request: HttpRequest, answer_id: str, operation: _Operation) -> HttpResponseBase:
    asked = await _open(request, answer_id)
    exchange, limit = asked.exchange, asked.snapshot.timeouts.response
    try:
        async with asyncio.timeout(limit):
            response = await operation(asked)
    except TimeoutError:
        return _failed(asked, UpstreamTimeout(f"The provider did not answer within {limit:g} s"))
    except GatewayError as error:
        return _failed(asked, error)
    except BaseException:
        exchange.close()
        raise
    if not isinstance(response, StreamedResponse):
        await _end(asked)
    return response


def _failed(asked: _Asked, error: GatewayError) -> HttpResponse:
    """Said, and counted against nobody: what a provider says of an old answer tells nothing of the next request."""
    asked.exchange.fail(error)
    asked.exchange.close()
    return error_response(get_format(FORMAT), error, answer_headers(asked.exchange))


def _end(asked: _Asked) -> Awaitable[None]:
    """It is over, and what it told is counted once its result is awaited."""
    asked.exchange.close()
    counted = answers.settle(asked.exchange, asked.snapshot)
    if counted is not None:
        return counted
    nothing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    nothing.set_result(None)
    return nothing


async def _open(request: HttpRequest, answer_id: str) -> _Asked:
    """Raise `NotFound` for what this key's requests got from nobody, `NoTargetAvailable` while its provider fails."""
    assert isinstance(request, WireRequest)
    snapshot = await snapshots.current()
    snapshot = await snapshots.newer_than(snapshot) or snapshot
    caller = request.caller
    key = authenticate(caller, snapshot.billing, required=settings.REQUIRE_API_KEY)
    kept = await answers.find(answer_id, key.id if key else 0)
    if kept is None:
        raise NotFound(f"Response with id '{answer_id[:200]}' not found.")
    attempt = _attempt(kept, snapshot)
    exchange = _exchange(request, attempt, key)
    if attempt.account.stale_at <= time.time():
        attempt = await with_fresh_token(exchange, attempt)
    if (obstacle := circuit(attempt)) is not None:
        provider = attempt.target.provider.name
        raise NoTargetAvailable(
            f"{provider} fails at present", code=obstacle.reason, retry_after=obstacle.wait_s
        )
    _, endpoint = passage_for(exchange.inbound, attempt)
    if endpoint.format != FORMAT:
        raise NotFound(f"{attempt.target.provider.name} is not asked in OpenAI's Responses any more")
    proxy = proxy_for(exchange, attempt, endpoint.base_url, snapshot)
    trial = exchange.begin(attempt, endpoint.format, proxy)
    trial.owes = kept if kept.is_open else None
    return _Asked(answer_id, kept, _query(caller.query), exchange, trial, snapshot)


def _attempt(kept: Kept, snapshot: Snapshot) -> Attempt:
    spec = snapshot.providers.specs.get(kept.provider)
    account = account_of(kept.provider, kept.account_id, snapshot.providers)
    if spec is None or account is None:
        raise NotFound("The account that keeps this response is not in use any more", code="no_account")
    return Attempt(Target(spec, kept.model), account)


def _exchange(request: WireRequest, attempt: Attempt, key: KeyConfig | None) -> Exchange:
    inbound = InboundRequest(
        id=request_id(),
        format=FORMAT,
        operation="fetch",
        model=attempt.target.name,
        stream=request.method == "GET" and request.GET.get("stream") == "true",
        body=b"",
        fields={"background": msgspec.Raw(b"true")},  # a stream of it is read as such a one's
        headers=request.caller.headers,
        path=request.path,
    )
    route = Route(inbound.model, (attempt.target,))
    return Exchange(inbound, route, key, request.caller.address)


def _request(asked: _Asked, method: str, suffix: str) -> UpstreamRequest:
    """As a request for an answer would be made, but for what is asked."""
    passage, endpoint = passage_for(asked.exchange.inbound, asked.trial.attempt)
    request = build_upstream_request(passage, endpoint, asked.trial.attempt)
    headers = {name: value for name, value in request.headers.items() if name != "content-type"}
    url = f"{endpoint.base_url}/responses/{quote(asked.id, safe='')}{suffix}{asked.query}"
    return replace(request, method=method, url=url, headers=headers, body=b"")


def _query(query: str) -> str:
    """Without the API key, which some clients have in it."""
    parts = [part for part in query.split("&") if part and unquote(part.partition("=")[0]) != "key"]
    return f"?{'&'.join(parts)}" if parts else ""
