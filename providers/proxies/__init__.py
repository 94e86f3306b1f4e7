"""Which proxy a request goes through: its account's, else its combo's, its provider's, the global, the environment's.

Fails closed: where a proxy is configured, nothing goes around it. `direct` is an entry like any other, at any level,
and ends the search. Behaviour: docs/proxies.md.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

from django.conf import settings

from omniroute.redact import MASK

Level = Literal["key", "combo", "provider", "global", "environment", "direct"]
_DEFAULT_PORTS = {"http": 80, "https": 443, "socks5": 1080}


@dataclass(frozen=True, slots=True)
class Proxy:
    """`kind`: http, https, socks5 or direct. SOCKS5 leaves names to the proxy. `repr` hides the password."""

    kind: str
    host: str = ""
    port: int = 0
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def is_direct(self) -> bool:
        return self.kind == "direct"

    @property
    def place(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """With the credentials: for clients only."""
        scheme = "socks5h" if self.kind == "socks5" else self.kind
        return f"{scheme}://{self._login(quote(self.password, safe=''))}{self.place}"

    @property
    def shown(self) -> str:
        """For people: without the password."""
        return (
            "direct"
            if self.is_direct
            else f"{self.kind}://{self._login(MASK if self.password else '')}{self.place}"
        )

    def _login(self, password: str) -> str:
        if not self.username and not self.password:
            return ""
        return (
            f"{quote(self.username, safe='')}:{password}@"
            if password
            else f"{quote(self.username, safe='')}@"
        )


def parse_proxy(url: str) -> Proxy:
    """A proxy from an address as environment variables have it; a missing scheme is http. Raise `ValueError`."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    kind = "socks5" if parts.scheme == "socks5h" else parts.scheme
    if kind not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("it is no http://, https:// or socks5:// address")
    return Proxy(
        kind,
        parts.hostname,
        parts.port or _DEFAULT_PORTS[kind],
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )


@dataclass(frozen=True, slots=True)
class Environment:
    """HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, as curl reads them; NO_PROXY may hold networks too."""

    by_scheme: Mapping[str, Proxy]
    exempt: tuple[str, ...] = ()

    def find(self, url: str) -> Proxy | None:
        parts = urlsplit(url)
        proxy = self.by_scheme.get(parts.scheme) or self.by_scheme.get("all")
        if proxy is None or self._is_exempt((parts.hostname or "").lower(), parts.port):
            return None
        return proxy

    def _is_exempt(self, host: str, port: int | None) -> bool:
        return any(_fits(entry, host, port) for entry in self.exempt)


def _fits(entry: str, host: str, port: int | None) -> bool:
    """`*`, a host with all its subdomains, either with a port, an address or a network."""
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except (ValueError, TypeError):
        pass
    name, colon, number = entry.rpartition(":")
    if colon and number.isdecimal():
        if int(number) != port:
            return False
        entry = name
    domain = entry.removeprefix("*").removeprefix(".")
    return host == domain or host.endswith(f".{domain}")


@lru_cache(maxsize=1)
def _environment(proxies: tuple[tuple[str, str], ...], exempt: tuple[str, ...]) -> Environment | None:
    found = {scheme: parse_proxy(url) for scheme, url in proxies}
    return Environment(found, exempt) if found else None


def environment() -> Environment | None:
    """None where the environment names no proxy. Raise `ValueError` for one that cannot be used."""
    named = tuple((scheme, url) for scheme, url in settings.ENVIRONMENT_PROXIES.items() if url)
    return _environment(named, tuple(entry.strip().lower() for entry in settings.NO_PROXY if entry.strip()))


@dataclass(frozen=True, slots=True)
class Choice:
    """Which entry decides. `proxy` is None where nothing is configured."""

    level: Level
    id: str | None
    proxy: Proxy | None


@dataclass(frozen=True, slots=True)
class ProxyTable:
    """Every configured proxy, by account, combo and provider id."""

    accounts: Mapping[int, Proxy] = field(default_factory=dict)
    combos: Mapping[int, Proxy] = field(default_factory=dict)
    providers: Mapping[str, Proxy] = field(default_factory=dict)
    everywhere: Proxy | None = None
    environment: Environment | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.everywhere or self.environment or self.accounts or self.providers or self.combos)

    def choose(self, *, account: int = 0, combo: int = 0, provider: str = "", url: str = "") -> Choice:
        if proxy := self.accounts.get(account):
            return Choice("key", str(account), proxy)
        if proxy := self.combos.get(combo):
            return Choice("combo", str(combo), proxy)
        if proxy := self.providers.get(provider):
            return Choice("provider", provider, proxy)
        if self.everywhere is not None:
            return Choice("global", None, self.everywhere)
        if self.environment is not None and (proxy := self.environment.find(url)):
            return Choice("environment", None, proxy)
        return Choice("direct", None, None)

    def find(self, *, account: int = 0, combo: int = 0, provider: str = "", url: str = "") -> Proxy | None:
        """The proxy to use for this address; None: connect directly."""
        proxy = self.choose(account=account, combo=combo, provider=provider, url=url).proxy
        return None if proxy is None or proxy.is_direct else proxy


NO_PROXIES = ProxyTable()
