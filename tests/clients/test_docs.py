"""docs/clients.md shows the configurations that the client tests run."""

from __future__ import annotations

import re
from string import Template

import pytest

from tests.clients.programs import PACKAGES, PROGRAMS, Program
from tests.services import ROOT

TEXT = (ROOT / "docs" / "clients.md").read_text()
VALUES = {
    "url": "http://localhost:20128",
    "key": "your-omniroute-api-key",
    "model": "my-combo",
    "home": "~",
}
FIRST = {program.package: program for program in reversed(PROGRAMS.values())}
each_first = pytest.mark.parametrize("program", FIRST.values(), ids=FIRST.keys())


def shown(text: str) -> str:
    return Template(text).substitute(VALUES)


@each_first
def test_it_shows_each_file_as_it_is_run(program: Program):
    missing = [
        path
        for path, text in program.files.items()
        if not path.endswith("keys.json") and shown(text) not in TEXT
    ]
    assert missing == []


@each_first
def test_it_shows_each_variable_that_leads_to_the_gateway(program: Program):
    led = [f"export {name}={shown(value)}" for name, value in program.env.items() if "$" in value]
    assert [line for line in led if line not in TEXT and "LLM_USER_PATH" not in line] == []


def test_every_wire_format_has_programs_that_speak_it():
    assert len({program.wire for program in PROGRAMS.values()}) == 4
    assert {program.package for program in PROGRAMS.values()} == set(PACKAGES) - {"node"}


def test_every_version_is_pinned():
    loose = [
        requirement
        for package in PACKAGES.values()
        for requirement in package.requirements
        if not re.search(r"[^=]==\d|.@\d+\.\d", requirement)
    ]
    assert loose == []
