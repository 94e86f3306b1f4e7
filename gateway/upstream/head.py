"""Where a request goes, and the bytes that it begins with."""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from omniroute.errors import UpstreamBroken, UpstreamUnreachable
from omniroute.types import UpstreamRequest
from providers.proxies import Proxy

_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_AS_IT_IS = "!#$%&'()*+,-./:;=?@[]_|~"


class Place(NamedTuple):
    """What a connection leads to."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Way(NamedTuple):
    """What connections have in common that can stand in for each other."""

    place: Place
    proxy: Proxy | None

    @property
    def is_forwarded(self) -> bool:
        """The proxy gets the request itself, for whatever host (RFC 9112 §3.2.2), rather than leading to the host."""
        return self.proxy is not None and self.proxy.kind != "socks5" and self.place.scheme == "http"


class Address(NamedTuple):
    """`host` is the header's value, `target` path and query, `login` what the address itself says of who asks."""

    place: Place
    host: str
    target: str
    login: str


@lru_cache(maxsize=1024)
def address_of(url: str) -> Address:
    """Raise `UpstreamUnreachable` for what is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
        host = (parts.hostname or "").encode("idna").decode() if parts.hostname else ""
    except (ValueError, KeyError):
        host = ""
    if not host or not host.isprintable() or " " in host:
        raise UpstreamUnreachable(
            "The provider cannot be reached: its base URL is no http:// or https:// address"
        )
    place = Place(parts.scheme, host, port)
    shown = place.authority if port != _PORTS[parts.scheme] else place.authority.rpartition(":")[0]
    target = quote(parts.path or "/", safe=_AS_IT_IS)
    if parts.query:
        target += "?" + quote(parts.query, safe=_AS_IT_IS)
    login = basic(unquote(parts.username or ""), unquote(parts.password or "")) if "@" in parts.netloc else ""
    return Address(place, shown, target, login)


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def request_head(request: UpstreamRequest, address: Address, proxy: Proxy | None) -> bytes:
    """`proxy`: one that gets the request itself. Raise `UpstreamBroken` for a header that would be more than one."""
    headers = {"host": address.host}
    for name, value in request.headers.items():
        headers[name.lower()] = value
    headers["content-length"] = str(len(request.body))
    target = address.target
    if address.login:
        headers.setdefault("authorization", address.login)
    if proxy is not None:
        target = f"http://{address.host}{target}"
        if proxy.username or proxy.password:
            headers["proxy-authorization"] = basic(proxy.username, proxy.password)
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    head = f"{request.method} {target} HTTP/1.1\r\n{lines}\r\n"
    breaks = len(headers) + 2
    if head.count("\n") != breaks or head.count("\r") != breaks or "\0" in head:
        raise UpstreamBroken("The request was not sent: a header's value has a line break in it")
    if not all(map(_is_name, headers)):
        raise UpstreamBroken("The request was not sent: a header's name has characters that none may have")
    return head.encode("utf-8", "replace")


@lru_cache(maxsize=1024)
def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None
