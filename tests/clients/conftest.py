from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gateway.simulator import Simulator
from tests.e2e.server import Gateway, running

PROVIDERS = {
    "openai_chat": "local/gpt-5.4",
    "openai_responses": "local-responses/gpt-5.4",
    "anthropic_messages": "anthropic/claude-sonnet-4-5",
    "gemini": "gemini/gemini-2.5-pro",
}
"""By the format that they speak: the model that a client's own name for it leads to."""
_OVERLAY = """
[providers.anthropic]
base_url = "{url}"
[providers.gemini]
base_url = "{url}"
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/clients/test_run" in str(item.path) or "test_it_works_with_what_was_written" in item.name:
            item.add_marker("clients")


@pytest.fixture(scope="package")
def gateway(tmp_path_factory: pytest.TempPathFactory, _simulator: Simulator) -> Iterator[Gateway]:
    """With a provider of each format, all of them the simulator, and an API key required."""
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "providers.toml").write_text(_OVERLAY.format(url=_simulator.url))
    env = {"OMNIROUTE_PROVIDERS_FILE": str(folder / "providers.toml"), "REQUIRE_API_KEY": "true"}
    with running(folder, env) as gateway:
        gateway.add_provider("local", _simulator.openai_url)
        gateway.add_provider("local-responses", _simulator.openai_url, api="responses")
        for provider in ("anthropic", "gemini"):
            account = {"provider": provider, "apiKey": "sk-up", "name": provider}
            gateway.manage("POST", "/api/providers", account)
        yield gateway


@pytest.fixture(scope="package")
def api_key(gateway: Gateway) -> str:
    return gateway.command("create_api_key", "clients").strip()


@contextmanager
def named(gateway: Gateway, target: str, *names: str) -> Iterator[None]:
    """Combos by which a client reaches `target` under the names that it knows."""
    combos = [
        gateway.manage("POST", "/api/combos", {"name": name, "models": [target]}) for name in names if name
    ]
    try:
        yield
    finally:
        for combo in combos:
            gateway.manage("DELETE", f"/api/combos/{combo['id']}")
