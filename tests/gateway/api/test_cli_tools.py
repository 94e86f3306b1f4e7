from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from combos.models import Combo
from tests.gateway.cli_tools.conftest import home  # noqa: F401
from tests.management import ManagementClient, api  # noqa: F401

PATH = "/api/cli-tools"
KEY = "sk-or-a-whole-key-of-the-gateway-0042"
ORIGINAL = '{\n  // mine\n  "theme": "dark"\n}\n'


@pytest.fixture(autouse=True)
def _ready(db: None, home: Path, settings: Any) -> None:  # noqa: F811
    settings.BASE_URL, settings.PORT, settings.REQUIRE_API_KEY = "http://localhost:20128", 20128, False
    (home / ".claude").mkdir()
    (home / ".claude/settings.json").write_text(ORIGINAL)
    Combo.objects.create(name="my-combo").targets.create(model="openai/gpt-4o", position=1)


def test_a_tool_is_configured_read_and_reset(api: ManagementClient, home: Path) -> None:  # noqa: F811
    before = api.ok("GET", f"{PATH}/claude-settings")
    assert (before["hasOmniRoute"], before["settings"]) == (False, None)
    assert (before["settingsPath"], before["automatic"]) == ("~/.claude/settings.json", True)
    assert "ANTHROPIC_BASE_URL" in before["byHand"][0]["text"]
    body = {"baseUrl": "http://localhost:20128/v1", "apiKey": KEY, "model": "my-combo"}
    done = api.ok("POST", f"{PATH}/claude-settings", body)
    assert done["success"]
    assert done["paths"] == ["~/.claude/settings.json", "~/.claude.json"]
    after = api.ok("GET", f"{PATH}/claude-settings")
    assert after["hasOmniRoute"]
    assert after["settings"] == {
        "baseUrl": "http://localhost:20128",
        "model": "my-combo",
        "smallModel": "my-combo",
        "apiKey": f"{KEY[:6]}…{KEY[-4:]}",
    }
    assert KEY not in json.dumps(api.ok("GET", PATH))
    again = {"model": "openai/gpt-4o", "apiKey": after["settings"]["apiKey"], "smallModel": "my-combo"}
    api.ok("POST", f"{PATH}/claude-settings", again)
    text = (home / ".claude/settings.json").read_text()
    assert KEY in text
    assert "// mine" in text
    api.ok("DELETE", f"{PATH}/claude-settings")
    assert (home / ".claude/settings.json").read_text() == ORIGINAL
    assert not (home / ".claude.json").exists()
    assert api.ok("DELETE", f"{PATH}/claude-settings")["paths"] == []


def test_every_tool_is_listed(api: ManagementClient) -> None:  # noqa: F811
    found = api.ok("GET", PATH)
    assert found["writesAllowed"] is True
    tools = {tool["tool"]: tool for tool in found["tools"]}
    assert {"claude", "codex", "gemini", "opencode", "openclaw", "droid", "cline", "kilo", "continue"} <= set(
        tools
    )
    assert tools["cursor"]["automatic"] is False
    for id in tools:
        assert api.ok("GET", f"{PATH}/{id}-settings?model=x")["tool"] == id


def test_backups_are_listed_and_restored(api: ManagementClient, home: Path) -> None:  # noqa: F811
    assert api.ok("GET", f"{PATH}/backups") == {"backups": []}
    api.ok("POST", f"{PATH}/claude-settings", {"model": "my-combo", "apiKey": KEY})
    (backup,) = api.ok("GET", f"{PATH}/backups?tool=claude")["backups"]
    assert (backup["tool"], backup["path"], backup["size"]) == (
        "claude",
        "~/.claude/settings.json",
        len(ORIGINAL),
    )
    assert api.ok("GET", f"{PATH}/backups?tool=codex")["backups"] == []
    assert api.ok("POST", f"{PATH}/backups", {"backupId": backup["id"]})["success"]
    assert (home / ".claude/settings.json").read_text() == ORIGINAL
    assert api.error("POST", f"{PATH}/backups", {"backupId": "../../etc/passwd"})[0] == 404
    assert api.error("GET", f"{PATH}/backups?tool=none")[0] == 404


def test_what_cannot_be_is_refused(api: ManagementClient, home: Path, settings: Any) -> None:  # noqa: F811
    path = f"{PATH}/claude-settings"
    assert api.error("POST", path, {"model": "no-such-model"}) == (400, "model")
    assert api.error("POST", path, {"model": "my-combo", "smallModel": "nope"}) == (400, "smallModel")
    assert api.error("POST", path, {"model": "my-combo", "baseUrl": "nowhere"}) == (400, "baseUrl")
    assert api.error("POST", path, {}) == (400, "model")
    assert api.error("POST", f"{PATH}/cursor-settings", {"model": "my-combo"})[0] == 400
    assert api.error("GET", f"{PATH}/none-settings") == (404, "tool")
    settings.REQUIRE_API_KEY = True
    assert api.error("POST", path, {"model": "my-combo"}) == (400, "apiKey")
    (home / ".claude/settings.json").write_text('{\n  "a": 1\n  "b": 2\n}')
    status, answer = api.call("POST", path, {"model": "my-combo", "apiKey": KEY})
    assert (status, answer["error"]["code"]) == (409, "settings_broken")
    assert "line 3, column 3" in answer["error"]["message"]
    assert "line 3" in api.ok("GET", path)["files"][0]["problem"]


def test_where_it_must_not_write_it_only_tells(api: ManagementClient, settings: Any) -> None:  # noqa: F811
    settings.CLI_ALLOW_CONFIG_WRITES = False
    for method, path, body in (
        ("POST", f"{PATH}/claude-settings", {"model": "my-combo"}),
        ("DELETE", f"{PATH}/claude-settings", None),
        ("POST", f"{PATH}/backups", {"backupId": "x"}),
    ):
        status, answer = api.call(method, path, body)
        assert (status, answer["error"]["code"]) == (403, "config_writes_disabled")
    assert api.ok("GET", PATH)["writesAllowed"] is False
    assert api.ok("GET", f"{PATH}/claude-settings")["byHand"]
