"""Which tools are installed on this machine, and in which version."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from gateway.cli_tools.rows import Tool

ASK_S = 5.0
"""For how long a program may think about its version."""
_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?[\w.+-]*")
_USUAL = (
    ".local/bin",
    ".npm-global/bin",
    ".bun/bin",
    ".cargo/bin",
    ".volta/bin",
    ".opencode/bin",
    ".claude/local",
    ".factory/bin",
    ".nvm/versions/node/*/bin",
)
"""Below the home folder: where installers put programs, which a service's own PATH often lacks."""
_SYSTEM = ("/usr/local/bin", "/opt/homebrew/bin")


@dataclass(frozen=True, slots=True)
class Program:
    """`path` "": it was not found, and `reason` says so."""

    command: str
    path: str = ""
    version: str = ""
    reason: str = ""

    @property
    def is_installed(self) -> bool:
        return bool(self.path)

    @property
    def is_runnable(self) -> bool:
        return bool(self.path) and not self.reason


def find(tool: Tool) -> Program:
    """May run the program, once, to ask for its version."""
    command = settings.CLI_BINARIES.get(tool.environment_name) or tool.program
    if not command:
        return Program("", reason="It is no program of the command line")
    if os.sep in command:
        path = str(Path(command).expanduser())
        if not Path(path).is_file():
            return Program(command, reason=f"{tool.environment_name} names no file")
    else:
        path = _search(command)
        if not path:
            return Program(command, reason="Not found on this machine")
    if not os.access(path, os.X_OK):
        return Program(command, path, reason="It may not be run by the gateway's user")
    return _probe(command, path, *_fingerprint(path))


def find_all(tools: Iterable[Tool]) -> dict[str, Program]:
    """By the tool's id, asked at the same time."""
    listed = list(tools)
    with ThreadPoolExecutor(max_workers=8) as pool:
        return dict(zip((tool.id for tool in listed), pool.map(find, listed), strict=True))


def folders() -> Iterator[str]:
    """Where programs are looked for."""
    yield from (str(Path(folder).expanduser()) for folder in settings.CLI_EXTRA_PATHS)
    yield from os.get_exec_path()
    home: Path = settings.CLI_CONFIG_HOME
    for pattern in _USUAL:
        yield from (str(folder) for folder in sorted(home.glob(pattern), reverse=True))
    yield from _SYSTEM


def _search(command: str) -> str:
    return shutil.which(command, path=os.pathsep.join(dict.fromkeys(folders()))) or ""


def _fingerprint(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=100)
def _probe(command: str, path: str, modified_ns: int, size: int) -> Program:
    version = _packaged_version(path) or _installed_version(path)
    if version:
        return Program(command, path, version)
    try:
        done = subprocess.run(  # noqa: S603  (a program that the administrator installed)
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(path),
            cwd="/",
            timeout=ASK_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return Program(command, path, reason="It does not run: no answer to --version")
    match = _VERSION.search(done.stdout.decode(errors="replace"))
    if done.returncode or not match:
        return Program(command, path, reason="It does not run: --version fails")
    return Program(command, path, match[0])


def _packaged_version(path: str) -> str:
    """Of the npm package that the program is a link into. Asking would take seconds."""
    for folder in list(Path(path).resolve().parents)[:4]:
        try:
            package = json.loads((folder / "package.json").read_text())
        except (OSError, ValueError):
            continue
        if isinstance(package, dict) and "node_modules" in folder.parts and package.get("bin"):
            return str(package.get("version", ""))
    return ""


def _installed_version(path: str) -> str:
    """Of the Python package that made the program, in the virtual environment that it is in."""
    line = re.compile(rf"^{re.escape(Path(path).name)}\s*=", re.MULTILINE)
    for made in (
        Path(path).resolve().parent.parent.glob("lib/python3*/site-packages/*.dist-info/entry_points.txt")
    ):
        try:
            if line.search(made.read_text()):
                return made.parent.name.removesuffix(".dist-info").rpartition("-")[2]
        except (OSError, ValueError):
            continue
    return ""


def _environment(path: str) -> dict[str, str]:
    """Without the gateway's secrets. A script finds the interpreter that was installed beside it."""
    search = os.pathsep.join([str(Path(path).parent), *os.get_exec_path()])
    return {"PATH": search, "HOME": str(settings.CLI_CONFIG_HOME), "LANG": "C.UTF-8", "CI": "1"}
