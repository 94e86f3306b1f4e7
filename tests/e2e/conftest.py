from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.simulator import Simulator
from tests.e2e import template
from tests.e2e.server import Gateway, running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker("e2e")


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A PostgreSQL database after a gateway's first start, dropped afterwards."""
    with template.postgres() as url:
        yield url


@pytest.fixture(scope="session")
def _gateway(tmp_path_factory: pytest.TempPathFactory, _simulator: Simulator) -> Iterator[Gateway]:
    """One process for the tests that leave it as they found it; providers sim1, sim2, sim3 are one simulator."""
    with running(tmp_path_factory.mktemp("gateway")) as gateway:
        for number in (1, 2, 3):
            gateway.add_provider(f"sim{number}", _simulator.openai_url, key=f"sk-up-{number}")
        gateway.add_combo("three", "sim1/first", "sim2/second", "sim3/third")
        yield gateway


@pytest.fixture
def gateway(_gateway: Gateway, simulator: Simulator) -> Gateway:
    """Without cooldowns from the test before, and with a provider that behaves."""
    _gateway.manage("POST", "/api/resilience/reset")
    return _gateway
