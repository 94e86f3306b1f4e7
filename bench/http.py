"""A client that leaves when it is told to: one request, raw, on a connection of its own or on a kept one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(slots=True)
class Answer:
    """`status` 0: the connection ended before there was one."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_complete: bool


async def connect(url: str) -> Connection:
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


def write(connection: Connection, path: str, body: bytes, key: str) -> None:
    connection[1].write(
        b"POST %b HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer %b\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n%b" % (path.encode(), key.encode(), len(body), body)
    )


async def read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Raise `asyncio.IncompleteReadError`."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in head[1:] if line)
    return int(head[0].split()[1]), {name.lower(): value.strip() for name, _, value in pairs}


async def parts(reader: asyncio.StreamReader, headers: dict[str, str]) -> AsyncIterator[bytes]:
    """The body as it comes. Raise `asyncio.IncompleteReadError` where it is cut."""
    if "content-length" in headers:
        yield await reader.readexactly(int(headers["content-length"]))
        return
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)


async def ask(connection: Connection, path: str, body: bytes, key: str) -> Answer:
    """The whole answer."""
    reader, _ = connection
    write(connection, path, body, key)
    status, headers = 0, dict[str, str]()
    chunks = []
    try:
        status, headers = await read_head(reader)
        async for part in parts(reader, headers):
            chunks.append(part)
    except (asyncio.IncompleteReadError, ConnectionError):
        return Answer(status, headers, b"".join(chunks), False)
    return Answer(status, headers, b"".join(chunks), True)


def leave(connection: Connection) -> None:
    """At once, as a program that is killed does."""
    connection[1].transport.abort()
