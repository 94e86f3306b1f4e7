"""The HTTP client of the hot path: one pyreqwest client per (proxy, TLS) setting, its errors put into ours.

`read_buffer_limit` 0 everywhere: the default reads 64 KB ahead before it hands the response over, which turns a quick
first token into a late one (docs/decisions.md).
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import ConnectError, PyreqwestError, RequestTimeoutError
from pyreqwest.proxy import ProxyBuilder
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

from gateway.records import request_log
from gateway.records.request_log import Sent
from gateway.wire import get_format
from omniroute.errors import (
    UpstreamBroken,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from omniroute.types import UpstreamRequest
from providers.proxies import Proxy
from resilience.hints import wait_after

MAX_ERROR_BYTES = 1 << 20
PROXY_FAILED = "proxy_failed"
MAX_CLIENTS = 256
"""Further ones take the place of the oldest, whose connections end with its last request."""
_clients: dict[tuple[float, float, Proxy | None], Client] = {}


def client_for(connect_timeout_s: float, idle_timeout_s: float, proxy: Proxy | None = None) -> Client:
    """The shared client. Redirects are not followed: a credential goes to the address that was configured.

    Without `proxy` it connects directly: what the environment says is in the proxy table already.
    """
    key = (connect_timeout_s, idle_timeout_s, proxy)
    client = _clients.get(key)
    if client is None:
        builder = (
            ClientBuilder()
            .no_proxy()
            .connect_timeout(timedelta(seconds=connect_timeout_s))
            .read_timeout(timedelta(seconds=idle_timeout_s))
            .follow_redirects(False)
            .referer(False)
            .http1_lower_case_headers()
            .pool_max_idle_per_host(512)
        )
        for certificate in _own_certificates():
            builder = builder.add_root_certificate_pem(certificate)
        if proxy is not None:
            builder = builder.proxy(ProxyBuilder.all(proxy.url))
        if len(_clients) >= MAX_CLIENTS:
            del _clients[next(iter(_clients))]
        client = _clients[key] = builder.build()
    return client


@lru_cache(maxsize=1)
def _own_certificates() -> tuple[bytes, ...]:
    """Certificates that `SSL_CERT_FILE` adds to the built-in roots: a company's own authority."""
    name = os.environ.get(ssl.get_default_verify_paths().openssl_cafile_env)
    return (Path(name).read_bytes(),) if name and Path(name).is_file() else ()


async def close_clients() -> None:
    while _clients:
        _, client = _clients.popitem()
        await client.close()


class Upstream:
    """An answer whose body is still to be read. Close it, always; closing early closes the connection."""

    __slots__ = ("_exchange", "_reader", "_response", "headers", "status")

    def __init__(self, exchange: StreamRequest, response: Response) -> None:
        self._exchange, self._response = exchange, response
        self._reader = response.body_reader
        self.status = response.status
        self.headers = response.headers

    async def read(self) -> bytes | None:
        """The next bytes as they come, None at the end."""
        try:
            chunk = await self._reader.read_chunk()
        except PyreqwestError as error:
            raise _ours(error) from error
        _insist_on_cancellation()
        return None if chunk is None else bytes(chunk)

    async def read_all(self) -> bytes:
        """Everything that is left."""
        chunks = []
        while (chunk := await self.read()) is not None:
            chunks.append(chunk)
        return b"".join(chunks) if len(chunks) != 1 else chunks[0]

    async def close(self) -> None:
        await self._exchange.__aexit__(None, None, None)


class LoggedUpstream(Upstream):
    """Notes for the request log what it reads."""

    __slots__ = ("_sent",)

    def __init__(self, exchange: StreamRequest, response: Response, sent: Sent) -> None:
        super().__init__(exchange, response)
        self._sent = sent
        sent.answered(self.status, self.headers)

    async def read(self) -> bytes | None:
        chunk = await super().read()
        if chunk is not None:
            self._sent.answer.add(chunk)
        return chunk


async def send(
    request: UpstreamRequest,
    connect_timeout_s: float,
    idle_timeout_s: float,
    whole_timeout_s: float | None = None,
    proxy: Proxy | None = None,
) -> Upstream:
    """Send it and return once the status is there. Raise `UpstreamError` for a status other than 2xx.

    `whole_timeout_s` bounds the request to its last byte, also when nobody waits for it any more: cancelling it before
    the status is there frees the caller, but not the connection (docs/decisions.md).
    """
    call = request_log.current.get()
    sent = None if call is None else call.sent(request)
    try:
        builder = client_for(connect_timeout_s, idle_timeout_s, proxy).request(request.method, request.url)
        builder = builder.headers(request.headers).body_bytes(request.body)
        if whole_timeout_s is not None:
            builder = builder.timeout(timedelta(seconds=whole_timeout_s))
        exchange = builder.streamed_read_buffer_limit(0).build_streamed()
        response = await exchange.__aenter__()
    except PyreqwestError as error:
        failure = _ours(error, proxy)
        if sent is not None:
            sent.error = failure.message
        raise failure from error
    upstream = Upstream(exchange, response) if sent is None else LoggedUpstream(exchange, response, sent)
    try:
        _insist_on_cancellation()
        if proxy is not None and upstream.status == 407:
            raise UpstreamUnreachable(
                f"The proxy {proxy.place} wants other credentials (407)", code=PROXY_FAILED
            )
        if not 200 <= upstream.status < 300:
            raise await _refusal(upstream, request)
    except BaseException:
        await upstream.close()
        raise
    return upstream


def _insist_on_cancellation() -> None:
    """The library answers with a result that comes in the very moment of a cancellation, and the cancellation is lost:
    a stream whose client left just then would go on to its end."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _refusal(upstream: Upstream, request: UpstreamRequest) -> UpstreamRefused:
    if upstream.status < 400:
        return UpstreamRefused(
            f"The provider redirects (status {upstream.status}); check its base URL",
            status=502,
            code="redirect",
        )
    try:
        body = (await upstream.read_all())[:MAX_ERROR_BYTES]
    except UpstreamError:
        body = b""
    headers = _lower(upstream.headers)
    error = get_format(request.format).parse_error(upstream.status, body, headers)
    wait = wait_after(headers, body, error.message)
    error.retry_after = error.retry_after if wait is None else wait
    return error


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _ours(error: PyreqwestError, proxy: Proxy | None = None) -> UpstreamError:
    """Foreign exceptions into ours, in one place. The provider's address is not a secret; its credentials are never in
    these texts, since they travel in headers."""
    if isinstance(error, RequestTimeoutError):
        return UpstreamTimeout("The provider did not answer in time")
    if isinstance(error, ConnectError) and proxy is not None:
        cause = _cause(error)
        code = None if "certificate" in cause else PROXY_FAILED
        return UpstreamUnreachable(f"No connection through the proxy {proxy.place}: {cause}", code=code)
    if isinstance(error, ConnectError):
        return UpstreamUnreachable(f"The provider cannot be reached: {_cause(error)}")
    return UpstreamBroken(f"The connection to the provider broke: {_cause(error)}")


def _cause(error: PyreqwestError) -> str:
    """The innermost cause, which names DNS, TLS or the refused connection."""
    causes = getattr(error, "details", {}).get("causes") or []
    text = causes[-1]["message"] if causes else error.message
    return str(text)[:200]
