"""Installs the pinned clients: `python -m tests.clients.install [PACKAGE...]`, all of them without a name.

They go into `OMNIROUTE_CLIENTS_DIR` (default `~/.cache/omniroute-clients`), a folder each. What is there already
in the wanted version stays.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.clients.programs import NODE, PACKAGES

INSTALL_S = 900
_STAMP = ".installed"


def clients_dir() -> Path:
    chosen = os.environ.get("OMNIROUTE_CLIENTS_DIR")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "omniroute-clients"


def binaries(name: str) -> Path:
    """The folder of a package's programs."""
    within = "node_modules/.bin" if PACKAGES[name].kind == "npm" else "bin"
    return clients_dir() / name / within


def node_binaries() -> Path:
    return clients_dir() / NODE / "node_modules" / "node" / "bin"


def ensure(name: str) -> None:
    """Install a package unless it is there. Raise `RuntimeError` with the installer's words."""
    package, folder = PACKAGES[name], clients_dir() / name
    stamp, wanted = folder / _STAMP, "\n".join(package.requirements)
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    if package.kind == "npm" and name != NODE:
        ensure(NODE)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if package.kind == "npm":
        (folder / "package.json").write_text("{}")
        _run(folder, "npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *package.requirements)
    else:
        _run(folder, sys.executable, "-m", "venv", str(folder))
        _run(folder, str(folder / "bin" / "python"), "-m", "pip", "install", "-q", *package.requirements)
    stamp.write_text(wanted)


def _run(folder: Path, *command: str) -> None:
    path = f"{node_binaries()}{os.pathsep}{os.environ.get('PATH', '')}"
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=INSTALL_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(f"{' '.join(command)} failed: {error}") from error
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}")


if __name__ == "__main__":
    for chosen in sys.argv[1:] or PACKAGES:
        print(chosen, flush=True)
        try:
            ensure(chosen)
        except RuntimeError as error:
            sys.exit(str(error))
