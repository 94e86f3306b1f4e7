"""A short storm; the long one is `python -m bench.chaos`."""

from __future__ import annotations

import subprocess
import sys

from tests.services import ROOT


def test_no_client_notices_that_five_of_six_targets_fail_at_random():
    done = subprocess.run(
        [sys.executable, "-m", "bench.chaos", "--requests", "400", "--concurrency", "16"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "client-visible failures: 0" in done.stdout
