"""Fixtures for every test, and the rule about missing services: left out and said so; in CI, a failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from django.test import override_settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from gateway import simulator as provider_simulator
from gateway.simulator import Simulator
from resilience.link import link
from tests import services

hypothesis_settings.register_profile("omniroute", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("omniroute")
"""How fast an example runs says more about the machine's other work than about the code."""

_left_out: Counter[str] = Counter()


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
def _cheap_passwords() -> Iterator[None]:
    """A real password hash takes most of a second, on purpose."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
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
