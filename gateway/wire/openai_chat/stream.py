"""Streams of chat completion chunks into events. `emitter.py` is the way back."""

from __future__ import annotations

import msgspec

from gateway.wire import ir, json
from gateway.wire.base import StreamParser
from gateway.wire.openai_chat.assembly import Choice
from gateway.wire.openai_chat.citations import LISTS, sources_of
from gateway.wire.openai_chat.keep import CHAT
from gateway.wire.openai_chat.response import raise_for_error
from gateway.wire.openai_chat.usage import usage_in
from gateway.wire.sse import DONE, ServerEvent
from omniroute.errors import GatewayError, InvalidRequest, UpstreamBroken, UpstreamRefused
from omniroute.types import JSONDict, Usage

_decode = msgspec.json.Decoder().decode
_ODD = frozenset({"error", "x_groq", "base_resp"})
"""Fields beside `choices` that may hold an error."""
_SOURCES = frozenset(LISTS)


class ChatStreamParser(StreamParser):
    """A finish reason is held until nothing can follow it: content behind it, and a second one, do occur."""

    def __init__(self) -> None:
        self._choices: dict[int, Choice] = {}
        self._started = False
        self._over = False
        self._usage: Usage | None = None
        self._tier: str | None = None
        self._sources: list[ir.Citation] = []

    def feed(self, event: ServerEvent) -> list[ir.Event]:
        data = event.data
        if self._over or not data:
            return []
        if data == DONE or data.strip() == DONE:
            return self._end(done=True)
        try:
            chunk = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            try:
                chunk = json.loads(data)
            except InvalidRequest:
                return self._fail(UpstreamBroken("The provider's stream holds something that is not JSON"))
        if not isinstance(chunk, dict):
            return []
        return self._feed_chunk(chunk, event.name)

    def close(self) -> list[ir.Event]:
        return [] if self._over else self._end(done=False)

    def _feed_chunk(self, chunk: JSONDict, name: bytes) -> list[ir.Event]:
        if name == b"error" and "choices" not in chunk and "error" not in chunk:
            chunk = {"error": chunk}
        if not _ODD.isdisjoint(chunk) or chunk.get("object") == "error":
            try:
                raise_for_error(chunk)
            except UpstreamRefused as error:
                return self._fail(error)
        events: list[ir.Event] = []
        choices = chunk.get("choices")
        if not self._sources and not _SOURCES.isdisjoint(chunk):
            self._sources += sources_of(chunk)
        if isinstance(choices, list) and choices:
            if not self._started:
                self._start(chunk, events)
            try:
                for position, raw in enumerate(choices):
                    if isinstance(raw, dict):
                        self._choice(raw, position).take(raw, events)
            except InvalidRequest as error:
                events += self._fail(UpstreamBroken(f"The provider's stream is malformed: {error.message}"))
                return events
        else:
            self._flush_finished(events)
        if chunk.get("usage") or "x_groq" in chunk:
            self._report_usage(chunk, events)
        return events

    def _start(self, chunk: JSONDict, events: list[ir.Event]) -> None:
        self._started = True
        created, tier = chunk.get("created"), chunk.get("service_tier")
        self._tier = tier if isinstance(tier, str) and tier else None
        extra: ir.Extra = {}
        if isinstance(chunk.get("system_fingerprint"), str):
            extra[CHAT] = {"system_fingerprint": chunk["system_fingerprint"]}
        events.append(
            ir.Started(
                id=chunk["id"] if isinstance(chunk.get("id"), str) else "",
                model=chunk["model"] if isinstance(chunk.get("model"), str) else "",
                created=created if isinstance(created, int) else None,
                extra=extra,
                service_tier=self._tier,
            )
        )

    def _choice(self, raw: JSONDict, position: int) -> Choice:
        number = json.integer(raw.get("index"))
        if number is None or not 0 <= number < 128:
            number = position
        choice = self._choices.get(number)
        if choice is None:
            choice = self._choices[number] = Choice(number, self._sources)
        return choice

    def _report_usage(self, chunk: JSONDict, events: list[ir.Event]) -> None:
        """Some repeat it in every chunk, so far counted: only a change is worth an event."""
        usage = usage_in(chunk)
        tier = chunk.get("service_tier")
        self._tier = tier if isinstance(tier, str) and tier else self._tier
        if usage is not None and usage != self._usage:
            self._usage = usage
            events.append(ir.UsageReported(usage, self._tier))

    def _flush_finished(self, events: list[ir.Event]) -> None:
        for choice in self._choices.values():
            if choice.finish is not None:
                choice.end(events)

    def _end(self, done: bool) -> list[ir.Event]:
        choices = list(self._choices.values())
        if not choices or not any(choice.has_said or choice.finish for choice in choices):
            return self._fail(UpstreamBroken("The provider's stream ended without any content"))
        if not done and any(choice.finish is None for choice in choices):
            events: list[ir.Event] = []
            self._flush_finished(events)
            return events + self._fail(UpstreamBroken("The provider's stream was cut before its end"))
        events = []
        for choice in choices:
            choice.end(events)
        self._over = True
        return events

    def _fail(self, error: GatewayError) -> list[ir.Event]:
        self._over = True
        return [ir.Errored(error.message, error.status, error.code)]
