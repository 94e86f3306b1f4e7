"""The simulator as an ASGI application: reads a request, decides what becomes of it, and answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from gateway.simulator import behavior as behaviors
from gateway.simulator import models, side_answers, sound, wiring
from gateway.simulator.behavior import Behavior, UnknownBehavior
from gateway.simulator.errors import error_body
from gateway.simulator.formats.anthropic import read_conversation
from gateway.simulator.formats.base import Dialect, Step, sse
from gateway.simulator.formats.gemini import camel, read_contents
from gateway.simulator.formats.openai_responses import read_input
from gateway.simulator.journal import Entry, Journal
from gateway.simulator.player import Cut, Player, Send
from gateway.simulator.question import BadRequest, JSONDict, count_tokens, reading
from gateway.simulator.rules import CannedReply, Rules

Receive = Callable[[], Awaitable[dict[str, Any]]]
_HTML = b"<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
HEADER = "x-simulate"
"""Request header with a behaviour, for clients that cannot choose the model's name."""


class SimulatorApp:
    def __init__(self) -> None:
        self.journal = Journal()
        self.rules = Rules()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _read(receive)
        if body is None:
            return
        if scope["path"].startswith("/__"):
            await self._control(scope, body, send)
            return
        entry = _entry(scope, body)
        self.journal.add(entry)
        await _while_connected(self._serve(entry, send), receive, entry)

    async def _control(self, scope: dict[str, Any], body: bytes, send: Send) -> None:
        """POST or DELETE `/__control` (rules), GET or DELETE `/__requests`, POST `/__reset` (forget both)."""
        method, path = scope["method"], scope["path"]
        player = Player(send, Entry(method, path, "", [], b"", ""), Behavior())
        if (method, path) == ("GET", "/__requests"):
            limit = parse_qs(scope["query_string"].decode("latin-1")).get("limit", [""])[0]
            return await player.json(self.journal.as_json(int(limit) if limit.isdecimal() else None))
        if (method, path) == ("POST", "/__control"):
            try:
                self.rules.add(json.loads(body))
            except (BadRequest, UnknownBehavior, ValueError, AttributeError) as error:
                return await player.json({"error": str(error)}, 400)
        elif method not in ("POST", "DELETE") or path not in ("/__control", "/__requests", "/__reset"):
            return await player.json({"error": f"{method} {path}: see docs/simulator.md"}, 404)
        else:
            if path != "/__requests":
                self.rules.rules.clear()
            if path != "/__control":
                self.journal.clear()
        return await player.json({"rules": len(self.rules.rules), "requests": self.journal.total})

    async def _serve(self, entry: Entry, send: Send) -> None:
        headers = dict(entry.headers)
        destination = wiring.find(entry.method, entry.path, entry.query, headers)
        family = destination.family if destination else wiring.family_of(entry.path, entry.query, headers)
        player = Player(send, entry, Behavior())
        try:
            heard = destination is not None and (destination.sound or destination.order)
            body = _decode(entry.body) if entry.method == "POST" and not heard else {}
            entry.model = (destination.model if destination else "") or str(body.get("model") or "")
            if destination is not None and destination.sound:
                entry.model = sound.model_of(destination.sound, entry.body, headers, entry.query)
            behavior, canned = self._behavior(entry, headers)
            player = Player(send, entry, behavior)
            if await _fails(player, behavior, canned, family, entry.key):
                return
            if destination is None:
                await player.json(
                    error_body(family, 404, f"Unknown request URL: {entry.method} {entry.path}"), 404
                )
            elif destination.lists:
                await _list(player, family, destination.model)
            elif destination.side:
                await player.json(side_answers.answer(destination.side, body))
            elif heard:
                await _hear(player, destination, entry, headers)
            elif destination.counts:
                with reading():
                    counted = _count(family, body, destination.model)
                await player.json(counted)
            elif destination.dialect:
                _require(destination.dialect, headers)
                await _answer(player, destination.dialect, body, behavior)
        except UnknownBehavior as error:
            await player.json(error_body(family, 404, str(error), "model"), 404)
        except BadRequest as error:
            await player.json(error_body(family, 400, str(error), error.param), 400)

    def _behavior(self, entry: Entry, headers: dict[str, str]) -> tuple[Behavior, CannedReply | None]:
        """From the key, the model, the header and the rules; the later wins. Raise `UnknownBehavior`."""
        behavior = behaviors.of_key(entry.key).and_then(behaviors.of_model(entry.model))
        if HEADER in headers:
            behavior = behavior.and_then(behaviors.parse(headers[HEADER]))
        rule = self.rules.take(entry.model, entry.key, entry.path)
        if behavior.chaos and rule is None:
            behavior = behaviors.of_chaos()
        return (behavior.and_then(rule.behavior), rule.reply) if rule else (behavior, None)


async def _fails(
    player: Player, behavior: Behavior, canned: CannedReply | None, family: str, key: str
) -> bool:
    """What happens whatever was asked. True: answered."""
    if behavior.hang:
        await asyncio.Event().wait()
    await asyncio.sleep(behavior.delay_ms / 1000)
    if canned:
        await player.canned(canned.status, tuple(canned.headers), canned.body)
    elif behavior.html:
        await player.plain(_HTML, "text/html", behavior.status or 502)
    elif behavior.status:
        await player.error(error_body(family, behavior.status), behavior.status)
    elif key.startswith("bad"):
        await player.json(error_body(family, 401), 401)
    elif behavior.error_in_200:
        await player.json(error_body(family, 500))
    else:
        return False
    return True


async def _answer(player: Player, dialect: Dialect, body: JSONDict, behavior: Behavior) -> None:
    reply = dialect.reply(body, behavior)
    streams = behavior.sse_to_plain or (reply.question.stream and not behavior.json_to_stream)
    if streams:
        steps = (
            [Step(b'data: {"id": "broken", "choi\n\n', True)] if behavior.malformed else dialect.stream(reply)
        )
        error = dialect.stream_error(error_body(dialect.family, 500))
        await player.stream(steps, error, dialect.content_type)
    elif behavior.empty:
        await player.plain(b"", "application/json")
    elif behavior.malformed:
        await player.plain(b'{"id": "broken", "choi', "application/json")
    else:
        await player.json(dialect.whole(reply), headers=(("x-request-id", f"req_{reply.id}"),))


async def _hear(
    player: Player, destination: wiring.Destination, entry: Entry, headers: dict[str, str]
) -> None:
    if destination.sound:
        said = await asyncio.to_thread(sound.answer, destination.sound, entry.body, headers, entry.query)
    elif (found := sound.ordered(destination.order)) is not None:
        said = found
    else:
        await player.json({"error": "Transcript lookup error, transcript id not found"}, 400)
        return
    if said.events:
        steps = [Step(sse(event), True) for event in said.events]
        await player.stream(steps, sse(error_body("openai", 500)), said.content_type)
    else:
        await player.plain(said.body, said.content_type)


async def _list(player: Player, family: str, model: str) -> None:
    if model:
        behaviors.of_model(model)
    await player.json(models.entry(family, model) if model else models.listing(family))


def _count(family: str, body: JSONDict, model: str) -> JSONDict:
    if family == "anthropic":
        return {"input_tokens": count_tokens(read_conversation(body))}
    if family == "openai":
        return {"object": "response.input_tokens", "input_tokens": count_tokens(read_input(body))}
    inner = camel(body).get("generateContentRequest")
    total = count_tokens(read_contents(camel(inner if isinstance(inner, dict) else body), model))
    return {"totalTokens": total, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": total}]}


def _require(dialect: Dialect, headers: dict[str, str]) -> None:
    for name in dialect.required_headers:
        if name not in headers:
            raise BadRequest(f"{name}: header is required", name)


def _decode(body: bytes) -> JSONDict:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("We could not parse the JSON body of your request.") from None
    if not isinstance(value, dict):
        raise BadRequest("The JSON body of your request must be an object.")
    return value


def _entry(scope: dict[str, Any], body: bytes) -> Entry:
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    query, known = scope["query_string"].decode("latin-1"), dict(headers)
    bearer = known.get("authorization", "").removeprefix("Bearer ").removeprefix("Token ")
    key = (
        known.get("x-api-key") or known.get("x-goog-api-key") or bearer or parse_qs(query).get("key", [""])[0]
    )
    return Entry(scope["method"], scope["path"], query, headers, body, key)


async def _read(receive: Receive) -> bytes | None:
    """None: the client left before its request was complete."""
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


async def _while_connected(work: Awaitable[None], receive: Receive, entry: Entry) -> None:
    """Run `work` until it is done or the client leaves, and note which."""
    task, left = asyncio.ensure_future(work), asyncio.ensure_future(receive())
    try:
        await asyncio.wait({task, left}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        entry.end("client_left" if task.cancelled() else "complete")
    except Cut:
        entry.end("cut")
    finally:
        left.cancel()
