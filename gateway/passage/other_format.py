"""Between two wire formats, through the neutral form. Also between a whole answer and a stream of one format."""

from __future__ import annotations

from gateway.passage.base import Ends, Passage, Reader, Whole, as_upstream_error
from gateway.preparation.signatures import Restore, signatures
from gateway.wire import fences, history, ir, json, proofs, property_keys, stops, thought_tags, tools
from gateway.wire.base import StreamEmitter, StreamParser
from gateway.wire.sse import ServerEvent
from omniroute.errors import GatewayError, InvalidRequest, UpstreamBroken, UpstreamRefused
from omniroute.types import Fields

GEMINI = "gemini"
"""The format whose tool calls carry signatures that must come back, and whose models read no foreign addresses."""


class OtherFormat(Passage):
    """parse -> neutral form -> emit, in both directions."""

    keeps_signatures = True
    """Whether signatures of calls are kept for the turns to come. False for a rehearsal."""

    def __init__(self, ends: Ends) -> None:
        super().__init__(ends)
        inbound, client = ends.inbound, ends.client
        self.request = client.parse_request(
            json.decode_all(dict(inbound.fields)), inbound.model, inbound.stream
        )
        if inbound.array:
            self.request.extra.setdefault(client.name, {})["array"] = True
        self.adapt()

    def adapt(self) -> None:
        """Make `request` fit the provider's rules; again, after something in it changed."""
        own = self.client is self.provider
        self.parameters = None if own else property_keys.renaming_of(self.request, self.profile)
        request = self.parameters.request(self.request) if self.parameters else self.request
        adapted, self.tools = tools.adapt(request, self.provider.rules)
        self.adapted = history.repair(adapted, self.provider.rules)

    def fields(self) -> Fields:
        self.adapted.model = self.profile.model
        return self.provider.emit_request(self.adapted, self.profile)

    @property
    def dropped(self) -> tuple[str, ...]:
        if self.client is self.provider:
            return ()
        understood = self.client.understood
        unknown = [name for name in self.inbound.fields if name not in understood]
        return tuple(dict.fromkeys([*self.adapted.dropped, *unknown]))

    def whole(self, body: bytes) -> Whole:
        return self.emit(self.parse(self.unwrapped(body)))

    def reader(self) -> Reader:
        return EventReader(self)

    def whole_of_stream(self, body: bytes) -> Whole:
        return self.emit(self.parse_stream(body))

    def stream_of_whole(self, whole: Whole, body: bytes) -> bytes:
        return self.emit_stream(self.parse(self.unwrapped(body)))

    def parse(self, body: bytes) -> ir.Response:
        """The provider's JSON answer. Raise `UpstreamError` where it is none."""
        try:
            value = json.loads(body)
        except InvalidRequest as error:
            raise UpstreamBroken(f"The provider's answer is no JSON: {error.message}") from error
        if not isinstance(value, dict):
            raise UpstreamBroken("The provider's answer is no JSON object")
        answered = _spoken(self.provider.parse_response(value))
        return self._kept(self._made_plain(self.tools.restore_response(answered)))

    def parse_stream(self, body: bytes) -> ir.Response:
        """A streamed answer as a whole one. Raise `UpstreamError` where it is not complete."""
        decoder, parser = self.decoder(), self.provider.parser_for(self.profile)
        events = [found for event in [*decoder.feed(body), *decoder.flush()] for found in parser.feed(event)]
        events += parser.close()
        try:
            folded = ir.fold(restored for event in events for restored in self.tools.restore(event))
        except ir.BrokenStream as error:
            raise _broken(error) from error
        return self._kept(self._made_plain(_spoken(folded)))

    @property
    def restore(self) -> Restore:
        """A provider's event as the client's tools know it, and under the name of who made it."""
        restore: Restore = self.tools.restore
        if self.signs_calls and self.keeps_signatures:
            restore = signatures().watching(restore)
        if self.profile.thought_tag and self.client is not self.provider:
            restore = thought_tags.Splitter(self.profile.thought_tag).after(restore)
        if self.unsaid_stops:
            restore = stops.Stopper(self.unsaid_stops).after(restore)
        if self.parameters:
            restore = self.parameters.after(restore)
        return self.label.after(restore) if self.label else restore

    @property
    def unsaid_stops(self) -> list[str]:
        """Stop sequences that the provider was not told."""
        if self.client is self.provider or not self.request.stop:
            return []
        return [stop for stop in self.provider.unsaid_stops(self.request.stop) if stop]

    @property
    def label(self) -> proofs.Label | None:
        """None within one format, whose clients get everything as it came."""
        return None if self.client is self.provider else proofs.label_of(self.provider, self.profile)

    @property
    def signs_calls(self) -> bool:
        return self.provider.name == GEMINI

    @property
    def inlines_media(self) -> bool:
        """Whether the provider reads no web addresses, so that what is behind them must be sent."""
        adapter = self.adapter
        return self.signs_calls or self.provider.inlines_media or bool(adapter and adapter.inlines_media)

    def _made_plain(self, response: ir.Response) -> ir.Response:
        """Without what the model wrote around its answer. Within one format everything is as it came."""
        if self.client is self.provider:
            return response
        tag, unsaid = self.profile.thought_tag, self.unsaid_stops
        plain = thought_tags.Splitter(tag).response(response) if tag else response
        return fences.unfence(stops.cut(plain, unsaid) if unsaid else plain, self.request)

    def _kept(self, response: ir.Response) -> ir.Response:
        if self.parameters:
            response = self.parameters.response(response)
        if self.signs_calls and self.keeps_signatures:
            signatures().keep_all(part for candidate in response.candidates for part in candidate.parts)
        return self.label.response(response) if self.label else response

    def emit(self, response: ir.Response) -> Whole:
        return Whole(json.dumps(self.client.emit_response(response, self.request)), response.usage)

    def emit_stream(self, response: ir.Response) -> bytes:
        emitter = self.client.stream_emitter(self.request)
        return b"".join(emitter.emit(event) for event in ir.unfold(response)) + emitter.close()


def _spoken(response: ir.Response) -> ir.Response:
    """Raise `UpstreamBroken` where the model broke off by a fault of its own before it said anything."""
    if all(answer.finish_reason == "error" and not answer.parts for answer in response.candidates):
        raise UpstreamBroken("The model broke off before it said anything")
    return response


def _broken(error: ir.BrokenStream) -> UpstreamBroken | UpstreamRefused:
    if error.error is None:
        return UpstreamBroken(str(error))
    return UpstreamRefused(error.error.message, status=error.error.status, code=error.error.code)


class EventReader(Reader):
    """A provider's events into the client's, one by one."""

    def __init__(self, passage: OtherFormat) -> None:
        self._format = passage.provider
        self._decoder = passage.decoder()
        self._parser: StreamParser = passage.provider.parser_for(passage.profile)
        self._emitter: StreamEmitter = passage.client.stream_emitter(passage.request)
        self._restore = passage.restore
        self._closed = False

    def feed(self, chunk: bytes) -> bytes:
        out = [self._event(event) for event in self._decoder.feed(chunk) if not self.ended]
        return b"".join(out)

    def close(self) -> bytes:
        rest = b"".join(self._event(event) for event in self._decoder.flush() if not self.ended)
        rest += self._emit(self._parser.close())
        if self.error is not None:
            return rest
        if not self.committed:
            raise UpstreamBroken("The provider's stream ended without any content")
        return rest + self._emitter.close()

    def _event(self, event: ServerEvent) -> bytes:
        out = self._emit(self._parser.feed(event))
        self.ended = self.ended or self._format.is_end(event)
        return out

    def _emit(self, events: list[ir.Event]) -> bytes:
        out = []
        for parsed in events:
            if self.error is not None:
                break
            if isinstance(parsed, ir.Errored):
                out.append(self._fail(parsed))
                break
            for event in self._restore(parsed):
                if isinstance(event, ir.UsageReported) or (isinstance(event, ir.Started) and event.usage):
                    self.usage = event.usage
                elif not self.committed:
                    self.committed = ir.is_meaningful(event)
                out.append(self._emitter.emit(event))
        return b"".join(out)

    def _fail(self, errored: ir.Errored) -> bytes:
        error = UpstreamRefused(errored.message, status=errored.status, code=errored.code)
        if not self.committed:
            raise as_upstream_error(error)
        self.error, self.ended = error, True
        return self._emitter.emit(errored) + self._emitter.close()

    def emit_error(self, error: GatewayError) -> bytes:
        return self._emitter.emit(ir.Errored(error.message, error.status, error.code)) + self._emitter.close()
