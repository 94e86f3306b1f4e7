"""Each real client completes a task with nothing but what the gateway wrote into its home folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.cli_tools.tools import get_tool
from gateway.simulator import Simulator
from tests.clients import install
from tests.clients.conftest import PROVIDERS, named
from tests.clients.programs import PROGRAMS, Program
from tests.clients.run import Session
from tests.clients.test_run import OTHER, write_a_file
from tests.e2e.server import Gateway

TOOLS = {
    "claude": ("claude-code", ("--model", "$model")),
    "codex": ("codex", ()),
    "gemini": ("gemini-cli", ("-m", "$model")),
    "qwen": ("qwen-code", ()),
    "opencode": ("opencode", ()),
    "openclaw": ("openclaw", ()),
    "cline": ("cline", ()),
    "continue": ("continue", ("--config", "$home/.continue/config.yaml")),
    "pi": ("pi", ("--provider", "omniroute", "--model", "$model")),
    "llm": ("llm", ()),
    "aider": ("aider", ("--model", "openai/$model")),
}
"""By the tool's id: the program of `PROGRAMS` that it is, and the words of its command that choose the model, which the
settings do here."""
UNTOLD = "this-combo-is-in-no-command"
FOREIGN = {
    "opencode": (
        ".config/opencode/opencode.json",
        '{"permission": {"edit": "allow", "bash": "allow"}} // mine\n',
    )
}
"""Settings that were there before."""


def stripped(program: Program, words: tuple[str, ...]) -> Program:
    """Without anything that leads to the gateway."""
    command = list(program.command)
    if words:
        at = next(at for at in range(len(command)) if tuple(command[at : at + len(words)]) == words)
        del command[at : at + len(words)]
    env = {name: value for name, value in program.env.items() if "$" not in value}
    return replace(program, command=tuple(command), env=env, files={}, setup=())


@pytest.fixture
def session(
    gateway: Gateway, api_key: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Session]:
    """The tool of the parameter `tool`, configured by `omniroute configure`."""
    id = request.getfixturevalue("tool")
    name, words = TOOLS[id]
    program = stripped(PROGRAMS[name], words)
    install.ensure(program.package)
    gateway.manage("POST", "/api/resilience/reset")
    home = tmp_path / "home"
    if id in FOREIGN:
        path, text = FOREIGN[id]
        (home / path).parent.mkdir(parents=True)
        (home / path).write_text(text)
    target = PROVIDERS[OTHER[program.wire]]
    with named(gateway, target, UNTOLD):
        env = gateway.env
        gateway.env = {**env, "CLI_CONFIG_HOME": str(home)}
        try:
            gateway.command(
                "configure", id, "--model", UNTOLD, "--base-url", gateway.url, "--api-key", api_key
            )
        finally:
            gateway.env = env
        yield Session(program, tmp_path, gateway.url, api_key, UNTOLD)


@pytest.mark.parametrize("tool", TOOLS)
def test_it_works_with_what_was_written(tool: str, session: Session, simulator: Simulator) -> None:
    assert not any(UNTOLD in word for word in session.program.command)
    write_a_file(session, simulator, OTHER[session.program.wire])


def test_every_tool_whose_program_is_run_is_configured_too() -> None:
    runs = {program.package for program in PROGRAMS.values()} - {"claude-agent-sdk", "copilot"}
    assert {PROGRAMS[name].package for name, _ in TOOLS.values()} == runs
    assert all(get_tool(id).is_automatic for id in TOOLS)
    assert json.loads(FOREIGN["opencode"][1].partition(" //")[0])
