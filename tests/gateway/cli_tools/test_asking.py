"""What is asked for is checked before anything is written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from gateway.cli_tools import by_hand, documents
from gateway.cli_tools.asking import NO_KEY, make_choice
from gateway.cli_tools.rows import Choice
from gateway.cli_tools.tools import TOOLS, get_tool
from gateway.cli_tools.urls import clean_url, is_known
from gateway.wire import FORMATS
from omniroute.errors import InvalidRequest
from omniroute.net import is_private
from tests.services import ROOT

URL = "http://localhost:20128"
CODEX = get_tool("codex")


@pytest.fixture(autouse=True)
def _gateway(settings, home):
    settings.BASE_URL, settings.PORT, settings.REQUIRE_API_KEY = URL, 20128, False


@pytest.mark.parametrize("text", [URL, f"{URL}/", f"{URL}/v1", f"{URL}/v1/", f"{URL}/v1beta", f" {URL}/v1 "])
def test_every_spelling_of_an_address_is_the_same(text):
    assert clean_url(text) == URL


@pytest.mark.parametrize(
    "text",
    ["", "localhost:20128", "ftp://x", "http://", "http://[x", "http://x:99999", 'http://x"y', "http://a b",
     "http://user:pass@x", "http://x?q=1", "http://x/$(id)", "javascript:alert(1)"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text):
    with pytest.raises(InvalidRequest) as caught:
        clean_url(text)
    assert caught.value.param == "baseUrl"


def test_its_own_addresses_are_known(settings):
    assert all(map(is_known, (URL, "http://127.0.0.1:20128", "http://[::1]:20128")))
    assert not any(map(is_known, ("", "http://localhost:1", "https://api.anthropic.com", "http://[x")))
    settings.BASE_URL = "https://llm.example.com"
    assert is_known("https://llm.example.com")


def test_a_key_is_needed_where_the_gateway_asks_for_one(settings):
    assert make_choice(CODEX, url=URL, key="", model="m").key == NO_KEY
    for url, required in ((URL, True), ("https://llm.example.com", False)):
        settings.REQUIRE_API_KEY = required
        with pytest.raises(InvalidRequest) as caught:
            make_choice(CODEX, url=url, key="", model="m")
        assert caught.value.param == "apiKey"


@pytest.mark.parametrize(
    ("values", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": "a\nb"}, "model"),
        ({"small": "x" * 201}, "smallModel"),
        ({"key": "a b"}, "apiKey"),
    ],
)
def test_what_no_file_could_hold_is_refused(values, param):
    with pytest.raises(InvalidRequest) as caught:
        make_choice(CODEX, **{"url": URL, "key": "k", "model": "m", **values})
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("bound", "address", "proxies", "private"),
    [
        ("127.0.0.1", URL, [], True),
        ("::1", URL, [], True),
        ("0.0.0.0", URL, [], False),
        ("127.0.0.1", "https://llm.example.com", [], False),
        ("127.0.0.1", URL, ["127.0.0.1"], False),
        ("127.0.0.1", "http://[x", [], False),
    ],
)
def test_only_a_gateway_of_one_machine_writes_by_default(bound, address, proxies, private):
    assert is_private(bound, address, proxies) is private


def test_every_row_is_sound():
    names = [name for tool in TOOLS.values() for name in (tool.id, *tool.also)]
    assert len(names) == len(set(names))
    for tool in TOOLS.values():
        assert tool.wire in FORMATS
        assert tool.files or tool.exports or tool.steps or tool.code
        assert not tool.files or (tool.program and tool.start)
        for slot in tool.files:
            assert len({file.format for file in slot}) == 1 or tool.id == "continue"
            for file in slot:
                assert file.format in documents.FORMATS
                assert file.path.startswith(file.prefix)


def test_the_guide_names_every_tool():
    guide = (ROOT / "docs/clients.md").read_text()
    automatic, others = (
        guide.partition("It works for ")[2].partition("the options")[0].split("for\nthe others", 1)
    )
    assert set(re.findall(r"`([\w-]+)`", automatic)) == {
        tool.id for tool in TOOLS.values() if tool.is_automatic
    }
    named = re.findall(r"`([\w-]+)`", others.partition(")")[0])
    assert set(named) == {tool.id for tool in TOOLS.values() if not tool.is_automatic}


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS.keys())
def test_what_is_shown_for_the_hand_says_everything(tool):
    choice = Choice("https://llm.example.com", "sk-or-x", "a/b", "c")
    shown = "\n".join(snippet.text for snippet in by_hand.snippets(tool, choice))
    for value in (choice.url, choice.key, choice.model):
        assert value in shown
    assert "$url" not in shown
    assert "$model" not in shown


def configure(*words: str) -> str:
    out = StringIO()
    call_command("configure", *words, stdout=out)
    return out.getvalue()


def test_the_command_configures_shows_and_resets(home):
    shown = configure("claude-code", "--model", "my-combo", "--print")
    assert '"ANTHROPIC_AUTH_TOKEN": "your-omniroute-api-key"' in shown
    assert list(home.iterdir()) == []
    said = configure(
        "claude", "--model", "my-combo", "--base-url", "https://x.example/v1", "--api-key", "sk-1"
    )
    assert "~/.claude/settings.json: written" in said
    env = json.loads((home / ".claude/settings.json").read_text())["env"]
    assert (env["ANTHROPIC_BASE_URL"], env["ANTHROPIC_AUTH_TOKEN"]) == ("https://x.example", "sk-1")
    said = configure("claude", "--model", "other", "--base-url", "https://x.example", "--small-model", "tiny")
    env = json.loads((home / ".claude/settings.json").read_text())["env"]
    assert (env["ANTHROPIC_AUTH_TOKEN"], env["ANTHROPIC_MODEL"]) == ("sk-1", "other")
    assert env["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "tiny"
    assert "entries are gone" in configure("claude", "--reset")
    assert [path for path in home.rglob("*") if path.is_file()] == []
    assert "has nothing" in configure("claude", "--reset")
    assert "export COPILOT_MODEL=my-combo" in configure("copilot", "--model", "my-combo")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing", "--model", "m"), "Known: claude"),
        (("claude",), "choose a model"),
        (("claude", "--model", "m", "--base-url", "nowhere"), "an address like"),
        (("cursor", "--reset"), "by hand"),
    ],
)
def test_the_command_says_what_is_wrong(words, said):
    with pytest.raises(CommandError, match=said):
        configure(*words)


def test_the_command_needs_no_database(tmp_path):
    env = {
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "DATA_DIR": str(tmp_path / "data"),
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "omniroute", "configure", "codex", "--model", "m"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 'base_url = "http://localhost:20128/v1"' in (tmp_path / ".codex/config.toml").read_text()
