"""What a tool is made of: a row of `tools.TOOLS`.

In values and paths, `$url` is the gateway's address (without `/v1`), `$key` an API key, `$model` the model's name and
`$small` that of the model for small jobs.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Template

from gateway.cli_tools.documents.paths import Data, Path

CHAT, RESPONSES, ANTHROPIC, GEMINI = "openai_chat", "openai_responses", "anthropic_messages", "gemini"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a tool is to use. `url` has no `/v1` and no slash at its end."""

    url: str
    key: str
    model: str
    small: str = ""

    def fill(self, value: Data) -> Data:
        """The value with every placeholder filled in, at any depth; keys too."""
        if isinstance(value, str):
            return Template(value).substitute(
                url=self.url, key=self.key, model=self.model, small=self.small or self.model
            )
        if isinstance(value, dict):
            return {self.fill(key): self.fill(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.fill(item) for item in value]
        return value


@dataclass(frozen=True, slots=True)
class Entry:
    path: Path
    value: Data
    own: bool = False
    """Named after the gateway, so nobody else's: taken away whatever became of it."""
    keep: bool = False
    """Left alone where there is a value already."""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    path: str
    """Below the home folder."""
    format: str
    """Of `documents.FORMATS`."""
    entries: tuple[Entry, ...]
    variable: str = ""
    """Of the environment: names another folder than the first part of `path`, which is then replaced."""
    prefix: str = ""
    """That first part."""


def alternatives(
    format: str, entries: tuple[Entry, ...], *paths: str, variable: str = "", prefix: str = ""
) -> tuple[SettingsFile, ...]:
    """One file of a tool, by every name that it may have."""
    return tuple(SettingsFile(path, format, entries, variable, prefix) for path in paths)


@dataclass(frozen=True, slots=True)
class Tool:
    id: str
    name: str
    wire: str
    """The format that it is set up to speak: of `gateway.wire.FORMATS`."""
    program: str = ""
    """What it is called on the command line."""
    files: tuple[tuple[SettingsFile, ...], ...] = ()
    """Each with the alternatives that the tool reads: the first that exists is the one, else the first."""
    exports: tuple[tuple[str, str], ...] = ()
    """Variables that do the same, or, without `files`, the only way."""
    steps: tuple[str, ...] = ()
    """What to do by hand where it has neither; otherwise nothing."""
    code: str = ""
    """For libraries: the code that does it."""
    start: str = ""
    """How it is started then."""
    notes: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    """Other names that it is known by."""

    @property
    def is_automatic(self) -> bool:
        return bool(self.files)

    @property
    def environment_name(self) -> str:
        """Of the variable that says where its program is."""
        return f"CLI_{self.id.upper().replace('-', '_')}_BIN"
