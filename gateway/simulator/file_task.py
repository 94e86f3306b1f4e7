"""`MAKEFILE <path> <word>` in a prompt: the call with which a coding tool's own program would write that file.

The tools and the names of their arguments are those of the programs in docs/clients.md. The word is percent-decoded,
so that it can be any text: `MAKEFILE notes.txt two%0Alines`.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from gateway.simulator.samples import JSONDict, sample

_MARKER = re.compile(r"\bMAKEFILE\s+(\S+)\s+((?:[\w~-]|%[0-9A-Fa-f]{2}|\.(?=[\w%]))+)")
_WRITERS = ("write", "write_file", "write_to_file", "create_file", "fs_write")
_SHELLS = (
    "bash",
    "exec_command",
    "shell",
    "shell_command",
    "run_shell_command",
    "execute_command",
    "run_commands",
    "run_terminal_command",
    "exec",
)
_SEARCH_REPLACE = "SEARCH/REPLACE"
"""Named in the instructions of programs that edit by text instead of tools (Aider)."""


@dataclass(slots=True)
class FileTask:
    path: str
    content: str
    results: list[str] = field(default_factory=list)
    """What tools said since it was set: with one, the task is done."""

    @property
    def command(self) -> str:
        return f"printf %s {shlex.quote(self.content)} > {shlex.quote(self.path)}"


def find(text: str) -> FileTask | None:
    found = _MARKER.search(text)
    return FileTask(found[1], unquote(found[2])) if found else None


def choose(task: FileTask, names: list[str]) -> str | None:
    """The tool that writes the file: one made for it before a shell, whatever group its name was put into."""
    by_name = {re.split(r"__|\.", name)[-1].lower(): name for name in reversed(names)}
    return next((by_name[name] for name in (*_WRITERS, *_SHELLS) if name in by_name), None)


def arguments(task: FileTask, schema: JSONDict) -> str:
    """JSON for the required properties, each by its name."""
    properties: JSONDict = schema.get("properties") or {}
    if list(properties) == ["input"]:
        return json.dumps({"input": script(task)}, ensure_ascii=False)
    names = schema.get("required") or list(properties)
    values = {name: _value(task, name, properties.get(name) or {}) for name in names}
    return json.dumps(values, ensure_ascii=False)


def script(task: FileTask) -> str:
    """For a tool that takes JavaScript, which calls the other tools (Codex)."""
    return (
        f"const done = await tools.exec_command({json.dumps({'cmd': task.command})});\ntext(done.output);\n"
    )


def edit(task: FileTask, prompt: list[str]) -> str | None:
    """The answer that makes a new file where edits are read out of the text; None where they are not."""
    if not any(_SEARCH_REPLACE in text for text in prompt):
        return None
    return f"{task.path}\n```\n<<<<<<< SEARCH\n=======\n{task.content.removesuffix(chr(10))}\n>>>>>>> REPLACE\n```\n"


_ARGUMENTS: dict[str, Callable[[FileTask], Any]] = {
    **dict.fromkeys(("file_path", "filepath", "path", "file", "filename"), lambda task: task.path),
    **dict.fromkeys(("content", "contents", "file_text", "text"), lambda task: task.content),
    **dict.fromkeys(("command", "cmd"), lambda task: task.command),
    **dict.fromkeys(("workdir", "cwd", "directory", "dir_path"), lambda _: "."),
    **dict.fromkeys(("is_background", "run_in_background", "requires_approval"), lambda _: False),
}


def _value(task: FileTask, name: str, schema: JSONDict) -> Any:
    if name == "commands":
        items = schema.get("items") or {}
        return [json.loads(arguments(task, items))] if items.get("properties") else [task.command]
    make = _ARGUMENTS.get(name.lower())
    value = make(task) if make else sample(schema)
    shape = schema.get("type")
    if shape in ("array", "ARRAY") and isinstance(value, str):
        return ["bash", "-c", value]
    return value
