"""Every tool in a real home folder: what the user wrote stays, and a reset brings it back."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from gateway.cli_tools import backups, documents, files, ledger, writing
from gateway.cli_tools.documents.paths import Change, get
from gateway.cli_tools.files import SettingsBroken, SettingsChanged, SettingsOutOfReach
from gateway.cli_tools.places import chosen_files, path_of
from gateway.cli_tools.rows import Choice, Tool
from gateway.cli_tools.status import status_of
from gateway.cli_tools.tools import TOOLS, get_tool
from omniroute.errors import InvalidRequest, NotFound

CHOICE = Choice("http://localhost:20128", "sk-or-a-secret-of-forty-characters-or-more", "my/combo", "small")
OTHER = Choice("http://localhost:20128", "sk-or-another", "other")
AUTOMATIC = [tool for tool in TOOLS.values() if tool.is_automatic]
each_tool = pytest.mark.parametrize("tool", AUTOMATIC, ids=lambda tool: tool.id)

MINE: dict[str, str] = {
    ".claude/settings.json": (
        '{\n  "env": {\n    "ANTHROPIC_MODEL": "opus",\n    "MINE": "1"\n  },\n  "model": "opus"\n}\n'
    ),
    ".claude.json": '{"numStartups":12,"projects":{"/x":{"history":[{"display":"hi"}]}}}',
    ".codex/config.toml": (
        '# mine\nmodel = "gpt-5.5" # keep\n\n[mcp_servers.docs]\ncommand = "npx"\n\n[tui]\nx = 1\n'
    ),
    ".gemini/.env": "# mine\nGEMINI_API_KEY=AIza-mine\nOTHER='x y'\n",
    ".gemini/settings.json": (
        '{"security": {"auth": {"selectedType": "oauth-personal"}}, "ui": {"theme": "x"}}'
    ),
    ".qwen/settings.json": '{\n  // mine\n  "model": {"name": "qwen3-coder-plus"},\n  "$version": 3\n}\n',
    ".config/opencode/opencode.json": (
        '{\n\t// mine\n\t"theme": "x",\n\t"provider": {\n\t\t"mine": {"npm": "y"},\n\t},\n}\n'
    ),
    ".config/kilo/kilo.json": '{"$schema": "s", "model": "anthropic/claude"}\n',
    ".openclaw/openclaw.json": (
        "{\n  // mine\n  gateway: { mode: 'local' },\n  agents: { defaults: { workspace: '~/w', }, },\n}\n"
    ),
    ".factory/settings.json": (
        '{\n  "customModels": [\n    {"displayName": "Mine", "model": "m"} // one\n  ]\n}\n'
    ),
    ".cline/data/settings/providers.json": (
        '{\r\n  "version": 1,\r\n  "lastUsedProvider": "cline",\r\n  "providers": {}\r\n}'
    ),
    ".cline/data/globalState.json": '{"actModeApiProvider": "anthropic", "taskHistory": []}',
    ".cline/data/secrets.json": '{"apiKey": "mine"}',
    ".continue/config.yaml": (
        "name: Mine # keep\nversion: 0.0.1\nmodels:\n  - name: Local\n    provider: ollama\n    model: 'x'\n"
    ),
    ".pi/agent/models.json": '{"providers": {"mine": {"baseUrl": "x"}}}',
    ".pi/agent/settings.json": '{"defaultProvider": "anthropic"}',
    ".aider.conf.yml": "# mine\nmodel: sonnet\ndark-mode: true\n",
    ".config/io.datasette.llm/extra-openai-models.yaml": "# mine\n- model_id: mine\n  model_name: x\n",
    ".config/io.datasette.llm/keys.json": '{"// Note": "a note", "openai": "sk-mine"}',
}


def write_mine(home: Path) -> None:
    for path, text in MINE.items():
        target = home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())


def content(home: Path) -> dict[str, bytes]:
    return {str(file.relative_to(home)): file.read_bytes() for file in home.rglob("*") if file.is_file()}


def data_of(tool: Tool) -> list[Any]:
    return [documents.FORMATS[file.format].parse(path_of(file).read_text()) for file in chosen_files(tool)]


@each_tool
def test_nothing_of_the_users_is_lost_and_a_reset_gives_the_same_bytes(tool, home):
    write_mine(home)
    before, data = content(home), data_of(tool)
    paths = writing.configure(tool, CHOICE)
    for path in paths:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for file, old, new in zip(chosen_files(tool), data, data_of(tool), strict=True):
        for entry in file.entries:
            kept = get(old, entry.path) if entry.keep else None
            assert get(new, entry.path) == CHOICE.fill(entry.value) or get(new, entry.path) == kept
    comments = [line for path in paths for line in path.read_text().splitlines() if "mine" in line]
    assert all(
        any("mine" in line for line in comments)
        for text in [MINE[str(paths[0].relative_to(home))]]
        if "mine" in text
    )
    writing.configure(tool, OTHER)
    assert "my/combo" not in "".join(path.read_text() for path in paths)
    assert {str(path.relative_to(home)) for path in paths} == {
        name for name, raw in content(home).items() if raw != before[name]
    }
    writing.reset(tool)
    assert content(home) == before


@each_tool
def test_what_was_changed_since_stays(tool, home):
    write_mine(home)
    before = data_of(tool)
    writing.configure(tool, CHOICE)
    for file in chosen_files(tool):
        path = path_of(file)
        if isinstance(documents.FORMATS[file.format].parse(path.read_text()), dict):
            path.write_text(
                documents.edit(file.format, path.read_text(), [Change(("ADDED",), "by the user")])
            )
    writing.reset(tool)
    after = data_of(tool)
    for each in after:
        if isinstance(each, dict):
            assert each.pop("ADDED") == "by the user"
    assert after == before


@each_tool
def test_in_an_empty_home_it_makes_the_files_and_a_reset_takes_them_away(tool, home):
    assert not status_of(tool).is_configured
    writing.configure(tool, CHOICE)
    status = status_of(tool)
    assert status.is_configured
    assert (status.url, status.model, status.key) == (CHOICE.url, CHOICE.model, CHOICE.key)
    assert CHOICE.key not in status.masked_key
    assert set(content(home)) == {file.path for file in chosen_files(tool)}
    kept = [path.read_text() for path in files_of_data(home) if "backups" not in path.parts]
    assert not any(CHOICE.key in text for text in kept)
    writing.reset(tool)
    assert content(home) == {}


def files_of_data(home: Path) -> list[Path]:
    return [path for path in (home.parent / "data").rglob("*") if path.is_file()]


@each_tool
def test_without_a_record_it_knows_its_own_by_their_likeness(tool, home, settings):
    """Another gateway's folder, or a lost one."""
    write_mine(home)
    writing.configure(tool, CHOICE)
    settings.DATA_DIR = home.parent / "other"
    writing.reset(tool)
    text = "".join(raw.decode() for raw in content(home).values())
    assert CHOICE.url not in text
    assert "mine" in text.lower()


@each_tool
def test_a_broken_file_is_refused_with_its_place_and_nothing_is_written(tool, home):
    write_mine(home)
    file = next(file for file in reversed(chosen_files(tool)) if file.format != "env")
    broken = {"json": '{\n  "a": 1\n  "b": 2}', "toml": 'a = 1\nb = "\n', "yaml": "a: 1\nb: [1\nc: }\n"}[
        file.format
    ]
    path_of(file).write_text(broken)
    before = content(home)
    with pytest.raises(SettingsBroken) as caught:
        writing.configure(tool, CHOICE)
    assert file.path.split("/")[-1] in caught.value.message
    assert "line " in caught.value.message
    assert "column " in caught.value.message
    assert content(home) == before
    assert status_of(tool).problem


CLAUDE = get_tool("claude-code")


def test_a_file_that_cannot_be_written_takes_the_others_back(home, monkeypatch):
    write_mine(home)
    before = content(home)
    real = files.write

    def write(snapshot, text):
        if snapshot.path.name == ".claude.json":
            raise SettingsOutOfReach("no")
        real(snapshot, text)

    monkeypatch.setattr("gateway.cli_tools.files.write", write)
    with pytest.raises(SettingsOutOfReach):
        writing.configure(CLAUDE, CHOICE)
    assert content(home) == before
    assert ledger.load(home / ".claude/settings.json") is None


def test_a_read_only_folder_is_said(home):
    if os.geteuid() == 0:
        folder = Path("/proc/self")  # where not even root makes files
        with pytest.raises(SettingsOutOfReach, match="cannot be written"):
            files.write(files.read(folder / "settings.json"), b"{}")
        return
    (home / ".claude").mkdir(mode=0o500)
    with pytest.raises(SettingsOutOfReach, match="cannot be written: permission denied"):
        writing.configure(CLAUDE, CHOICE)


def test_a_folder_in_the_files_place_is_said(home):
    (home / ".claude/settings.json").mkdir(parents=True)
    with pytest.raises(SettingsOutOfReach, match="no ordinary file"):
        writing.configure(CLAUDE, CHOICE)


def test_another_programs_change_meanwhile_is_not_overwritten(home):
    path = home / "settings.json"
    path.write_text("{}")
    snapshot = files.read(path)
    path.write_text('{"theirs": 1}')
    with pytest.raises(SettingsChanged, match="try again"):
        files.write(snapshot, b"{}")
    assert path.read_text() == '{"theirs": 1}'
    absent = files.read(home / "new.json")
    (home / "new.json").write_text("theirs")
    with pytest.raises(SettingsChanged):
        files.write(absent, b"{}")
    assert [file.name for file in home.iterdir()] == ["settings.json", "new.json"] or len(
        list(home.iterdir())
    ) == 2


def test_links_are_followed_and_marks_and_modes_kept(home):
    real = home / "dotfiles" / "claude.json"
    real.parent.mkdir()
    real.write_bytes(b"\xef\xbb\xbf{}")
    real.chmod(0o640)
    (home / ".claude").mkdir()
    (home / ".claude/settings.json").symlink_to(real)
    writing.configure(CLAUDE, CHOICE)
    assert (home / ".claude/settings.json").is_symlink()
    assert real.read_bytes().startswith(b'\xef\xbb\xbf{\n  "env"')
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    writing.reset(CLAUDE)
    assert real.read_bytes() == b"\xef\xbb\xbf{}"


def test_files_that_are_no_text_are_refused(home):
    (home / ".claude").mkdir()
    (home / ".claude/settings.json").write_bytes(b'{"a":\n"\xff"}')
    with pytest.raises(SettingsBroken, match="line 2"):
        writing.configure(CLAUDE, CHOICE)


def test_the_alternative_that_is_there_is_the_one(home):
    (home / ".config/opencode").mkdir(parents=True)
    (home / ".config/opencode/opencode.jsonc").write_text("{ // mine\n}")
    (path,) = writing.configure(get_tool("opencode"), CHOICE)
    assert path.name == "opencode.jsonc"
    (home / ".continue").mkdir()
    (home / ".continue/config.json").write_text('{"models": []}')
    (path,) = writing.configure(get_tool("continue"), CHOICE)
    assert path.name == "config.json"
    assert '"title": "OmniRoute"' in path.read_text()


def test_the_tools_own_variables_move_their_files(home, settings):
    settings.CLI_FOLDERS = {"CODEX_HOME": str(home / "elsewhere"), "XDG_CONFIG_HOME": "~/xdg"}
    assert writing.configure(get_tool("codex"), CHOICE) == [home / "elsewhere/config.toml"]
    settings.CLI_FOLDERS = {"CLAUDE_CONFIG_DIR": str(home / "c")}
    assert writing.configure(CLAUDE, CHOICE) == [home / "c/settings.json", home / "c/.claude.json"]


def test_a_tool_that_was_led_elsewhere_since_is_not_configured(home):
    write_mine(home)
    path = home / ".claude/settings.json"
    writing.configure(CLAUDE, Choice("https://llm.example.com", "sk", "m"))
    assert status_of(CLAUDE).is_configured
    path.write_text(path.read_text().replace("https://llm.example.com", "https://elsewhere.example"))
    status = status_of(CLAUDE)
    assert (status.is_configured, status.has_entries, status.url) == (
        False,
        True,
        "https://elsewhere.example",
    )
    writing.reset(CLAUDE)
    assert '"ANTHROPIC_BASE_URL": "https://elsewhere.example"' in path.read_text()
    assert '"ANTHROPIC_MODEL": "opus"' in path.read_text()
    assert not status_of(CLAUDE).has_entries


def test_a_tool_by_hand_is_not_written(home):
    with pytest.raises(InvalidRequest, match="by hand"):
        writing.configure(get_tool("cursor"), CHOICE)
    with pytest.raises(NotFound, match="Known: claude"):
        get_tool("nothing")


def test_the_last_backups_are_kept_and_restored(home):
    write_mine(home)
    path, codex = home / ".codex/config.toml", get_tool("codex")
    for number in range(backups.KEPT + 3):
        writing.configure(codex, Choice("http://localhost:20128", "sk", f"model-{number}"))
    listed = backups.everything()
    assert len(listed) == backups.KEPT
    assert [each.created_at for each in listed] == sorted((each.created_at for each in listed), reverse=True)
    assert 'model = "model-11"' in listed[0].text
    backups.restore(listed[0].id)
    assert 'model = "model-11"' in path.read_text()
    assert 'model = "model-12"' in backups.everything()[0].text
    for bad in ("../x", "nothing", ""):
        with pytest.raises(NotFound):
            backups.restore(bad)
    writing.reset(codex)
    assert path.read_text() == MINE[".codex/config.toml"]
    for file in files_of_data(home):
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0 or file.name == "lock"
