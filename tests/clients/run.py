"""One client program in a home folder of its own."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from string import Template

from tests.clients import install
from tests.clients.programs import Program

_TAG = "OMNIROUTE_CLIENT_RUN"
"""In the environment of each process that a run starts, so that what it leaves behind can be found."""


@dataclass(frozen=True, slots=True)
class Done:
    stdout: str
    stderr: str
    status: int

    def __str__(self) -> str:
        return (
            f"exit status {self.status}\n--- stdout\n{self.stdout[-3000:]}\n--- stderr\n{self.stderr[-3000:]}"
        )


@dataclass(frozen=True, slots=True)
class Session:
    """Where a program runs, and what its configuration says. Folders `home` and `work` are made below `folder`."""

    program: Program
    folder: Path
    url: str
    key: str
    model: str

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def ask(self, prompt: str) -> Done:
        """Run it to its end; a run that takes too long is ended, with status -9."""
        home = self.folder / "home"
        for folder in (home, self.work):
            folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "init", "-q", self.work], check=True)
        values = {
            "url": self.url,
            "key": self.key,
            "model": self.model,
            "prompt": prompt,
            "home": str(home),
            "bin": str(install.binaries(self.program.package)),
        }

        def fill(text: str) -> str:
            return Template(text).substitute(values)

        for path, text in self.program.files.items():
            target = home / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(fill(text))
        tag = secrets.token_hex(8)
        env = {
            **_environment(home),
            **{name: fill(text) for name, text in self.program.env.items()},
            _TAG: tag,
        }
        try:
            for command in self.program.setup:
                self._run([fill(word) for word in command], env)
            return self._run([fill(word) for word in self.program.command], env)
        finally:
            _end_leftovers(f"{_TAG}={tag}".encode())

    def _run(self, command: list[str], env: dict[str, str]) -> Done:
        out, err = self.folder / "stdout", self.folder / "stderr"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                command,
                cwd=self.work,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
            try:
                status = process.wait(self.program.timeout_s)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                status = -9
        return Done(out.read_text(errors="replace"), err.read_text(errors="replace"), status)


def _environment(home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "PATH": f"{install.node_binaries()}:/usr/local/bin:/usr/bin:/bin",
        "TERM": "dumb",
        "LANG": "C.UTF-8",
        "SHELL": "/bin/bash",
        "NO_COLOR": "1",
        "CI": "1",
        "DO_NOT_TRACK": "1",
    }


def _end_leftovers(tag: bytes) -> None:
    """Some clients leave a daemon behind, which leaves their process group, but not their environment."""
    for _ in range(2):
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if tag in (folder / "environ").read_bytes().split(b"\0"):
                    os.kill(int(folder.name), signal.SIGKILL)
            except OSError:
                continue
        time.sleep(0.1)
