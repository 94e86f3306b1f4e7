from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import ROOT


@pytest.mark.e2e
@pytest.mark.parametrize("command", [["create_api_key", "laptop"], ["recost", "--since", "2026-01-01"]])
def test_without_a_database_it_says_what_to_do_in_one_line(tmp_path: Path, command: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-m", "omniroute", *command],
        cwd=ROOT,
        env=environment | {"DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "omniroute migrate" in done.stderr
    assert "Traceback" not in done.stderr
