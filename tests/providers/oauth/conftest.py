"""Vendors to sign in to, and a catalog whose addresses are theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from providers import catalog
from providers.oauth import listener, renewal
from tests.vendors import claude, codex, framework, gemini_cli, github, iflow, kiro, qwen
from tests.vendors.grants import Authority

VENDORS: dict[str, type[Authority]] = {
    "claude": claude.Claude,
    "codex": codex.Codex,
    "gemini-cli": gemini_cli.GeminiCli,
    "github": github.GitHub,
    "iflow": iflow.IFlow,
    "qwen": qwen.Qwen,
    "kiro": kiro.Kiro,
}


@pytest.fixture
def vendor(tmp_path: Path, settings: Any) -> Iterator[Callable[[str], Any]]:
    """`vendor("claude")` starts it and points the catalog at it."""
    settings.PROVIDERS_FILE = tmp_path / "providers.toml"
    settings.GEMINI_CLI_OAUTH_CLIENT_SECRET = gemini_cli.SECRET
    settings.IFLOW_OAUTH_CLIENT_SECRET = iflow.SECRET
    with ExitStack() as stack:

        def start(name: str) -> Authority:
            app = stack.enter_context(framework.running(VENDORS[name]()))
            with settings.PROVIDERS_FILE.open("a") as file:
                file.write(app.overlay + "\n")
            catalog.load.cache_clear()
            return app

        yield start
        listener.stop_all()
        renewal._newest.clear()
    catalog.load.cache_clear()
