"""The HTTP client of everything but the hot path: tests of accounts, lists of models, sign-in, sync.

It goes where requests of the same account would go: through the same proxy, and nowhere when that is down.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache

import certifi
import httpx
from asgiref.sync import sync_to_async

from providers.proxies import Proxy, ProxyTable
from providers.proxies.models import load_proxies

CONNECT_TIMEOUT_S = 8.0
READ_TIMEOUT_S = 12.0


@asynccontextmanager
async def client(
    *, provider: str = "", account_id: int = 0, timeout_s: float | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client for requests of this account, or of this provider before there is one. Redirects are not followed.

    A proxy that fails raises `httpx.ProxyError`.
    """
    table = await sync_to_async(load_proxies)()
    timeout = httpx.Timeout(timeout_s or READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    transport = _Transport(table, provider, account_id)
    async with httpx.AsyncClient(transport=transport, timeout=timeout, follow_redirects=False) as http:
        yield http


def through(proxy: Proxy, timeout_s: float) -> httpx.AsyncClient:
    """A client that uses this very proxy, whatever is configured."""
    transport = _Transport(ProxyTable(everywhere=proxy))
    return httpx.AsyncClient(transport=transport, timeout=timeout_s, follow_redirects=False)


class _Transport(httpx.AsyncBaseTransport):
    """Sends each request through the proxy for its address."""

    def __init__(self, table: ProxyTable, provider: str = "", account_id: int = 0) -> None:
        self._table, self._provider, self._account_id = table, provider, account_id
        self._ways: dict[Proxy | None, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        proxy = self._table.find(account=self._account_id, provider=self._provider, url=str(request.url))
        try:
            return await self._way(proxy).handle_async_request(request)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            if proxy is None or _is_about_tls(error):
                raise
            raise httpx.ProxyError(f"{proxy.place} cannot be reached", request=request) from error

    def _way(self, proxy: Proxy | None) -> httpx.AsyncHTTPTransport:
        if proxy not in self._ways:
            self._ways[proxy] = httpx.AsyncHTTPTransport(
                verify=tls_context(), trust_env=False, proxy=httpx_proxy(proxy) if proxy else None
            )
        return self._ways[proxy]

    async def aclose(self) -> None:
        for way in self._ways.values():
            await way.aclose()


def httpx_proxy(proxy: Proxy) -> httpx.Proxy:
    return httpx.Proxy(proxy.url, ssl_context=tls_context() if proxy.kind == "https" else None)


def _is_about_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """Trusts certifi's roots and the system's, which `SSL_CERT_FILE` and `SSL_CERT_DIR` change: a company's own
    authority. Reading them takes tens of milliseconds."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context
