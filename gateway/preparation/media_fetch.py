"""Images and files behind web addresses, for providers that want them as data.

A request's address is a stranger's: only http and https, no private network (every redirect is checked anew, and the
address that was checked is the one that is connected to), a limit of size and of time. Where the request itself goes
through a proxy, so do they.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import socket
import ssl
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache, lru_cache
from typing import NamedTuple

import httpx

from gateway.wire import ir, media
from gateway.wire.gemini.parts import is_fetchable
from omniroute import __version__
from omniroute.errors import InvalidRequest, Untranslatable
from providers.nodes import is_local
from providers.outgoing import httpx_proxy
from providers.proxies import Proxy

MAX_BYTES = 20 * 1024 * 1024
TIMEOUT_S = 10.0
MAX_REDIRECTS = 3
MAX_ADDRESSES = 40
"""In one request."""
AT_ONCE = 8
KEPT_S = 300.0
KEPT_CHARACTERS = 32_000_000
"""Conversations send the same pictures with every turn."""
_WRAPPED = tuple(
    ipaddress.ip_network(text) for text in ("2002::/16", "2001::/32", "64:ff9b::/96", "64:ff9b:1::/48")
)
"""IPv6 networks whose addresses lead to IPv4 ones."""

Media = ir.Image | ir.File | ir.Audio
Resolve = Callable[[str, httpx.URL, bool], Awaitable[str]]


class Fetched(NamedTuple):
    media_type: str
    """As the server says, without parameters; may be empty."""
    data: str
    """Base64."""


async def inline(request: ir.Request, private: bool, proxy: Proxy | None = None) -> None:
    """Put data in the place of addresses that Gemini does not read itself.

    Changes the messages' lists of parts, not the parts. Raise `InvalidRequest`, naming the address, where one cannot be
    had. `private` and `proxy`: see `fetch`.
    """
    found = list(dict.fromkeys(_addresses(part for message in request.messages for part in message.parts)))
    if not found:
        return
    if len(found) > MAX_ADDRESSES:
        raise InvalidRequest(
            f"The request names {len(found)} web addresses; at most {MAX_ADDRESSES} are fetched"
        )
    gate = asyncio.Semaphore(AT_ONCE)

    async def get(url: str) -> Fetched:
        async with gate:
            return await fetch(url, private, proxy)

    async with asyncio.TaskGroup() as group:
        tasks = {url: group.create_task(_outcome(get(url))) for url in found}
    outcomes = {url: task.result() for url, task in tasks.items()}
    for message in request.messages:
        message.parts = [_inlined(part, outcomes) for part in message.parts]


async def _outcome(fetching: Awaitable[Fetched]) -> Fetched | InvalidRequest:
    """An error as a value: the first one in the order of the request is told."""
    try:
        return await fetching
    except InvalidRequest as error:
        return error


def _addresses(parts: Iterable[ir.Part]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, ir.ToolResult):
            yield from _addresses(part.parts)
        elif isinstance(part, Media) and part.url and _is_foreign(part.url):
            yield part.url


def _is_foreign(url: str) -> bool:
    return url.lower().startswith(("http://", "https://")) and not is_fetchable(url)


def _inlined(part: ir.Part, outcomes: dict[str, Fetched | InvalidRequest]) -> ir.Part:
    if isinstance(part, ir.ToolResult):
        if not any(True for _ in _addresses(part.parts)):
            return part
        return replace(part, parts=[_inlined(inner, outcomes) for inner in part.parts])
    if not isinstance(part, Media) or not part.url or part.url not in outcomes:
        return part
    found = outcomes[part.url]
    if isinstance(found, InvalidRequest):
        raise found
    said = found.media_type
    if isinstance(part, ir.Image):
        kind = media.sniff(found.data) or said
        if not kind.startswith("image/"):
            raise InvalidRequest(f"{_shown(part.url)} is no image but {kind or 'of an unknown type'}")
        return replace(part, url=None, data=found.data, media_type=kind)
    if isinstance(part, ir.Audio):
        return replace(part, url=None, data=found.data, media_type=said or part.media_type)
    kind = part.media_type or media.sniff(found.data) or said or media.media_type_of_url(part.url) or ""
    return replace(part, url=None, data=found.data, media_type=kind or None)


# ---- Fetching ----------------------------------------------------------------------------------------------


async def fetch(url: str, private: bool = False, proxy: Proxy | None = None) -> Fetched:
    """What is at `url`. Raise `InvalidRequest` with the reason. `private`: addresses of private networks, and of this
    machine, are allowed. `proxy`: what the request that needs it goes through; it resolves the names."""
    if (kept := _kept().get(url, private)) is not None:
        return kept
    try:
        async with asyncio.timeout(TIMEOUT_S), _client(proxy) as client:
            resolve = _resolve if proxy is None else _leave_to_proxy
            fetched = await _follow(client, url, private, resolve)
    except TimeoutError:
        raise _failure(url, f"it took longer than {TIMEOUT_S:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise _failure(url, str(error)[:200] or type(error).__name__) from error
    _kept().put(url, private, fetched)
    return fetched


async def _follow(client: httpx.AsyncClient, url: str, private: bool, resolve: Resolve) -> Fetched:
    here = httpx.URL(url)
    for _ in range(MAX_REDIRECTS + 1):
        if here.scheme not in ("http", "https") or not here.host or here.userinfo:
            raise _failure(url, "only plain http and https addresses are fetched")
        request = await _request(client, url, here, await resolve(url, here, private))
        response = await client.send(request, stream=True)
        try:
            if response.has_redirect_location:
                here = here.join(response.headers["location"])
                continue
            return Fetched(_type_of(response), await _read(url, response))
        finally:
            await response.aclose()
    raise _failure(url, "it redirects too often")


async def _request(client: httpx.AsyncClient, url: str, here: httpx.URL, address: str) -> httpx.Request:
    """To the very address that was checked, whatever the name means a moment later."""
    headers = {
        "host": here.netloc.decode("ascii"),
        "user-agent": f"omniroute/{__version__}",
        "accept": "*/*",
        "accept-encoding": "identity",
    }
    extensions = {"sni_hostname": here.raw_host.decode("ascii")} if here.scheme == "https" else {}
    return client.build_request("GET", here.copy_with(host=address), headers=headers, extensions=extensions)


async def _resolve(url: str, here: httpx.URL, private: bool) -> str:
    port = here.port or (443 if here.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            here.raw_host.decode("ascii").strip("[]"), port, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError):
        raise _failure(url, "its host is not known") from None
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    if not private and not all(is_public(address) for address in addresses):
        raise _failure(url, "its address is private")
    return min(addresses, key=lambda address: ":" in address)


async def _leave_to_proxy(url: str, here: httpx.URL, private: bool) -> str:
    """The name as it is. Whatever looks private by itself stays refused; the rest is for the proxy to know."""
    if not private and is_local(str(here)):
        raise _failure(url, "its address is private")
    try:
        if not private and not is_public(here.host):
            raise _failure(url, "its address is private")
    except ValueError:
        pass  # a name
    return here.host


def is_public(address: str) -> bool:
    """Of the open internet: not private, loopback, link-local, multicast, reserved, or a disguise of one of these."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in network for network in _WRAPPED):
            return False
    return ip.is_global and not ip.is_multicast


async def _read(url: str, response: httpx.Response) -> str:
    if response.status_code != 200:
        raise _failure(url, f"the answer has status {response.status_code}")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise _failure(url, "the answer is compressed, although that was not asked for")
    too_large = f"it is larger than {MAX_BYTES // 1024 // 1024} MB"
    if int(response.headers.get("content-length") or 0) > MAX_BYTES:
        raise _failure(url, too_large)
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_BYTES:
            raise _failure(url, too_large)
    if not body:
        raise _failure(url, "the answer is empty")
    return base64.b64encode(body).decode()


def _type_of(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()


def _client(proxy: Proxy | None) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        verify=_tls(),
        trust_env=False,
        follow_redirects=False,
        timeout=TIMEOUT_S,
        proxy=httpx_proxy(proxy) if proxy else None,
    )


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _failure(url: str, why: str) -> Untranslatable:
    return Untranslatable(f"{_shown(url)} could not be fetched: {why}", code="media_not_fetched")


def _shown(url: str) -> str:
    """Without the query, which may hold a token."""
    return url.partition("?")[0][:200]


class _Kept:
    """What was fetched lately."""

    def __init__(self) -> None:
        self._items: OrderedDict[tuple[str, bool], tuple[float, Fetched]] = OrderedDict()
        self._characters = 0

    def get(self, url: str, private: bool) -> Fetched | None:
        until, fetched = self._items.get((url, private), (0.0, None))
        return fetched if until > time.monotonic() else None

    def put(self, url: str, private: bool, fetched: Fetched) -> None:
        self._drop((url, private))
        self._items[url, private] = time.monotonic() + KEPT_S, fetched
        self._characters += len(fetched.data)
        while self._characters > KEPT_CHARACTERS:
            self._drop(next(iter(self._items)))

    def _drop(self, key: tuple[str, bool]) -> None:
        if key in self._items:
            self._characters -= len(self._items.pop(key)[1].data)


@cache
def _kept() -> _Kept:
    return _Kept()
