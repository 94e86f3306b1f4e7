"""How a recording passes to a vendor that transcribes, per attempt like everything else; see `operations`."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from gateway.passage.base import JSON_TYPE, CutStream, Ends, FollowUp, Passage, Reader, Whole
from gateway.wire import json, multipart
from gateway.wire.embeddings import error_of
from gateway.wire.priced import apart
from gateway.wire.sse import Decoder, ServerEvent
from gateway.wire.transcription import assemblyai, audio, deepgram, openai, stream
from gateway.wire.transcription.transcript import Transcript, emit
from gateway.wire.transcription.wish import Wish, check_shape, parse
from omniroute.errors import GatewayError, UpstreamBroken, UpstreamRefused
from omniroute.types import Fields, InboundRequest, JSONDict, UpstreamRequest, Usage

COMPATIBLE = frozenset({"openai_chat", "openai_responses"})


def passage(ends: Ends) -> Passage:
    """Raise `UpstreamRefused` where the endpoint has no such thing, `InvalidRequest` for what it cannot be asked."""
    way = _WAYS.get(ends.provider.name)
    if way is not None and way is not Compatible and is_translation(ends.inbound):
        raise UpstreamRefused(
            f"{ends.profile.provider} transcribes, but does not translate",
            status=400,
            code="unsupported_operation",
            param="model",
        )
    if way is None:
        raise UpstreamRefused(
            f"{ends.profile.provider} transcribes nothing",
            status=400,
            code="unsupported_operation",
            param="model",
        )
    return way(ends)


def is_translation(inbound: InboundRequest) -> bool:
    """Into English, which OpenAI has an endpoint of its own for. What it takes and answers is the same."""
    return inbound.path.endswith("/audio/translations")


class Transcription(Passage):
    body_format = "openai_transcriptions"

    def __init__(self, ends: Ends) -> None:
        super().__init__(ends)
        self.wish = wish_of(ends.inbound)

    def reader(self) -> Reader:
        return TranscriptReader(self)

    def stream_of_whole(self, whole: Whole, body: bytes) -> bytes:
        return stream.whole(json.loads(whole.body))

    def _emitted(self, transcript: Transcript, usage: Usage) -> Whole:
        content_type, body = emit(transcript, self.wish)
        return Whole(body, usage, content_type)


def wish_of(inbound: InboundRequest) -> Wish:
    """Raise `InvalidRequest` for an empty file."""
    assert inbound.upload is not None
    return parse(json.decode_all(dict(inbound.fields)), inbound.upload, inbound.stream)


class TranscriptReader(Reader):
    """Any vendor's stream of a transcript as OpenAI's; counted when it ends."""

    def __init__(self, passage: Transcription) -> None:
        self._wish, self._client, self._decoder = passage.wish, passage.client, Decoder()
        self._events = stream.Events()

    def feed(self, chunk: bytes) -> bytes:
        return self._read(self._decoder.feed(chunk))

    def close(self) -> bytes:
        rest = self._read(self._decoder.flush())
        if self.error is not None:
            return rest
        if not self.committed:
            raise UpstreamBroken("The provider's stream ended without any content")
        if not self._events.has_ended:
            raise CutStream(rest)
        end = rest + self._events.close()
        self.usage = openai.usage_of(self._events.answer, self._wish)
        return end

    def emit_error(self, error: GatewayError) -> bytes:
        return self._client.emit_stream_error(error)

    def _read(self, events: list[ServerEvent]) -> bytes:
        out = b""
        for event in events:
            if self.error is not None:
                break
            try:
                out += self._events.read(event)
            except UpstreamBroken as error:
                if not self.committed:
                    raise
                self.error = error
                out += self.emit_error(error)
            self.committed = self._events.has_begun
            self.ended = self._events.has_ended
        return out


class Compatible(Transcription):
    """OpenAI's endpoint and its many copies: the client's own form, but for what makes the answer countable."""

    @property
    def path(self) -> str:
        return "/audio/translations" if is_translation(self.inbound) else "/audio/transcriptions"

    def __init__(self, ends: Ends) -> None:
        super().__init__(ends)
        self._asked = openai.answer_shape(self.wish, self.profile.model)
        self._boundary = f"omniroute-{self.inbound.id}"

    def fields(self) -> Fields:
        fields: Fields = {**self.inbound.fields, "model": self.profile.model}
        if self.profile.sound_as_json or not self.wish.stream:
            fields.pop("stream", None)
        if self._asked != self.wish.shape:
            fields["response_format"] = self._asked
        return fields

    def packed(self, fields: Fields) -> tuple[str, bytes]:
        if self.profile.sound_as_json:
            return JSON_TYPE, json.dumps(openai.as_json(fields, self.wish.file))
        file = openai.sendable(self.wish.file)
        return multipart.emit(openai.form_fields(fields), "file", file, self._boundary)

    def whole(self, body: bytes) -> Whole:
        value, said = error_of(body)
        if said:
            raise UpstreamBroken(said)
        if not isinstance(value.get("text"), str):
            raise UpstreamBroken("The provider's answer has no transcript")
        usage = openai.usage_of(value, self.wish)
        if openai.passes_as_it_is(self.wish, self._asked):
            return Whole(body, usage)
        return self._emitted(openai.parse(value, self.wish), usage)


class _Foreign(Transcription):
    """A vendor with an interface of its own, which bills by the second."""

    def __init__(self, ends: Ends) -> None:
        super().__init__(ends)
        check_shape(self.wish)

    body_format = ""

    def fields(self) -> Fields:
        return {}

    def packed(self, fields: Fields) -> tuple[str, bytes]:
        return audio.media_type(self.wish.file), bytes(self.wish.file.data)

    def _counted(self, transcript: Transcript) -> Whole:
        known = transcript.duration > 0
        if not known:
            transcript = replace(transcript, duration=audio.seconds(self.wish.file))
        usage = Usage(priced_apart=apart(audio_seconds=transcript.duration), estimated=not known)
        return self._emitted(transcript, usage)


class Deepgram(_Foreign):
    @property
    def path(self) -> str:
        return "/listen?" + urlencode(deepgram.query(self.wish, self.profile.model))

    def whole(self, body: bytes) -> Whole:
        return self._counted(deepgram.parse(_object(body)))


class AssemblyAI(_Foreign):
    """Upload, order, and ask until it is there."""

    path = "/upload"
    follows_up = True
    _uploaded = False
    _id = ""
    _asked = 0

    def follow_up(self, request: UpstreamRequest, body: bytes) -> FollowUp | None:
        value = _object(body)
        if not self._uploaded:
            self._uploaded = True
            return FollowUp(self._order(request, assemblyai.uploaded(value)))
        if not self._id:
            self._id = assemblyai.ordered(value)
        if assemblyai.is_ready(value):
            return None
        url = f"{request.url.rpartition('/upload')[0]}/transcript/{self._id}"
        self._asked += 1
        headers = {name: text for name, text in request.headers.items() if name != "content-type"}
        ask = replace(request, method="GET", url=url, headers=headers, body=b"")
        return FollowUp(ask, assemblyai.wait(self._asked - 1))

    def _order(self, request: UpstreamRequest, address: str) -> UpstreamRequest:
        return replace(
            request,
            url=f"{request.url.rpartition('/upload')[0]}/transcript",
            headers={**request.headers, "content-type": JSON_TYPE},
            body=json.dumps(assemblyai.order(self.wish, self.profile.model, address)),
        )

    def whole(self, body: bytes) -> Whole:
        return self._counted(assemblyai.parse(_object(body)))


def _object(body: bytes) -> JSONDict:
    """Raise `UpstreamBroken`."""
    value, said = error_of(body)
    if said and "status" not in value:
        raise UpstreamBroken(said)
    return value


_WAYS: dict[str, type[Transcription]] = {
    **dict.fromkeys(COMPATIBLE, Compatible),
    "deepgram": Deepgram,
    "assemblyai": AssemblyAI,
}
