"""Finding tools' programs on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli_tools import programs
from gateway.cli_tools.tools import get_tool

CODEX = get_tool("codex")


@pytest.fixture
def folder(home: Path, settings, monkeypatch) -> Path:
    """Where programs are looked for, and nowhere else."""
    folder = home / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    settings.CLI_EXTRA_PATHS = [str(folder)]
    return folder


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_program_is_asked_for_its_version_without_the_gateways_secrets(folder, monkeypatch):
    monkeypatch.setenv("JWT_SECRET", "a-secret")
    path = script(folder / "codex", 'echo "codex-cli 1.2.3 $JWT_SECRET"; env > "$HOME/seen"')
    found = programs.find(CODEX)
    assert (found.path, found.version, found.is_runnable) == (str(path), "1.2.3", True)
    assert "a-secret" not in (folder.parent / "seen").read_text()


def test_packages_say_their_version_without_running(folder, settings):
    package = folder / "node_modules/@openai/codex"
    target = script(package / "bin/codex.js", "exit 1")
    (package / "package.json").write_text(json.dumps({"version": "4.5.6", "bin": {"codex": "x"}}))
    (folder / "codex").symlink_to(target)
    assert programs.find(CODEX).version == "4.5.6"
    script(folder / "venv/bin/llm", "exit 1")
    made = folder / "venv/lib/python3.11/site-packages/llm-0.36.dist-info"
    made.mkdir(parents=True)
    (made / "entry_points.txt").write_text("[console_scripts]\nllm = llm.cli:cli\n")
    settings.CLI_BINARIES = {"CLI_LLM_BIN": str(folder / "venv/bin/llm")}
    assert programs.find(get_tool("llm")).version == "0.36"


@pytest.mark.parametrize(
    ("text", "reason"), [("exit 3", "--version fails"), ("sleep 9", "no answer to --version")]
)
def test_what_does_not_run_is_said(folder, monkeypatch, text, reason):
    monkeypatch.setattr(programs, "ASK_S", 0.3)
    script(folder / "codex", text)
    found = programs.find(CODEX)
    assert (found.is_installed, found.is_runnable) == (True, False)
    assert reason in found.reason


def test_what_is_not_there_is_said(folder, settings):
    assert programs.find(CODEX).reason == "Not found on this machine"
    settings.CLI_BINARIES = {"CLI_CODEX_BIN": str(folder / "nowhere")}
    assert programs.find(CODEX).reason == "CLI_CODEX_BIN names no file"
    assert "no program" in programs.find(get_tool("roo")).reason


def test_installers_folders_are_looked_into(folder, settings):
    home = settings.CLI_CONFIG_HOME
    older, newer = (home / f".nvm/versions/node/v{number}/bin/codex" for number in (20, 24))
    script(older, "echo 20.0.0")
    script(newer, "echo 24.0.0")
    assert programs.find(CODEX).path == str(newer)
    settings.CLI_BINARIES = {"CLI_CODEX_BIN": "codex-beta"}
    assert programs.find(CODEX).reason == "Not found on this machine"
    script(folder / "codex-beta", "echo 9.9")
    assert programs.find(CODEX).version == "9.9"
