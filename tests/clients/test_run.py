"""Each real client completes a task with a tool call through the gateway, over a provider of every other format."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from gateway.simulator import ReceivedRequest, Simulator
from tests.clients import install
from tests.clients.conftest import PROVIDERS, named
from tests.clients.programs import PROGRAMS
from tests.clients.run import Session
from tests.e2e.server import Gateway

CONTENT = "Grüße 🎉 \"quoted\" \\n C:\\temp\ttab $HOME\n  second line: <b>&amp;</b> 'x'\n"
"""Whatever a translation of JSON inside of JSON might break."""
ENDPOINTS = {
    "openai_chat": "/chat/completions",
    "openai_responses": "/responses",
    "anthropic_messages": "/messages",
    "gemini": "enerateContent",
}
CASES = [
    pytest.param(name, format, id=f"{name}-over-{format}")
    for name, program in PROGRAMS.items()
    for format in PROVIDERS
    if format != program.wire
]

OTHER = {
    "openai_chat": "anthropic_messages",
    "openai_responses": "anthropic_messages",
    "anthropic_messages": "gemini",
    "gemini": "openai_chat",
}
ONE_EACH = {(program.package, program.wire): name for name, program in reversed(PROGRAMS.items())}
WAITING = [
    pytest.param(name, OTHER[wire], id=f"{name}-over-{OTHER[wire]}") for (_, wire), name in ONE_EACH.items()
]


@pytest.fixture
def session(
    gateway: Gateway, api_key: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Session]:
    """The program of the test's parameter `name`, led to the provider of its parameter `format`."""
    program, target = PROGRAMS[request.getfixturevalue("name")], PROVIDERS[request.getfixturevalue("format")]
    install.ensure(program.package)
    gateway.manage("POST", "/api/resilience/reset")
    with named(gateway, target, program.model, *program.also):
        yield Session(program, tmp_path, gateway.url, api_key, program.model or target)


def write_a_file(session: Session, simulator: Simulator, format: str) -> None:
    program, written = session.program, session.work / "out.txt"
    file = written.name if program.edits_by_text else written
    done = session.ask(f"MAKEFILE {file} {quote(CONTENT, safe='')}")
    requests = simulator.requests
    story = f"{done}\n--- upstream\n" + "\n".join(f"{r.path} {r.status} {r.ended}" for r in requests)
    if trace := os.environ.get("OMNIROUTE_CLIENT_TRACE"):
        save(Path(trace) / f"{session.folder.name}.json", requests)
    assert written.is_file(), story
    assert written.read_text() == CONTENT, story
    assert done.status == 0, story
    assert [r.path for r in requests if ENDPOINTS[format] not in r.path] == [], story
    assert [r.path for r in requests if r.status != 200] == [], story
    if not program.edits_by_text:
        assert "The tool said:" in done.stdout, story


@pytest.mark.parametrize(("name", "format"), CASES)
def test_it_writes_a_file_with_its_own_tool(
    name: str, format: str, session: Session, simulator: Simulator
) -> None:
    write_a_file(session, simulator, format)


@pytest.mark.parametrize(("name", "format"), WAITING)
def test_it_waits_for_a_provider_that_thinks(
    name: str, format: str, session: Session, simulator: Simulator, gateway: Gateway
) -> None:
    """With signs of life before the answer and inside of it, which not every client's reader takes."""
    simulator.behave("slow1200+first300")
    gateway.manage("PATCH", "/api/settings", {"keepaliveS": 0.4})
    try:
        write_a_file(session, simulator, format)
    finally:
        gateway.manage("PATCH", "/api/settings", {"keepaliveS": 15})


@pytest.mark.parametrize("name", ["codex-gpt-5.5"])
@pytest.mark.parametrize("format", ["openai_chat", "anthropic_messages", "gemini"])
def test_codex_finds_its_rarer_tools(name: str, format: str, session: Session, simulator: Simulator) -> None:
    done = session.ask('Please use the tool tool_search with {"query": "spawn agent", "limit": 3}')
    assert "Found these tools: spawn_agent" in done.stdout, done
    assert b"multi_agent_v1__spawn_agent" in simulator.requests[-1].body


def save(path: Path, requests: list[ReceivedRequest]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps([{"path": r.path, "headers": dict(r.headers), "body": r.json} for r in requests])
    )
