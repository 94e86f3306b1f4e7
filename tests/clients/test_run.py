"""Each real client completes a task with a tool call through the gateway, over a provider of every other format."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import quote

import pytest

from gateway.simulator import Simulator
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


@pytest.mark.parametrize(("name", "format"), CASES)
def test_it_writes_a_file_with_its_own_tool(
    name: str,
    format: str,
    gateway: Gateway,
    api_key: str,
    simulator: Simulator,
    tmp_path: Path,
) -> None:
    program = PROGRAMS[name]
    install.ensure(program.package)
    gateway.manage("POST", "/api/resilience/reset")
    target = PROVIDERS[format]
    session = Session(program, tmp_path, gateway.url, api_key, program.model or target)
    with named(gateway, target, program.model, *program.also):
        file = Path("out.txt") if program.edits_by_text else session.work / "out.txt"
        done = session.ask(f"MAKEFILE {file} {quote(CONTENT, safe='')}")
    written = session.work / "out.txt"
    requests = simulator.requests
    story = f"{done}\n--- upstream\n" + "\n".join(f"{r.path} {r.status} {r.ended}" for r in requests)
    if trace := os.environ.get("OMNIROUTE_CLIENT_TRACE"):
        save(Path(trace) / f"{name}--{format}.json", requests)
    assert written.is_file(), story
    assert written.read_text() == CONTENT, story
    assert done.status == 0, story
    assert [r.path for r in requests if ENDPOINTS[format] not in r.path] == [], story
    assert [r.path for r in requests if r.status != 200] == [], story
    if not program.edits_by_text:
        assert "The tool said:" in done.stdout, story


def save(path: Path, requests: list) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps([{"path": r.path, "headers": dict(r.headers), "body": r.json} for r in requests])
    )
