"""What several processes say of themselves, put together."""

from __future__ import annotations

import time
from dataclasses import replace

import msgspec
import pytest

from gateway.preparation.signatures import CacheStats
from gateway.records import processes
from gateway.records.in_flight import Flight
from gateway.records.telemetry import Sample, Telemetry
from omniroute import shared_state

FLIGHT = Flight("gpt-4o", "openai", "work")


def other(**values) -> processes.Report:
    state = {"queued": 1, "running": 2, "gap_s": 0.5, "paused_s": 3.0}
    values = {
        "process": "other",
        "pid": 7,
        "flights": [(FLIGHT, 2)],
        "limiters": {"account:1": state},
        "signatures": CacheStats(5, 6, 7),
        **values,
    }
    return msgspec.structs.replace(processes.own(), **values)


@pytest.fixture
def said(settings, redis_url):
    """Redis, and a way to let other processes say something."""
    settings.REDIS_URL = redis_url
    shared_state.guard.reset()

    def say(*reports: processes.Report) -> None:
        for report in reports:
            shared_state.blocking_client().hset(
                shared_state.name("processes"), report.process, msgspec.json.encode(report)
            )

    return say


def test_alone_a_process_speaks_for_itself():
    (own,) = processes.reports()
    assert own.memory > 1_000_000
    assert own.uptime > 0


@pytest.mark.cluster
def test_figures_of_all_processes_are_put_together(said):
    said(other(), other(process="third", pid=8))
    assert len(processes.reports()) == 3
    assert processes.active_requests()[FLIGHT] == 4
    assert processes.limiter_states()["account:1"] == {
        "queued": 2,
        "running": 4,
        "gap_s": 0.5,
        "paused_s": 3.0,
    }
    stats = processes.signature_stats()
    assert (stats.active, stats.hits - 12, stats.misses - 14) >= (5, 0, 0)


@pytest.mark.cluster
def test_a_process_that_is_silent_is_gone_and_one_of_another_version_is_passed_over(said):
    said(other(at=time.time() - 11))
    shared_state.blocking_client().hset(shared_state.name("processes"), "strange", b'{"new":1}')
    assert [report.process for report in processes.reports()] == [shared_state.PROCESS]


@pytest.mark.cluster
def test_without_redis_a_process_speaks_for_itself(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    shared_state.guard.reset()
    assert len(processes.reports()) == 1
    shared_state.guard.reset()


def test_only_what_is_finished_is_told_and_once():
    telemetry = Telemetry()
    first, second = (telemetry.note(time.perf_counter(), None, None) for _ in range(2))
    second.finalized()
    assert telemetry.take_finished() == [second]
    first.finalized()
    assert telemetry.take_finished() == [first]
    assert telemetry.samples() == [first, second]


@pytest.mark.cluster
def test_latencies_are_those_of_all_processes(said):
    sample = Sample(time.time(), "openai", 100.0, {"connect": 80.0})
    texts = [msgspec.json.encode(replace(sample, total_ms=ms)) for ms in (100.0, 200.0, 300.0)]
    shared_state.blocking_client().lpush(shared_state.name("telemetry"), *texts)
    found = processes.summary(60)
    assert (found.overall.count, found.overall.p50, found.providers["openai"].p99) == (3, 200, 300)
