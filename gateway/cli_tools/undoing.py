"""Taking the gateway's entries out of a settings file's text. Nothing is read or written here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.cli_tools import documents
from gateway.cli_tools.documents.paths import ABSENT, Change, Data, Path, changed, get
from gateway.cli_tools.ledger import Record, digest
from gateway.cli_tools.rows import Choice, SettingsFile

_PLACEHOLDER = re.compile(r"\$(url|key|model|small)\b")
_VALUES = {"url": r"https?://.*?", "key": r".+", "model": r".+", "small": r".+"}


@dataclass(frozen=True, slots=True)
class Found:
    """What a settings file says where the gateway writes; "" for what it does not say."""

    url: str = ""
    key: str = ""
    model: str = ""
    small: str = ""
    has_own: bool = False
    """An entry that is named after the gateway is there."""

    @property
    def choice(self) -> Choice:
        return Choice(self.url, self.key, self.model, self.small)


def look(file: SettingsFile, data: Data) -> Found:
    values: dict[str, Any] = {}
    for entry in file.entries:
        value = get(data, entry.path)
        if value is ABSENT:
            continue
        values["has_own"] = values.get("has_own", False) or entry.own
        for name, text in _read_back(entry.value, value):
            values.setdefault(name, text)
    return Found(**values)


def _read_back(template: Data, value: Data) -> Iterator[tuple[str, str]]:
    """(placeholder, what stands for it), for every text of the template that has one."""
    if isinstance(template, str) and isinstance(value, str):
        if match := _PLACEHOLDER.search(template):
            before, after = template[: match.start()], template[match.end() :]
            inner = f"{re.escape(before)}({_VALUES[match[1]]}){re.escape(after)}"
            if found := re.fullmatch(inner, value, re.DOTALL):
                yield match[1], found[1]
    elif isinstance(template, dict) and isinstance(value, dict):
        for name in template.keys() & value.keys():
            yield from _read_back(template[name], value[name])
    elif isinstance(template, list) and isinstance(value, list):
        for one, other in zip(template, value, strict=False):
            yield from _read_back(one, other)


def by_record(file: SettingsFile, text: str, record: Record) -> str | None:
    """The text without what the record says; None where the file was made by the gateway, and holds nothing else.
    Values that somebody changed since stay, except in what is named after the gateway."""
    if digest(text) == record.digest:
        return record.original
    data = documents.FORMATS[file.format].parse(text)
    changes = []
    for entry in reversed(record.entries):
        now = get(data, entry.path)
        if now is not ABSENT and (entry.own or digest(now) == entry.digest):
            changes.append(Change(entry.path, entry.before))
    changes += _emptied(changed(data, changes), list(record.created))
    rest = documents.edit(file.format, text, changes)
    is_empty = not documents.FORMATS[file.format].parse(rest) and rest.strip() in ("", "{}", "[]")
    return None if record.original is None and is_empty else rest


def by_likeness(file: SettingsFile, text: str, is_known: bool) -> str:
    """The text without what the gateway would have written, for a file of which it has no record. `is_known`: the
    address in it is this gateway's."""
    data = documents.FORMATS[file.format].parse(text)
    found = look(file, data)
    if not (found.has_own or (found.url and is_known)):
        return text
    changes = []
    for entry in file.entries:
        now = get(data, entry.path)
        is_ours = entry.own or (not entry.keep and now == found.choice.fill(entry.value))
        if now is not ABSENT and is_ours:
            changes.append(Change(entry.path, ABSENT))
    parents = [change.path[:depth] for change in changes for depth in range(1, len(change.path))]
    return documents.edit(file.format, text, changes + _emptied(changed(data, changes), parents))


def _emptied(data: Data, containers: list[Path]) -> list[Change]:
    """Changes that take away the containers in which nothing is left, the inner ones first."""
    changes: list[Change] = []
    for path in sorted(set(containers), key=len, reverse=True):
        if get(data, path) in ({}, []):
            changes.append(Change(path, ABSENT))
            data = changed(data, changes[-1:])
    return changes
