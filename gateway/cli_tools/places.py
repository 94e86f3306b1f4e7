"""Where the tools' files are, and where the gateway keeps what it knows of them."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from gateway.cli_tools.rows import SettingsFile, Tool


def path_of(file: SettingsFile) -> Path:
    """The file's path, by the tool's own variable where that is set."""
    folder = settings.CLI_FOLDERS.get(file.variable, "")
    home: Path = settings.CLI_CONFIG_HOME
    if not folder:
        return home / file.path
    rest = file.path.removeprefix(file.prefix).lstrip("/") if file.prefix else file.path
    return home / Path(folder).expanduser() / rest


def chosen_files(tool: Tool) -> list[SettingsFile]:
    """Of every file of the tool, the alternative that is there, else the first."""
    return [next((file for file in slot if path_of(file).exists()), slot[0]) for slot in tool.files]


def shown(path: Path) -> str:
    """With `~` for the home folder."""
    home: Path = settings.CLI_CONFIG_HOME
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def own_folder(*names: str) -> Path:
    """A folder in `DATA_DIR` that only its owner reads."""
    folder: Path = settings.DATA_DIR.joinpath("cli-tools", *names)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
