"""Fixtures for every test, and the rule about missing services: left out and said so; in CI, a failure."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.commands import flush
from django.core.management.sql import emit_post_migrate_signal
from django.db.models import Model
from django.test import override_settings
from django_q.models import Schedule
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from gateway import simulator as provider_simulator
from gateway.simulator import Simulator
from omniroute import shared_state
from resilience.link import link
from tests import services
from tests.e2e import template

hypothesis_settings.register_profile("omniroute", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("omniroute")
"""How fast an example runs says more about the machine's other work than about the code."""

WAITING_WORKERS = 1
"""Beyond one per processor: end-to-end tests wait more than they work."""
MAX_WORKERS = 16
"""Each has a database of Redis."""
MAX_TEST_S = 400.0
"""For setup, test and teardown. Servers get three minutes to start."""
WAITS = {"cluster": 2, "browser": 2, "e2e": 1}
"""By marker."""
_left_out: Counter[str] = Counter()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """What waits for ever fails, with the place where it waits, and the run goes on."""

    def too_long(*_: Any) -> None:
        why = f"not done after {MAX_TEST_S} s"
        with suppress(RuntimeError):
            loop = asyncio.get_running_loop()
            for task in asyncio.all_tasks(loop):  # uvloop lets no exception of a signal handler out
                loop.call_soon_threadsafe(task.cancel, why)
            return
        pytest.fail(why)

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, MAX_TEST_S, MAX_TEST_S)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """With `-n auto`. `-n logical` is one per processor."""
    if config.option.numprocesses != "auto" or "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return min(len(os.sched_getaffinity(0)) + WAITING_WORKERS, MAX_WORKERS)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In a parallel run, files that wait long come first: none of them is to be the last, with all workers but one at
    rest. Workers take files in this order with `--no-loadscope-reorder`."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    sizes = Counter(item.path for item in items)
    waits = dict.fromkeys(sizes, 0)
    for item in items:
        waits[item.path] = max(
            waits[item.path], *(WAITS.get(mark.name, 0) for mark in item.iter_markers()), 0
        )
    items.sort(key=lambda item: (-waits[item.path], -sizes[item.path], item.path))


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, need in services.NEEDS.items():
        if not item.get_closest_marker(marker):
            continue
        if reason := need.missing():
            if services.IN_CI and need.required:
                pytest.fail(f"CI must run {marker} tests: {reason}", pytrace=False)
            _left_out[f"{marker}: {reason}"] += 1
            pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Under xdist the workers skip, and the reports say why."""
    counts = _left_out or Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    )
    if counts:
        terminalreporter.section("left out")
        for reason, count in sorted(counts.items()):
            terminalreporter.line(f"{count} x {reason}")


@pytest.fixture(scope="session", autouse=True)
def _shared_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    own = tmp_path_factory.getbasetemp()
    template.keep_in(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)


@pytest.fixture(scope="session", autouse=True)
def _cheap_clients() -> Iterator[None]:
    """A real password hash takes most of a second, on purpose; and static files, which a server lists when it starts,
    would be listed for each test client."""
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with override_settings(PASSWORD_HASHERS=hashers, WHITENOISE_AUTOREFRESH=True):
        yield


@pytest.fixture(scope="session", autouse=True)
def _first_rows_are_kept() -> Iterator[None]:
    """A test with transactions of its own ends with every table emptied. What belongs into each database (permissions,
    periodic jobs) is then put back as it was: to find it out again, as Django does, takes ten times as long."""
    kept: dict[type[Model], list[Model]] = {}

    def put_back(*args: Any, **options: Any) -> None:
        for model, rows in kept.items():
            model._default_manager.bulk_create(rows)
        if not kept:
            emit_post_migrate_signal(*args, **options)
            for model in (ContentType, Permission, Schedule):
                kept[model] = list(model._default_manager.all())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "emit_post_migrate_signal", put_back)
        yield


@pytest.fixture(autouse=True)
def _nothing_held_back() -> Iterator[None]:
    """What a test's failures put aside in this process is free again for the next one."""
    yield
    for store in link.stores:
        store.adopt("", None)


@pytest.fixture(scope="session")
def _simulator() -> Iterator[Simulator]:
    with provider_simulator.start() as running:
        yield running


@pytest.fixture
def simulator(_simulator: Simulator) -> Simulator:
    """A provider that speaks every wire format, without rules or requests from the test before."""
    _simulator.reset()
    return _simulator


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """An empty PostgreSQL database, dropped afterwards. Its test carries the `cluster` marker."""
    with services.empty_postgres() as url:
        yield url


@pytest.fixture
def redis_url() -> Iterator[str]:
    """The test database of Redis, emptied before and after. Its test carries the `cluster` marker."""
    with services.empty_redis() as url:
        yield url


@pytest.fixture
def shared(settings: Any, redis_url: str) -> None:
    """This process shares its state in Redis, which is empty. Its test carries the `cluster` marker."""
    settings.REDIS_URL = redis_url
    shared_state.guard.reset()
