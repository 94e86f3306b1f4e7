"""Connections that are not there yet: names, addresses, proxies, TLS."""

from __future__ import annotations

import asyncio
import socket

from aiohappyeyeballs import AddrInfoType, start_connection

from gateway.upstream import socks
from gateway.upstream.connection import Connection
from gateway.upstream.failures import ProxyRefused, refused_credentials, too_slow, unreachable
from gateway.upstream.head import Place, Way, basic
from omniroute.errors import UpstreamBroken
from providers.outgoing import tls_context
from providers.proxies import Proxy

NEXT_ADDRESS_S = 0.25
"""How long one of a name's addresses may be tried alone (RFC 8305 §5)."""
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 60), ("TCP_KEEPCNT", 5))
"""A model may think for minutes, and routers forget a silent connection: the vendors' own clients set this too."""


async def dial(way: Way, connect_s: float) -> Connection:
    """Raise `UpstreamError`. Cancelling it closes what there is of the connection."""
    at_fault = way.proxy
    try:
        async with asyncio.timeout(connect_s):
            connection = await _reach(way.place, way.proxy, connect_s)
            connection.way, at_fault = way, None
            if way.place.scheme == "https":
                await _secure(connection, way.place.host)
            return connection
    except TimeoutError:
        raise too_slow(connect_s, at_fault) from None
    except OSError as error:
        raise unreachable(error, at_fault) from error


async def _reach(place: Place, proxy: Proxy | None, connect_s: float) -> Connection:
    """What leads to the provider, still without its TLS. A plain HTTP request needs no more than the proxy itself."""
    if proxy is None:
        return await _wrapped(await _connected(place.host, place.port))
    raw = await _connected(proxy.host, proxy.port)
    if proxy.kind == "socks5":
        try:
            await socks.lead_on(raw, place, proxy)
        except BaseException:
            raw.close()
            raise
        return await _wrapped(raw)
    connection = await _wrapped(raw)
    if proxy.kind == "https":
        await _secure(connection, proxy.host)
    if place.scheme == "https":
        await _ask_for_tunnel(connection, place, proxy, connect_s)
    return connection


async def _connected(host: str, port: int) -> socket.socket:
    """To whichever of the name's addresses answers first."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except ValueError as error:  # of what could never be a name
        raise socket.gaierror(socket.EAI_NONAME, "it is no host name") from error
    return await start_connection(found, happy_eyeballs_delay=NEXT_ADDRESS_S, socket_factory=_socket)


def _socket(address: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        if option := getattr(socket, name, None):  # macOS has them under other names
            made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made


async def _wrapped(connected: socket.socket) -> Connection:
    loop = asyncio.get_running_loop()
    try:
        _, connection = await loop.create_connection(lambda: Connection(loop), sock=connected)
    except BaseException:
        connected.close()
        raise
    return connection


async def _secure(connection: Connection, host: str) -> None:
    try:
        await connection.start_tls(tls_context(), host)
    except BaseException:
        connection.abort()
        raise


async def _ask_for_tunnel(connection: Connection, place: Place, proxy: Proxy, connect_s: float) -> None:
    """CONNECT (RFC 9110 §9.3.6). Raise `UpstreamError`, `ProxyRefused`."""
    lines = [f"CONNECT {place.authority} HTTP/1.1", f"host: {place.authority}"]
    if proxy.username or proxy.password:
        lines.append(f"proxy-authorization: {basic(proxy.username, proxy.password)}")
    try:
        reply = await connection.ask("\r\n".join([*lines, "", ""]).encode(), b"", connect_s)
    except UpstreamBroken as error:
        raise ProxyRefused("it answered CONNECT with no status") from error
    if 200 <= reply.status < 300 and not reply.body:
        return
    connection.abort()
    if reply.status == 407:
        raise refused_credentials(proxy)
    raise ProxyRefused(f"it answered CONNECT with status {reply.status}")
