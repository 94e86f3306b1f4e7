"""SOCKS5 (RFC 1928, 1929): a connection through a proxy that resolves the name."""

from __future__ import annotations

import asyncio
import socket

from socksio import ProtocolError
from socksio.socks5 import (
    SOCKS5AuthMethod,
    SOCKS5AuthMethodsRequest,
    SOCKS5AuthReply,
    SOCKS5Command,
    SOCKS5CommandRequest,
    SOCKS5Reply,
    SOCKS5ReplyCode,
    SOCKS5UsernamePasswordReply,
    SOCKS5UsernamePasswordRequest,
)

from gateway.upstream.failures import ProxyRefused
from gateway.upstream.head import Place
from providers.proxies import Proxy

_ADDRESS_BYTES = {1: 4, 4: 16}
"""Of the kinds of address that have a fixed length; a name begins with its own."""


async def lead_on(raw: socket.socket, place: Place, proxy: Proxy) -> None:
    """Make `raw`, which is connected to the proxy, lead to `place`. Raise `OSError`."""
    try:
        await _sign_in(raw, proxy)
        wanted = SOCKS5CommandRequest.from_address(SOCKS5Command.CONNECT, (place.host, place.port))
        await _send(raw, wanted.dumps())
        answer = SOCKS5Reply.loads(await _answer(raw))
    except (ProtocolError, ValueError, OverflowError) as error:
        raise ProxyRefused("it does not speak SOCKS5") from error
    if answer.reply_code != SOCKS5ReplyCode.SUCCEEDED:
        raise ProxyRefused(answer.reply_code.name.replace("_", " ").lower())


async def _sign_in(raw: socket.socket, proxy: Proxy) -> None:
    methods = [SOCKS5AuthMethod.NO_AUTH_REQUIRED]
    if proxy.username or proxy.password:
        methods.append(SOCKS5AuthMethod.USERNAME_PASSWORD)
    await _send(raw, SOCKS5AuthMethodsRequest(methods).dumps())
    method = SOCKS5AuthReply.loads(await _received(raw, 2)).method
    if method == SOCKS5AuthMethod.NO_AUTH_REQUIRED:
        return
    if method in methods:
        login = SOCKS5UsernamePasswordRequest(proxy.username.encode(), proxy.password.encode())
        await _send(raw, login.dumps())
        if SOCKS5UsernamePasswordReply.loads(await _received(raw, 2)).success:
            return
    raise ProxyRefused("it wants other credentials")


async def _answer(raw: socket.socket) -> bytes:
    """All of it and no more: the bytes behind are the provider's."""
    head = await _received(raw, 5)
    size = _ADDRESS_BYTES.get(head[3], head[4] + 1)
    return head + await _received(raw, size - 1 + 2)


async def _send(raw: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(raw, data)


async def _received(raw: socket.socket, size: int) -> bytes:
    loop, data = asyncio.get_running_loop(), b""
    while len(data) < size:
        piece = await loop.sock_recv(raw, size - len(data))
        if not piece:
            raise ProxyRefused("it closed the connection")
        data += piece
    return data
