"""How a tool stands: installed or not, and what its settings say. Nothing is written; keys are masked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gateway.cli_tools import documents, files, ledger, programs, undoing
from gateway.cli_tools.documents.paths import BrokenDocument, get
from gateway.cli_tools.files import SettingsError
from gateway.cli_tools.ledger import digest
from gateway.cli_tools.places import chosen_files, path_of, shown
from gateway.cli_tools.programs import Program
from gateway.cli_tools.rows import SettingsFile, Tool
from gateway.cli_tools.undoing import Found
from gateway.cli_tools.urls import is_known
from omniroute.redact import MASK


@dataclass(frozen=True, slots=True)
class FileState:
    path: Path
    exists: bool
    found: Found
    has_entries: bool
    """The gateway wrote it, and some of that is still there."""
    leads_here: bool = False
    """Its address is this gateway's, or the one that the gateway wrote."""
    problem: str = ""
    """Why it cannot be read."""

    @property
    def shown_path(self) -> str:
        return shown(self.path)


@dataclass(frozen=True, slots=True)
class Status:
    tool: Tool
    program: Program
    files: list[FileState]

    @property
    def url(self) -> str:
        """What the tool asks now, "" where its settings name no address."""
        return next((state.found.url for state in self.files if state.found.url), "")

    @property
    def model(self) -> str:
        return next((state.found.model for state in self.files if state.found.model), "")

    @property
    def small(self) -> str:
        return next((state.found.small for state in self.files if state.found.small), "")

    @property
    def key(self) -> str:
        """The key that is configured; a secret."""
        return next((state.found.key for state in self.files if state.found.key), "")

    @property
    def masked_key(self) -> str:
        key = self.key
        return "" if not key else f"{key[:6]}{MASK}{key[-4:]}" if len(key) > 20 else MASK

    @property
    def is_configured(self) -> bool:
        """For this gateway, or by it."""
        return any(state.leads_here for state in self.files)

    @property
    def has_entries(self) -> bool:
        """There is something that a reset would take away."""
        return any(state.has_entries or state.leads_here for state in self.files)

    @property
    def problem(self) -> str:
        return next((state.problem for state in self.files if state.problem), "")


def status_of(tool: Tool) -> Status:
    return Status(tool, programs.find(tool), [_state(file) for file in chosen_files(tool)])


def all_statuses(tools: Iterable[Tool]) -> list[Status]:
    listed = list(tools)
    found = programs.find_all(listed)
    return [Status(tool, found[tool.id], [_state(file) for file in chosen_files(tool)]) for tool in listed]


def _state(file: SettingsFile) -> FileState:
    path = path_of(file)
    try:
        snapshot = files.read(path)
        if snapshot.raw is None:
            return FileState(path, False, Found(), False)
        data = documents.FORMATS[file.format].parse(snapshot.text)
    except SettingsError as error:
        return FileState(path, True, Found(), False, problem=error.message)
    except BrokenDocument as error:
        return FileState(path, True, Found(), False, problem=f"{shown(path)} is broken: {error}")
    found, record = undoing.look(file, data), ledger.load(path)
    entries = record.entries if record else ()
    ours = {each.path for each in entries if digest(get(data, each.path)) == each.digest}
    addresses = {entry.path for entry in file.entries if "$url" in repr(entry.value)}
    leads_here = bool(found.url) and (found.has_own or bool(addresses & ours) or is_known(found.url))
    return FileState(path, True, found, bool(ours), leads_here)
