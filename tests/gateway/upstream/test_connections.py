"""Answers over real connections: which are used again, which are given up, and what is said of those that break."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import time
from contextlib import closing
from typing import Any

import pytest

from gateway.upstream import pool as pools
from gateway.upstream.connection import READ_AHEAD
from omniroute.errors import UpstreamBroken, UpstreamRefused, UpstreamTimeout, UpstreamUnreachable
from providers.proxies import Proxy
from tests.gateway.upstream.provider import CHUNKED, EVENT, OK, Visit, answer_all, ask, asked, serving

MB = 1 << 20


async def test_a_connection_serves_one_request_after_the_other():
    async with serving(answer_all) as provider:
        for _ in range(5):
            assert await asked(provider.url) == b"ok"
        assert len(provider.visits) == 1
        assert len(provider.visits[0].requests) == 5


async def test_requests_at_the_same_time_have_connections_of_their_own():
    async with serving(answer_all) as provider:
        assert await asyncio.gather(*(asked(provider.url) for _ in range(5))) == [b"ok"] * 5
        assert len(provider.visits) == 5
        await asyncio.gather(*(asked(provider.url) for _ in range(5)))
        assert len(provider.visits) == 5


async def test_a_body_of_any_size_arrives():
    bodies = []

    async def behave(visit: Visit) -> None:
        while request := await visit.request():
            bodies.append(request.partition(b"\r\n\r\n")[2])
            await visit.say(OK)

    async with serving(behave) as provider:
        for size in (0, 1, 70_000, 5 * MB):
            assert await asked(provider.url, os.urandom(size)) == b"ok"
        assert [len(body) for body in bodies] == [0, 1, 70_000, 5 * MB]


async def test_an_answer_that_was_not_read_to_its_end_takes_its_connection_with_it():
    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.say(CHUNKED + EVENT)
        await visit.see_off()

    async with serving(behave) as provider:
        upstream = await ask(provider.url)
        assert await upstream.read() == b"data: event\n\n"
        upstream.close()
        await asyncio.wait_for(provider.visits[0].left.wait(), 5)


async def test_an_answer_that_nobody_has_any_more_takes_its_connection_with_it():
    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.say(CHUNKED + EVENT)
        await visit.see_off()

    async with serving(behave) as provider:
        await ask(provider.url)
        gc.collect()
        await asyncio.wait_for(provider.visits[0].left.wait(), 5)


@pytest.mark.parametrize(
    "answer",
    [
        OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"),
        OK.replace(b"1.1", b"1.0"),
        OK + b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nother",
        OK + b"\0\0",
    ],
)
async def test_a_connection_that_ends_or_says_more_than_was_asked_is_not_used_again(answer: bytes):
    async def behave(visit: Visit) -> None:
        while await visit.request():
            await visit.say(answer)

    async with serving(behave) as provider:
        assert [await asked(provider.url) for _ in range(3)] == [b"ok"] * 3
        assert len(provider.visits) == 3


async def test_a_connection_that_speaks_unasked_is_closed():
    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.say(OK)
        await asyncio.sleep(0.05)
        await visit.say(OK)
        await visit.see_off()

    async with serving(behave) as provider:
        assert await asked(provider.url) == b"ok"
        await asyncio.wait_for(provider.visits[0].left.wait(), 5)


async def test_a_waiting_connection_that_was_closed_meanwhile_is_not_used():
    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.say(OK)

    async with serving(behave) as provider:
        for _ in range(3):
            assert await asked(provider.url) == b"ok"
            await asyncio.sleep(0.05)
        assert [len(visit.requests) for visit in provider.visits] == [1, 1, 1]


@pytest.mark.parametrize("rude", [False, True])
async def test_a_waiting_connection_that_closes_at_the_very_request_costs_nothing(rude: bool):
    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.say(OK)
        if visit.number == 0:
            await visit.request()
            if rude:
                visit.reset()
            return
        await visit.see_off()

    async with serving(behave) as provider:
        assert await asked(provider.url) == b"ok"
        assert await asked(provider.url, b"again") == b"ok"
        assert [len(visit.requests) for visit in provider.visits] == [2, 1]
        assert provider.visits[1].requests[0].endswith(b"again")


async def test_a_new_connection_that_closes_without_an_answer_is_not_tried_again():
    async def behave(visit: Visit) -> None:
        await visit.request()

    async with serving(behave) as provider:
        with pytest.raises(UpstreamBroken, match="closed before an answer"):
            await asked(provider.url)
        assert len(provider.visits) == 1


async def test_a_request_whose_answer_has_begun_is_not_sent_again():
    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.say(OK)
        await visit.request()
        await visit.say(b"HTTP/1.1 2")

    async with serving(behave) as provider:
        assert await asked(provider.url) == b"ok"
        with pytest.raises(UpstreamBroken, match="closed before an answer"):
            await asked(provider.url)
        assert len(provider.visits) == 1


@pytest.mark.parametrize(
    "cut",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nthe beginning",
        CHUNKED + EVENT,
        CHUNKED + EVENT + b"d\r\ndata: ev",
        CHUNKED + EVENT + b"0\r\n",
    ],
)
async def test_a_body_that_is_cut_off_is_told_from_one_that_ends(cut: bytes):
    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.say(cut)

    async with serving(behave) as provider:
        upstream = await ask(provider.url)
        assert (await upstream.read() or b"").startswith((b"the beginning", b"data: event"))
        with pytest.raises(UpstreamBroken, match="closed in the middle"):
            await upstream.read_all()
        upstream.close()


async def test_a_reset_is_told_as_one():
    async def behave(visit: Visit) -> None:
        await visit.reader.read(1)
        await visit.say(CHUNKED + EVENT)
        await go.wait()
        visit.reset()

    go = asyncio.Event()
    async with serving(behave) as provider:
        upstream = await ask(provider.url, bytes(MB))
        await upstream.read()
        go.set()
        with pytest.raises(UpstreamBroken, match="Connection reset by peer"):
            await upstream.read()
        upstream.close()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "Expected HTTP/"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: " + b"x" * 100_000, "longer than 64 KB"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 9\r\n\r\nx", "'br'"),
    ],
)
async def test_what_is_no_answer_is_a_broken_one_and_closes_the_connection(said: bytes, told: str):
    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.say(said)
        await visit.see_off()

    async with serving(behave) as provider:
        with pytest.raises(UpstreamBroken, match=told):
            await ask(provider.url)
        await asyncio.wait_for(provider.visits[0].left.wait(), 5)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\n", CHUNKED])
async def test_silence_has_an_end(said: bytes):
    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.say(said)
        await visit.see_off()

    async with serving(behave) as provider:
        began = time.monotonic()
        with pytest.raises(UpstreamTimeout, match=r"0\.2 s without a byte"):
            await asked(provider.url, idle_s=0.2)
        assert 0.15 < time.monotonic() - began < 5
        await asyncio.wait_for(provider.visits[0].left.wait(), 5)


async def test_a_stream_may_be_longer_than_any_silence():
    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.say(CHUNKED)
        for _ in range(10):
            await asyncio.sleep(0.1)
            await visit.say(EVENT)
        await visit.say(b"0\r\n\r\n")

    async with serving(behave) as provider:
        assert await asked(provider.url, idle_s=0.5) == b"data: event\n\n" * 10


async def test_a_long_upload_is_no_silence():
    async def behave(visit: Visit) -> None:
        for _ in range(10):
            await asyncio.sleep(0.1)
            await visit.reader.readexactly(2 * MB)
        await visit.say(OK)

    async with serving(behave) as provider:
        assert await asked(provider.url, bytes(20 * MB), idle_s=0.5) == b"ok"


async def test_a_slow_reader_makes_the_provider_wait():
    said = 0

    async def behave(visit: Visit) -> None:
        nonlocal said
        await visit.request()
        await visit.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (64 * MB))
        for _ in range(64 * 16):
            await visit.say(bytes(MB // 16))
            said += MB // 16

    async with serving(behave) as provider:
        upstream = await ask(provider.url, idle_s=0.2)
        await asyncio.sleep(1)
        assert (
            said < 32 * MB
        )  # what sockets hold, far from all; and a silence of the reader's is none of the provider's
        size = 0
        while chunk := await upstream.read():
            assert len(chunk) <= READ_AHEAD + MB
            size += len(chunk)
        assert size == 64 * MB
        upstream.close()


async def test_an_answer_before_the_whole_request_counts_and_ends_the_connection():
    async def behave(visit: Visit) -> None:
        await visit.reader.readuntil(b"\r\n\r\n")
        await visit.say(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\n{}")
        await visit.see_off()

    async with serving(behave) as provider:
        with pytest.raises(UpstreamRefused) as raised:
            await ask(provider.url, bytes(50 * MB))
        assert raised.value.status == 413
        await asyncio.wait_for(provider.visits[0].left.wait(), 5)


async def test_redirects_are_not_followed():
    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.say(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n")

    async with serving(behave) as provider:
        with pytest.raises(UpstreamRefused, match="redirects") as raised:
            await ask(provider.url)
        assert raised.value.code == "redirect"


async def test_an_error_without_end_is_read_no_further_than_it_is_of_use():
    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.say(b"HTTP/1.1 500 Oh\r\n\r\n")
        while True:
            await visit.say(bytes(MB))

    async with serving(behave) as provider:
        with pytest.raises(UpstreamRefused):
            await asyncio.wait_for(ask(provider.url), 10)


async def test_waiting_connections_are_closed_after_a_while(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pools, "IDLE_S", 0.1)
    monkeypatch.setattr(pools, "LOOK_EVERY_S", 0.05)

    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.say(OK)
        await visit.see_off()

    async with serving(behave) as provider:
        await asked(provider.url)
        await asyncio.wait_for(provider.visits[0].left.wait(), 5)
        assert pools.pool()._timer is None
        assert pools.pool()._idle == {}


async def test_no_more_connections_wait_than_are_of_use(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pools, "MAX_IDLE", 2)
    async with serving(answer_all) as provider:
        await asyncio.gather(*(asked(provider.url) for _ in range(5)))
        assert [len(waiting) for waiting in pools.pool()._idle.values()] == [2]


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a\0b", "a" * 64 + ".test", "%zz"])
async def test_a_name_that_is_none_cannot_be_reached(host: str):
    with pytest.raises(UpstreamUnreachable, match="The provider cannot be reached"):
        await ask(f"http://{host}/v1")
    with pytest.raises(UpstreamUnreachable, match="its name cannot be resolved") as raised:
        await ask("https://provider.test/v1", proxy=Proxy("http", host, 3128))
    assert raised.value.code == "proxy_failed"


async def test_a_closed_port_cannot_be_reached():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(UpstreamUnreachable, match="connection refused"):
        await ask(f"http://127.0.0.1:{port}/v1")


async def test_another_address_of_the_name_is_tried_where_one_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
):
    """`localhost` is `::1` first on many machines, and many servers listen at 127.0.0.1 alone."""
    async with serving(answer_all) as provider:
        port = int(provider.url.rsplit(":", 1)[1].partition("/")[0])

        async def lookup(host: str, *more: Any, **named: Any) -> list[Any]:
            if host != "two.test":
                return await known(host, *more, **named)
            stream = (socket.SOCK_STREAM, 6, "")
            return [
                (socket.AF_INET6, *stream, ("::1", port, 0, 0)),
                (socket.AF_INET, *stream, ("127.0.0.1", port)),
            ]

        known = asyncio.get_running_loop().getaddrinfo
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lookup, raising=False)
        assert await asked(provider.url.replace("127.0.0.1", "two.test")) == b"ok"


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_a_thousand_streams_at_once_leave_nothing_behind():
    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.say(CHUNKED)
        await go.wait()
        await visit.say(EVENT * 3 + b"0\r\n\r\n")
        await visit.see_off()

    async def read(number: int) -> int:
        upstream = await ask(provider.url, connect_s=60, idle_s=60)
        if number % 10 == 0:
            upstream.close()
            return 0
        body = await upstream.read_all()
        upstream.close()
        return len(body)

    go = asyncio.Event()
    before, tasks = open_files(), len(asyncio.all_tasks())
    async with serving(behave) as provider:
        reading = [asyncio.create_task(read(number)) for number in range(1000)]
        await provider.visit(999)
        go.set()
        assert sum(await asyncio.gather(*reading)) == 900 * 39
    async with asyncio.timeout(10):
        while open_files() > before + 2 or len(asyncio.all_tasks()) > tasks:
            await asyncio.sleep(0.05)
