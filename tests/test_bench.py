"""The benchmark's own parts: what the load generator counts is what the upstream sent."""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from bench import gateway, load, machine, report
from bench.measure import Figure, chat_body


@pytest.fixture(scope="module")
def upstream():
    with gateway.upstream() as address:
        yield f"{address}/v1/chat/completions"


async def test_plain_requests_are_answered_and_timed(upstream):
    result = await load.plain(load.Target.post(upstream, chat_body("bench"), {}), 4, 0.2)
    assert result.errors == 0
    assert len(result.latencies) > 20
    assert 0 < min(result.latencies) <= max(result.latencies) < 0.2
    assert result.rate == pytest.approx(len(result.latencies) / 0.2, rel=0.05)


async def test_every_event_of_every_stream_is_seen_once(upstream):
    result = await load.streams(load.Target.post(upstream, chat_body("bench-n50-i0", True), {}), 10, 50)
    assert (result.complete, result.errors, len(result.delays)) == (10, 0, 500)
    assert len(result.first) == 10
    assert all(0 <= delay < 5 for delay in result.delays)


async def test_paced_streams_keep_their_pace(upstream):
    result = await load.streams(load.Target.post(upstream, chat_body("bench-n10-i20", True), {}), 3, 10)
    assert result.complete == 3
    assert result.seconds >= 0.19
    assert min(result.first) >= 0.019  # timers have millisecond steps


async def test_an_incomplete_stream_is_an_error(upstream):
    result = await load.streams(load.Target.post(upstream, chat_body("bench-n5-i0", True), {}), 2, 6)
    assert (result.complete, result.errors) == (0, 2)


async def test_broken_answers_are_errors_not_figures():
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        target = load.Target.post(f"http://127.0.0.1:{port}/x", b"{}", {})
        assert (await load.plain(target, 2, 0.1)).latencies == []
        assert (await load.streams(target, 2, 5)).errors == 2


def test_cpu_time_grows_with_work():
    before, until = machine.cpu_s(os.getpid()), time.process_time() + 0.1
    while time.process_time() < until:
        pass
    assert 0.05 <= machine.cpu_s(os.getpid()) - before < 1
    assert machine.rss_mb(os.getpid()) > 10


def test_percentiles():
    values = [float(number) for number in range(100, 0, -1)]
    assert (load.percentile(values, 0.5), load.percentile(values, 0.99)) == (51.0, 100.0)
    assert load.percentile([], 0.5) is None


def test_the_table_marks_what_is_over_its_goal():
    figures = [Figure("fast", "µs", 10.0, goal=20), Figure("slow", "µs", 30.0, goal=20, errors=2)]
    rows = report.table([*figures, Figure("never", "ms", None, goal=5)]).splitlines()
    assert "over" not in rows[2]
    assert rows[3].endswith("2 errors, over the goal")
    assert rows[4].endswith("over the goal")
