"""What to write by hand, for tools on other machines: the same rows, as text to copy."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from gateway.cli_tools import documents
from gateway.cli_tools.documents.paths import Change
from gateway.cli_tools.rows import Choice, SettingsFile, Tool

YOUR_KEY = "your-omniroute-api-key"


@dataclass(frozen=True, slots=True)
class Snippet:
    title: str
    text: str
    language: str = ""


def snippets(tool: Tool, choice: Choice) -> list[Snippet]:
    """Everything that configures the tool, in the order in which one does it."""
    found = [_file(slot[0], choice) for slot in tool.files]
    if tool.exports:
        lines = [f"export {name}={shlex.quote(choice.fill(value))}" for name, value in tool.exports]
        found.append(
            Snippet("In the shell, instead" if tool.files else "In the shell", "\n".join(lines), "sh")
        )
    if tool.steps:
        found.append(Snippet("In its settings", "\n".join(choice.fill(step) for step in tool.steps)))
    if tool.code:
        found.append(Snippet("In Python", choice.fill(tool.code), "python"))
    return found


def command(tool: Tool, choice: Choice) -> str:
    """What does it on another machine that has this program."""
    words = [
        *("omniroute", "configure", tool.id, "--model", choice.model),
        *("--base-url", choice.url, "--api-key", choice.key),
    ]
    return shlex.join(words)


def _file(file: SettingsFile, choice: Choice) -> Snippet:
    form = documents.FORMATS[file.format]
    changes = [Change(entry.path, choice.fill(entry.value)) for entry in file.entries]
    return Snippet(f"~/{file.path}", documents.edit(file.format, "", changes).rstrip("\n"), form.language)
