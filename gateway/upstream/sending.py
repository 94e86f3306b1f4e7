"""One request to a provider, and its answer."""

from __future__ import annotations

from gateway.records import request_log
from gateway.records.request_log import Sent
from gateway.upstream.coding import Decoder, decoder_of
from gateway.upstream.connection import Connection
from gateway.upstream.failures import refused_credentials
from gateway.upstream.pool import Pool, pool
from gateway.wire import get_format
from omniroute.errors import UpstreamError, UpstreamRefused
from omniroute.types import UpstreamRequest
from providers.proxies import Proxy
from resilience.hints import wait_after

MAX_ERROR_BYTES = 1 << 20


class Upstream:
    """An answer whose body is still to be read. `headers` have lower-case names.

    Close it, always: closing before the end was read closes the connection.
    """

    __slots__ = ("_connection", "_decoder", "_pool", "headers", "status")

    def __init__(self, connection: Connection, pool: Pool) -> None:
        reply = connection.reply
        self.status, self.headers = reply.status, reply.headers
        self._connection: Connection | None = connection
        self._pool = pool
        self._decoder: Decoder | None = None
        try:
            self._decoder = decoder_of(reply.headers)
        except UpstreamError:
            self.close()
            raise

    async def read(self) -> bytes | None:
        """The next bytes as they come, None at the end. Raise `UpstreamError`."""
        connection, decoder = self._connection, self._decoder
        assert connection is not None
        if decoder is None:
            return await connection.read()
        while not (piece := decoder.take()):
            chunk = await connection.read()
            if chunk is None:
                decoder.end()
                return None
            decoder.feed(chunk)
        return piece

    async def read_all(self) -> bytes:
        """Everything that is left."""
        chunks = []
        while (chunk := await self.read()) is not None:
            chunks.append(chunk)
        return b"".join(chunks) if len(chunks) != 1 else chunks[0]

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.give_back(connection)

    def __del__(self) -> None:
        """Its reader was cancelled in the very moment in which it was handed over. Any thread may come by here."""
        if self._connection is not None:
            self._pool.drop(self._connection)


class LoggedUpstream(Upstream):
    """Notes for the request log what it reads."""

    __slots__ = ("_sent",)

    def __init__(self, connection: Connection, pool: Pool, sent: Sent) -> None:
        super().__init__(connection, pool)
        self._sent = sent
        sent.answered(self.status, self.headers)

    async def read(self) -> bytes | None:
        chunk = await super().read()
        if chunk is not None:
            self._sent.answer.add(chunk)
        return chunk


async def send(
    request: UpstreamRequest, connect_timeout_s: float, idle_timeout_s: float, proxy: Proxy | None = None
) -> Upstream:
    """Send it and return once the status is there. Raise `UpstreamError` for a status other than 2xx.

    Redirects are not followed: a credential goes to the address that was configured. Without `proxy` it connects
    directly: what the environment says is in the proxy table already. Cancelling it closes the connection.
    """
    call = request_log.current.get()
    sent = None if call is None else call.sent(request)
    connections = pool()
    try:
        connection = await connections.ask(request, connect_timeout_s, idle_timeout_s, proxy)
        upstream = (
            Upstream(connection, connections)
            if sent is None
            else LoggedUpstream(connection, connections, sent)
        )
    except UpstreamError as error:
        if sent is not None:
            sent.error = error.message
        raise
    try:
        if proxy is not None and upstream.status == 407:
            raise refused_credentials(proxy)
        if not 200 <= upstream.status < 300:
            raise await _refusal(upstream, request)
    except BaseException:
        upstream.close()
        raise
    return upstream


async def _refusal(upstream: Upstream, request: UpstreamRequest) -> UpstreamRefused:
    if upstream.status < 400:
        return UpstreamRefused(
            f"The provider redirects (status {upstream.status}); check its base URL",
            status=502,
            code="redirect",
        )
    body = await _beginning(upstream)
    error = get_format(request.format).parse_error(upstream.status, body, upstream.headers)
    wait = wait_after(upstream.headers, body, error.message)
    error.retry_after = error.retry_after if wait is None else wait
    return error


async def _beginning(upstream: Upstream) -> bytes:
    """Of an error's body, as much as there is of it."""
    body = b""
    try:
        while len(body) < MAX_ERROR_BYTES and (chunk := await upstream.read()) is not None:
            body += chunk
    except UpstreamError:
        return b""
    return body[:MAX_ERROR_BYTES]


async def close_connections() -> None:
    """Those that wait; the others are closed by who uses them."""
    pool().close()
