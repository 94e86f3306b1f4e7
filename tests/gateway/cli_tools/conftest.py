from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path, settings) -> Path:
    """A home folder of its own, beside it what the gateway keeps, and no programs."""
    home = tmp_path / "home"
    home.mkdir()
    settings.CLI_CONFIG_HOME = home
    settings.DATA_DIR = tmp_path / "data"
    settings.CLI_ALLOW_CONFIG_WRITES = True
    settings.CLI_EXTRA_PATHS = []
    settings.CLI_BINARIES = {}
    settings.CLI_FOLDERS = {}
    return home
