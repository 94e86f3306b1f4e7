"""A fast OpenAI-compatible upstream: a raw asyncio protocol on httptools and uvloop.

`POST …/chat/completions` answers one completion, or with `"stream": true` a stream whose length and pace
the model's name gives: `bench-n200-i50` is 200 events, one every 50 ms; `i0` is as fast as the socket takes
them, one write an event. Each event carries `@<monotonic ns>@`, so that whoever reads it knows how long it
was under way. A completion of the model `bench-w500` comes after 500 ms.

`GET /abandoned` lists when connections were closed in the middle of an answer: {"<number>": <monotonic ns>}, of the
prompts that carry `#<number>#`.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import cast

import httptools
import uvloop

ANSWER = (
    b'{"id":"chatcmpl-benchbenchbenchbenchbenchbench","object":"chat.completion","created":1764000000,'
    b'"model":"bench","choices":[{"index":0,"message":{"role":"assistant","content":"The capital of France is'
    b' Paris. It has been the political and cultural centre of the country for centuries.","refusal":null,'
    b'"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":24,'
    b'"completion_tokens":23,"total_tokens":47,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},'
    b'"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}},"service_tier":"default",'
    b'"system_fingerprint":"fp_bench"}'
)
MODELS = b'{"object":"list","data":[{"id":"bench","object":"model","created":1764000000,"owned_by":"bench"}]}'
CHUNK = (
    b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1764000000,"model":"bench",'
    b'"choices":[{"index":0,"delta":%b,"finish_reason":%b}]}\n\n'
)
USAGE = (
    b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1764000000,"model":"bench",'
    b'"choices":[],"usage":{"prompt_tokens":24,"completion_tokens":%d,"total_tokens":%d}}\n\ndata: [DONE]\n\n'
)
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
_STREAM = re.compile(rb'"stream"\s*:\s*true')
_LENGTH = re.compile(rb"-n(\d+)-i(\d+)")
_WAIT = re.compile(rb"bench-w(\d+)")
_NUMBER = re.compile(rb"#(\d+)#")
abandoned: dict[str, int] = {}


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Upstream(asyncio.Protocol):
    """One connection. Requests are answered one after the other."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._url, self._body = b"", b""
        self._left, self._interval, self._total = 0, 0.0, 0
        self._writable = True
        self._timer: asyncio.TimerHandle | None = None
        self._number = ""
        """Of the answer that is under way."""

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self._number:
            abandoned[self._number] = time.monotonic_ns()
        self._left = 0
        if self._timer:
            self._timer.cancel()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        url, body, self._url, self._body = self._url, self._body, b"", b""
        number = _NUMBER.search(body)
        self._number = number[1].decode() if number else ""
        if url.endswith(b"/models"):
            self._send_json(MODELS)
        elif url == b"/abandoned":
            self._send_json(json.dumps(abandoned).encode())
        elif _STREAM.search(body):
            found = _LENGTH.search(body)
            self._start_stream(*(map(int, found.groups()) if found else (200, 0)))
        elif wait := _WAIT.search(body):
            self._timer = self._loop.call_later(int(wait[1]) / 1000, self._send_json, ANSWER)
        else:
            self._send_json(ANSWER)

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        if self._left and not self._interval:
            self._loop.call_soon(self._send_unpaced)

    def _send_json(self, body: bytes) -> None:
        self._number = ""
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)

    def _start_stream(self, events: int, interval_ms: int) -> None:
        self._left = self._total = events
        self._interval = interval_ms / 1000
        self._transport.write(STREAM_HEAD + _framed(CHUNK % (b'{"role":"assistant","content":""}', b"null")))
        if interval_ms:
            self._due = self._loop.time() + self._interval
            self._timer = self._loop.call_at(self._due, self._send_paced)
        else:
            self._loop.call_soon(self._send_unpaced)

    def _send_event(self) -> bool:
        """False at the end of the stream."""
        if self._left:
            self._left -= 1
            delta = b'{"content":" @%d@ "}' % time.monotonic_ns()
            self._transport.write(_framed(CHUNK % (delta, b"null")))
        if self._left:
            return True
        self._number = ""
        end = _framed(CHUNK % (b"{}", b'"stop"')) + _framed(USAGE % (self._total, self._total + 24))
        self._transport.write(end + b"0\r\n\r\n")
        return False

    def _send_paced(self) -> None:
        if self._send_event():
            self._due += self._interval
            self._timer = self._loop.call_at(self._due, self._send_paced)

    def _send_unpaced(self) -> None:
        """One event a turn of the loop, so that streams interleave."""
        if self._left and self._writable and self._send_event():
            self._loop.call_soon(self._send_unpaced)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
