"""Settings files as text that is edited in place: comments, order and whatever else they hold stay.

A format is a module with two functions, registered in `FORMATS` by its name:

    parse(text) -> Data                  plain dicts, lists and values; raises `BrokenDocument`
    edit(text, changes) -> text          raises `BrokenDocument`, `Unfit`

`edit` proves its result: what it returns, parsed, is the old data with the changes and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.cli_tools.documents import env_file, json_file, toml_file, yaml_file
from gateway.cli_tools.documents.paths import Change, Data, Item, Unfit, changed

__all__ = ["FORMATS", "Format", "edit"]


@dataclass(frozen=True, slots=True)
class Format:
    name: str
    parse: Callable[[str], Data]
    edit: Callable[[str, Sequence[Change]], str]
    language: str
    """What a code block of it is called."""


FORMATS: dict[str, Format] = {
    "json": Format("json", json_file.parse, json_file.edit, "json"),
    "toml": Format("toml", toml_file.parse, toml_file.edit, "toml"),
    "yaml": Format("yaml", yaml_file.parse, yaml_file.edit, "yaml"),
    "env": Format("env", env_file.parse, env_file.edit, "sh"),
}


def edit(format: str, text: str, changes: Sequence[Change]) -> str:
    """The text with the changes. Raise `BrokenDocument` for text that its format does not allow, `Unfit` where the
    changes cannot be made without harm to the rest."""
    chosen = FORMATS[format]
    before = chosen.parse(text)
    if not before and changes and isinstance(changes[0].path[0], Item):
        before = []
    result = chosen.edit(text, changes)
    if (chosen.parse(result) or None) != (changed(before, changes) or None):
        raise Unfit("it is written in a way that cannot be edited safely")
    return result
