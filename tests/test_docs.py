"""What docs/ promises: every example is run against a real gateway, every list is complete."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class

from gateway.api.root import api as management
from gateway.endpoints import wire_api
from gateway.simulator import Simulator
from tests.e2e.server import Gateway, running
from tests.services import IN_CI, ROOT
from tests.test_packaging import product_names

API = (ROOT / "docs" / "api.md").read_text()
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()
EXAMPLE = re.compile(r"^```sh\n(?P<command>.*?)^```\n```(?P<kind>\w+)\n(?P<answer>.*?)^```", re.M | re.S)
EXAMPLES = list(EXAMPLE.finditer(API))


def matches(expected: Any, found: Any) -> bool:
    """What is shown must be there; more may be. `…` stands for anything, and a number for any number above 0."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(
            matches(item, found.get(key)) for key, item in expected.items()
        )
    if isinstance(expected, list):
        return isinstance(found, list) and len(expected) == len(found) and all(map(matches, expected, found))
    if isinstance(expected, str):
        return isinstance(found, str) and re.fullmatch(pattern(expected), found, re.S) is not None
    if isinstance(expected, bool) or not expected:
        return bool(expected is found or expected == found)
    return isinstance(found, type(expected)) and found > 0


def pattern(text: str) -> str:
    return re.escape(text).replace("…", ".*")


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory, _simulator: Simulator) -> Iterator[Gateway]:
    with running(tmp_path_factory.mktemp("documented"), fresh=True) as gateway:
        gateway.key = gateway.command("create_api_key", "docs", "--scope", "manage").strip()
        yield gateway


def answer_of(command: str, gateway: Gateway, simulator: Simulator, folder: Path) -> str:
    command = command.replace("http://localhost:20128", gateway.url).replace(
        "http://127.0.0.1:20129", simulator.url
    )
    env = {**gateway.env, "KEY": gateway.key, "no_proxy": "*"}
    done = subprocess.run(
        ["bash", "-ec", command], cwd=folder, env=env, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.e2e
def test_the_examples_do_what_they_show(documented: Gateway, simulator: Simulator, tmp_path: Path) -> None:
    if not shutil.which("curl"):
        assert not IN_CI, "CI must have curl"
        pytest.skip("no curl found")
    (tmp_path / "talk.mp3").write_bytes(b"ID3" + bytes(32_000))
    for example in EXAMPLES:
        command, answer = example["command"], example["answer"]
        found = answer_of(command, documented, simulator, tmp_path)
        if example["kind"] == "json":
            assert matches(json.loads(answer), json.loads(found)), (
                f"{command}\nshows {answer}\nbut is {found}"
            )
        else:
            wanted = r"\n.*?".join(pattern(line) for line in answer.splitlines())
            assert re.search(wanted.replace(".*?", "(?s:.*?)"), found.replace("\r", "")), (
                f"{command}\n{found}"
            )


CURL = re.compile(r"^ *(curl (?:[^\n'\\]|'[^']*'|\\\n)+)$", re.M)
PAGES = ("README.md", "docs/usage.md", "docs/simulator.md", "docs/sync.md")


def test_what_other_pages_ask_for_is_answered(
    documented: Gateway, simulator: Simulator, tmp_path: Path
) -> None:
    """What they name as an example of the reader's own, a model and another machine, is put in its place."""
    if not shutil.which("curl"):
        assert not IN_CI, "CI must have curl"
        pytest.skip("no curl found")
    node = {"name": "Pages", "prefix": "pages", "type": "openai-compatible", "baseUrl": f"{simulator.url}/v1"}
    documented.manage("POST", "/api/provider-nodes", node)
    documented.manage("POST", "/api/providers", {"provider": "pages", "name": "pages", "apiKey": "sk-any"})
    sync_key = documented.command("create_api_key", "pages", "--scope", "sync").strip()
    for page in PAGES:
        commands = CURL.findall((ROOT / page).read_text())
        assert commands, page
        for command in commands:
            command = command.replace("openai/gpt-4o-mini", "pages/small").replace("$SYNC_KEY", sync_key)
            for written in ("http://127.0.0.1:20128", "http://server:20128"):
                command = command.replace(written, documented.url)
            asked = command.replace("curl ", "curl -s -o answer -w '%{http_code}' ", 1)
            status = answer_of(asked, documented, simulator, tmp_path)
            assert status == "200", f"{page}: {command}\n{status} {(tmp_path / 'answer').read_text()[:500]}"


def test_every_command_that_a_page_shows_is_one_that_the_product_takes() -> None:
    shown = set()
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        blocks = re.findall(r"^```(?:sh|console)\n(.*?)^```", page.read_text(), re.M | re.S)
        lines = (line for block in blocks for line in block.splitlines() if line.startswith("omniroute "))
        shown |= {line.partition("#")[0].strip(" &").replace("[", "").replace("]", "") for line in lines}
    assert len(shown) > 10
    for line in sorted(shown):
        _, name, *arguments = shlex.split(line)
        command = load_command_class(get_commands()[name], name)
        command.create_parser("omniroute", name).parse_args(arguments)


def test_every_block_of_commands_is_an_example():
    assert len(EXAMPLES) == len(re.findall(r"^```sh$", API, re.M)) > 15


def test_an_example_that_lies_is_noticed():
    assert matches(
        {"a": "x…", "n": 5, "l": [{"b": True}]}, {"a": "xyz", "n": 7, "l": [{"b": True, "c": 1}], "z": 0}
    )
    wrong: list[Any] = [{}, {"a": "y"}, {"a": 1}, {"a": None}, [], None]
    assert not any(matches({"a": "x…"}, found) for found in wrong)
    assert not matches([1], [1, 2])
    assert not matches({"b": True}, {"b": False})
    assert not matches({"n": 5}, {"n": 0})


def test_every_operation_is_described():
    operations = [
        (method, path, operation)
        for path, methods in management.get_openapi_schema(path_prefix="")["paths"].items()
        for method, operation in methods.items()
    ]
    assert [
        (method, path) for method, path, operation in operations if not operation.get("description")
    ] == []


def test_every_route_is_listed():
    listed = set(re.findall(r"`(?:GET |POST )?(/(?:api|v1|v1beta)/[^`\s]*)`", API))
    served = set()
    for api in (management, wire_api):
        for path in api.get_openapi_schema(path_prefix="")["paths"]:
            served.add(path if api is wire_api else f"/api{path.removeprefix('/api')}")
    documents = {"/api/", "/api/docs", "/api/openapi.json"}
    assert listed - documents == served


# ---- Configuration -----------------------------------------------------------------------------------------------

ROWS = {
    name: (default, about)
    for names, default, about in re.findall(r"^\| (`[A-Z].*?) \| (.*?) \| (.*?) \|$", CONFIGURATION, re.M)
    for name in re.findall(r"`(\w+)`", names)
}
READ = re.compile(
    r"env\.\w+\(\s*\"([A-Z][A-Z0-9_]*)\",\s*default=(\[\"\*\"\]|\"[^\"]+\"|\d+|True|False)\s*\)"
)


def test_what_is_referred_to_is_there():
    """Pages in links and in the code's own words, and the sections of the protocol notes."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [ROOT / name for name in tracked.split() if name.endswith((".py", ".md"))]
    notes = set(re.findall(r"^###? (.+)$", (ROOT / "docs" / "protocol-notes.md").read_text(), re.M))
    missing = []
    for file in filter(Path.is_file, files):
        text = file.read_text()
        for page, section in re.findall(r"(docs/[\w-]+\.md)(?:,\s([A-Z][\w -]*\w))?", text):
            known = (ROOT / page).is_file() and (
                page != "docs/protocol-notes.md"
                or not section
                or section in notes
                or any(section.startswith(f"{note} and ") for note in notes)
            )
            missing += [] if known else [f"{file.relative_to(ROOT)}: {page} {section}"]
        if file.suffix == ".md":
            for link in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
                missing += [] if (file.parent / link).exists() else [f"{file.relative_to(ROOT)}: {link}"]
    assert missing == []


def test_every_variable_is_listed_and_no_other():
    assert set(ROWS) == product_names()
    assert all(about for _, about in ROWS.values())


def test_the_defaults_are_those_of_the_code():
    code = dict(READ.findall((ROOT / "omniroute" / "settings.py").read_text()))
    assert len(code) > 10
    for name, default in code.items():
        shown = ROWS[name][0].strip("`")
        assert shown == default.strip('[]"').lower() or shown == default.strip('[]"'), name
