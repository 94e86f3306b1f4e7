"""Configuring a tool for the gateway, and taking that back."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path as FilePath

from gateway.cli_tools import backups, documents, files, ledger, undoing
from gateway.cli_tools.documents.paths import ABSENT, BrokenDocument, Change, Data, Path, Unfit, get
from gateway.cli_tools.files import SettingsBroken, SettingsError, Snapshot
from gateway.cli_tools.ledger import Record, Written, digest
from gateway.cli_tools.places import chosen_files, path_of, shown
from gateway.cli_tools.rows import Choice, SettingsFile, Tool
from gateway.cli_tools.urls import is_known
from omniroute.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class _Plan:
    """What becomes of one file. `text` None: it goes. `record` None: the gateway has nothing in it any more."""

    before: Snapshot
    text: str | None
    record: Record | None

    @property
    def content(self) -> bytes | None:
        return None if self.text is None else self.before.encode(self.text)


def configure(tool: Tool, choice: Choice) -> list[FilePath]:
    """Write the tool's settings files and return their paths. What they said before is noted, so that `reset` can
    bring it back. Raise `SettingsError`, with every file as it was; `InvalidRequest` for a tool without files."""
    _check(tool)
    with files.one_at_a_time():
        return _carry_out(tool, [_configured(file, choice) for file in chosen_files(tool)])


def reset(tool: Tool) -> list[FilePath]:
    """Take away what the gateway wrote, in every alternative of the tool's files, and return the paths of the files
    that changed. Raise like `configure`."""
    _check(tool)
    with files.one_at_a_time():
        every = [file for slot in tool.files for file in slot if path_of(file).exists()]
        plans = [_without_entries(file) for file in every]
        return _carry_out(tool, [plan for plan in plans if plan.content != plan.before.raw])


def _check(tool: Tool) -> None:
    if not tool.is_automatic:
        raise InvalidRequest(
            f"{tool.name} has no settings file that could be written; see how it is done by hand"
        )


def _without_entries(file: SettingsFile) -> _Plan:
    before = files.read(path_of(file))
    if before.raw is None:
        return _Plan(before, None, None)
    try:
        record = ledger.load(before.path)
        if record is not None:
            return _Plan(before, undoing.by_record(file, before.text, record), None)
        found = undoing.look(file, documents.FORMATS[file.format].parse(before.text))
        return _Plan(before, undoing.by_likeness(file, before.text, is_known(found.url)), None)
    except (BrokenDocument, Unfit) as error:
        raise _refusal(before.path, error) from None


def _configured(file: SettingsFile, choice: Choice) -> _Plan:
    """On top of the file without what an earlier time wrote."""
    clean = _without_entries(file)
    text = clean.text or ""
    try:
        data = documents.FORMATS[file.format].parse(text)
        changes = [
            Change(entry.path, choice.fill(entry.value))
            for entry in file.entries
            if not (entry.keep and get(data, entry.path) is not ABSENT)
        ]
        result = documents.edit(file.format, text, changes)
    except (BrokenDocument, Unfit) as error:
        raise _refusal(clean.before.path, error) from None
    own = {entry.path for entry in file.entries if entry.own}
    entries = [
        Written(change.path, digest(change.value), get(data, change.path), change.path in own)
        for change in changes
    ]
    record = Record(clean.text, digest(result), entries, _created(data, changes))
    return _Plan(clean.before, result, record)


def _created(data: Data, changes: Sequence[Change]) -> list[Path]:
    prefixes = {change.path[:depth] for change in changes for depth in range(1, len(change.path))}
    return [path for path in prefixes if get(data, path) is ABSENT]


def _refusal(path: FilePath, error: BrokenDocument | Unfit) -> SettingsBroken:
    if isinstance(error, BrokenDocument):
        return SettingsBroken(f"{shown(path)} is broken and stays as it is: {error}")
    return SettingsBroken(f"{shown(path)} stays as it is: {error}. Change it by hand")


def _carry_out(tool: Tool, plans: Sequence[_Plan]) -> list[FilePath]:
    """All of them, or none: what is written already is put back when a later file refuses."""
    done: list[_Plan] = []
    try:
        for plan in plans:
            if plan.content != plan.before.raw:
                backups.keep(tool.id, plan.before)
                files.write(plan.before, plan.content)
            done.append(plan)
    except SettingsError:
        for plan in done:
            with suppress(SettingsError):
                written = files.read(plan.before.path)
                if written.raw == plan.content:
                    files.write(written, plan.before.raw)
        raise
    for plan in done:
        if plan.record is None:
            ledger.forget(plan.before.path)
        else:
            ledger.save(plan.before.path, plan.record)
    return [plan.before.path for plan in done]
