"""Answers of a provider that came to their commit point."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from gateway.passage.base import CutStream, Passage, Reader, Whole, is_json
from gateway.trial import Trial
from gateway.verdicts.error_texts import check
from omniroute.errors import GatewayError, UpstreamBroken, UpstreamError

DRAIN_S = 0.2
"""How long a stream that said its last word may take to end its HTTP message, so that the connection can be reused."""


class Answered(Protocol):
    """What an answer is read from."""

    async def read(self) -> bytes | None: ...

    async def read_all(self) -> bytes: ...

    def close(self) -> None: ...


async def read_whole(
    upstream: Answered, passage: Passage, trial: Trial, error_texts: Sequence[str] = ()
) -> Whole:
    """The whole answer, whatever the provider made of the wish for no stream. Raise `UpstreamError`."""
    try:
        body = await upstream.read_all()
    finally:
        upstream.close()
    if passage.is_sound or is_json(body) or not body.strip():
        whole = _understood(body, passage, trial)
    elif passage.only_streams or body.lstrip().startswith((b"data:", b"event:", b":")):
        whole = passage.whole_of_stream(body)
    else:
        raise UpstreamBroken(f"The provider's answer is neither JSON nor a stream: {body[:80]!r}")
    trial.usage, trial.answer_id = whole.usage, whole.answer_id
    trial.heard = len(whole.body) // 4
    if error_texts and not passage.is_sound:
        check(whole.body, error_texts)
    return whole


def _understood(body: bytes, passage: Passage, trial: Trial) -> Whole:
    try:
        return passage.whole(body)
    except UpstreamError:
        trial.usage = passage.counted(body)
        raise


class StreamAnswer:
    """A stream whose first content has arrived. `parts` yields the client's bytes; their end is in `end` then."""

    def __init__(self, upstream: Answered, reader: Reader, first: bytes, trial: Trial) -> None:
        self._upstream, self._reader, self._first, self._trial = upstream, reader, first, trial
        self._at_end = False

    @classmethod
    async def begin(
        cls, upstream: Answered, passage: Passage, trial: Trial, error_texts: Sequence[str] = ()
    ) -> StreamAnswer:
        """Read up to the first content. Raise `UpstreamError`, with the connection closed, if none comes."""
        try:
            answer = await cls._peek(upstream, passage, trial, error_texts)
        except BaseException:
            upstream.close()
            raise
        trial.answer_id = answer._reader.answer_id or trial.answer_id
        trial.first_token()
        return answer

    @classmethod
    async def _peek(
        cls, upstream: Answered, passage: Passage, trial: Trial, texts: Sequence[str]
    ) -> StreamAnswer:
        reader = passage.reader()
        held: list[bytes] = []
        first = b""
        while (chunk := await upstream.read()) is not None:
            if not first and (first := chunk.lstrip()[:1]):
                if first == b"{" or (first == b"[" and not passage.array):
                    return await cls._from_json(chunk, upstream, passage, trial, texts)
                if passage.array and first != b"[":
                    reader = passage.reader_of_events()
            held.append(reader.feed(chunk))
            trial.heard += chunk.count(b"data:")
            trial.usage = reader.usage or trial.usage
            if reader.committed:
                begun = b"".join(held)
                is_open = bool(texts) and check(begun, texts)
                if not is_open or reader.ended:
                    return cls(upstream, reader, begun, trial)
        answer = cls(upstream, reader, b"".join(held), trial)
        answer._at_end = True
        held.append(reader.close())  # raises, unless the content was in the last event and had no blank line
        answer._first, answer.end = b"", b"".join(held)
        if texts:
            check(answer.end, texts)
        return answer

    end: bytes | None = None

    @classmethod
    async def _from_json(
        cls, chunk: bytes, upstream: Answered, passage: Passage, trial: Trial, texts: Sequence[str]
    ) -> StreamAnswer:
        """The provider sent plain JSON to the wish for a stream."""
        body = chunk + await upstream.read_all()
        whole = _understood(body, passage, trial)
        trial.usage, trial.answer_id = whole.usage, whole.answer_id
        if texts:
            check(whole.body, texts)
        answer = cls(upstream, passage.reader(), b"", trial)
        answer._at_end, answer.end = True, passage.stream_of_whole(whole, body)
        return answer

    async def parts(self) -> AsyncIterator[bytes]:
        """Raise `UpstreamError` where the stream breaks; what was complete by then has been yielded."""
        if self._first:
            yield self._first
        if self._at_end:
            return
        reader = self._reader
        while not reader.ended and (chunk := await self._upstream.read()) is not None:
            out = reader.feed(chunk)
            self._trial.heard += chunk.count(b"data:")
            if out:
                yield out
        self.note_usage()
        if reader.ended:
            await self._drain()
        try:
            self.end = reader.close()
        except CutStream as error:
            if error.rest:
                yield error.rest
            raise

    @property
    def error(self) -> GatewayError | None:
        """What the provider reported behind its first content; the client has been told."""
        return self._reader.error

    def note_usage(self) -> None:
        self._trial.usage = self._reader.usage or self._trial.usage

    def emit_error(self, error: GatewayError) -> bytes:
        """The end of the client's stream where `parts` broke."""
        return self._reader.emit_error(error)

    def close(self) -> None:
        self._upstream.close()

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(DRAIN_S):
                while await self._upstream.read() is not None:
                    pass
        except (TimeoutError, UpstreamError):
            pass
