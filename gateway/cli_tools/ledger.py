"""What the gateway wrote into a settings file, and what was there before: a small file for each, in `DATA_DIR`.

What it wrote is kept as digests: API keys are in the tool's own file, and nowhere else.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path as FilePath
from typing import Any

from gateway.cli_tools.documents.paths import ABSENT, Data, Item, Path, Step
from gateway.cli_tools.places import own_folder


@dataclass(frozen=True, slots=True)
class Written:
    """One value that the gateway put, and the value before it."""

    path: Path
    digest: str
    before: Data = ABSENT
    own: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    original: str | None
    """The whole file without the gateway's entries; None where there was none."""
    digest: str
    """Of the file that the gateway wrote."""
    entries: Sequence[Written] = ()
    created: Sequence[Path] = field(default=())
    """Containers that were not there."""


def digest(value: Data) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def load_raw(path: FilePath) -> Any:
    """The record as it is kept; None where there is none."""
    try:
        return json.loads(_file(path).read_text())
    except (OSError, ValueError):
        return None


def save_raw(path: FilePath, raw: Any) -> None:
    if raw is None:
        forget(path)
    else:
        write_private(_file(path), json.dumps(raw, default=str))


def load(path: FilePath) -> Record | None:
    """None where the gateway wrote nothing, or its note is unreadable."""
    raw = load_raw(path)
    try:
        return Record(
            raw["original"],
            raw["digest"],
            [
                Written(_path(each["path"]), each["digest"], each.get("before", ABSENT), each["own"])
                for each in raw["entries"]
            ],
            [_path(each) for each in raw["created"]],
        )
    except (KeyError, TypeError):
        return None


def save(path: FilePath, record: Record) -> None:
    entries = []
    for each in record.entries:
        entry: dict[str, Any] = {"path": _steps(each.path), "digest": each.digest, "own": each.own}
        entries.append(entry if each.before is ABSENT else {**entry, "before": each.before})
    raw = {
        "path": str(path),
        "original": record.original,
        "digest": record.digest,
        "entries": entries,
        "created": [_steps(each) for each in record.created],
    }
    save_raw(path, raw)


def forget(path: FilePath) -> None:
    _file(path).unlink(missing_ok=True)


def write_private(path: FilePath, text: str) -> None:
    """At once or not at all, for the owner alone."""
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    part.replace(path)


def _file(path: FilePath) -> FilePath:
    return own_folder("written") / f"{digest(str(path))[:24]}.json"


def _steps(path: Path) -> list[Any]:
    return [asdict(step) if isinstance(step, Item) else step for step in path]


def _path(steps: list[Any]) -> Path:
    made: list[Step] = [Item(**step) if isinstance(step, dict) else step for step in steps]
    return tuple(made)
