"""A data folder and a PostgreSQL database as a gateway's first start leaves them, to be copied: the first start takes
a processor several seconds, most of them for migrations. Each is made where it is first asked for.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from tests import services

PASSWORD = "correct-horse-9"
KEY = f"sk-or-{'tests' * 8}"
"""May manage."""
BREAKING = {"API_KEY_SECRET", "INITIAL_PASSWORD"}
"""Environment variables under which key or password would be others."""

_shared: list[Path] = []

_FIRST_START = f"""
from django.core.management import call_command
from billing.keys import hash_key
from billing.models import ApiKey
from omniroute.first_start import ensure_admin
call_command("migrate", verbosity=0)
ensure_admin()
ApiKey.objects.create(name="tests", scope="manage", hint="sk-or-tes…ests", key_hash=hash_key({KEY!r}))
"""


def environment(folder: Path) -> dict[str, str]:
    """Of a gateway whose data is in `folder`/data, and which inherits nothing else."""
    return {
        **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
        "HOME": str(folder),
        "DATA_DIR": str(folder / "data"),
        "INITIAL_PASSWORD": PASSWORD,
        "PYTHONPATH": str(services.ROOT),
        "DJANGO_SETTINGS_MODULE": "omniroute.settings",
    }


def _make(folder: Path, **more: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "omniroute", "shell", "-v", "0", "-c", _FIRST_START],
        cwd=folder,
        env={**environment(folder), **more},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"The first start failed:\n{done.stdout}{done.stderr}")


def keep_in(folder: Path) -> None:
    """Which folder the processes of a parallel run share. Called once, before all else."""
    _shared[:] = [folder]


@cache
def _data() -> Path:
    """The first process of a parallel run makes it, the others wait for it."""
    folder = _shared[0] / "template"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            _make(folder)
            (folder / "made").touch()
    return folder / "data"


def copy(data: Path) -> None:
    """Make the data folder. Its database is that of SQLite."""
    shutil.copytree(_data(), data)


@cache
def _postgres() -> str:
    """The name of this process's template, dropped when the process ends."""
    stack = ExitStack()
    atexit.register(stack.close)
    url = stack.enter_context(services.empty_postgres())
    _make(_data().parent, DATABASE_URL=url)
    return url.rpartition("/")[2]


@contextmanager
def postgres() -> Iterator[str]:
    """The address of a new database, dropped afterwards. The secrets that it needs are those of `copy`."""
    with services.empty_postgres(template=_postgres()) as url:
        yield url
