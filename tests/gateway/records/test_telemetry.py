from __future__ import annotations

import time

import pytest

from gateway.records.processes import summary as summary_of
from gateway.records.telemetry import RING, Laps, Telemetry, spread


def test_percentiles_are_by_nearest_rank():
    found = spread(range(1, 101))
    assert (found.count, found.p50, found.p95, found.p99, found.avg) == (100, 50, 95, 99, 50.5)
    assert spread([7]).p99 == 7
    assert spread([]).count == 0


def test_phases_are_the_times_between_their_marks():
    laps = Laps(time.perf_counter() - 0.5, "parse")
    laps.end("validate")
    assert laps.times["parse"] == pytest.approx(0.5, abs=0.2)
    assert 0 <= laps.times["validate"] < 0.2


def test_only_the_window_and_the_last_thousand_count(monkeypatch):
    now = 1000.0
    monkeypatch.setattr("gateway.records.telemetry.time.time", lambda: now)
    telemetry = Telemetry()
    monkeypatch.setattr("gateway.records.processes.telemetry", telemetry)
    for _ in range(RING + 50):
        telemetry.note(time.perf_counter(), None, None)
    assert summary_of(60).overall.count == RING
    now += 61
    telemetry.note(time.perf_counter(), None, None).finalized()
    summary = summary_of(60)
    assert (summary.overall.count, summary.phases["finalize"].count, summary.phases["stream"].count) == (
        1,
        1,
        0,
    )
    assert summary.providers == {}
