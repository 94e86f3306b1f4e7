"""Reading and writing settings files that other programs use at the same time."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.cli_tools.places import own_folder, shown
from omniroute.errors import ClientError

MAX_BYTES = 5_000_000
_BOM = "\ufeff"


class SettingsError(ClientError):
    """A tool's settings that cannot be read or written as they are. They stay untouched."""

    status = 409


class SettingsBroken(SettingsError):
    """Not what the format allows, or written in a way that cannot be edited."""

    code = "settings_broken"


class SettingsChanged(SettingsError):
    """Somebody else wrote the file between reading and writing."""

    code = "settings_changed"


class SettingsOutOfReach(SettingsError):
    """The system does not let the gateway read or write it."""

    code = "settings_out_of_reach"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A file as it was read. `real` is where it is after all symbolic links; `raw` is None where there is none."""

    path: Path
    real: Path
    raw: bytes | None
    mode: int = 0o600

    @property
    def text(self) -> str:
        """Without a byte order mark; "" for a file that is not there. Raise `SettingsBroken`."""
        try:
            return (self.raw or b"").decode().removeprefix(_BOM)
        except UnicodeDecodeError as error:
            line = (self.raw or b"").count(b"\n", 0, error.start) + 1
            raise SettingsBroken(f"{shown(self.path)}, line {line}: it is not UTF-8") from None

    def encode(self, text: str) -> bytes:
        """With the byte order mark that the file had."""
        has_mark = (self.raw or b"").startswith(_BOM.encode())
        return (_BOM + text if has_mark else text).encode()


def read(path: Path) -> Snapshot:
    """Raise `SettingsOutOfReach`."""
    try:
        real = path.resolve()
        found = real.stat()
        if not stat.S_ISREG(found.st_mode):
            raise SettingsOutOfReach(f"{shown(path)} is no ordinary file")
        if found.st_size > MAX_BYTES:
            raise SettingsOutOfReach(f"{shown(path)} is larger than {MAX_BYTES // 1_000_000} MB")
        return Snapshot(path, real, real.read_bytes(), stat.S_IMODE(found.st_mode))
    except FileNotFoundError:
        return Snapshot(path, path.resolve(), None)
    except (OSError, RuntimeError) as error:  # RuntimeError: links that go round in a circle
        raise SettingsOutOfReach(f"{shown(path)} cannot be read: {_reason(error)}") from None


def write(before: Snapshot, content: bytes | None) -> None:
    """Replace the file by another with this content, readable by its owner alone; None takes it away.

    It is the old file or the new one at every moment, also when the power fails. Raise `SettingsChanged` when it is
    not what `before` says any more, and `SettingsOutOfReach`.
    """
    try:
        if content is None:
            _check_unchanged(before)
            before.real.unlink(missing_ok=True)
            return
        before.real.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=before.real.parent, prefix=f".{before.real.name}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                _take_over(before, file.fileno())
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            _check_unchanged(before)
            os.replace(name, before.real)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise SettingsOutOfReach(f"{shown(before.path)} cannot be written: {_reason(error)}") from None


def _take_over(before: Snapshot, handle: int) -> None:
    """A key is in the file from now on, so nobody but its owner reads it. Another owner stays the owner."""
    os.fchmod(handle, before.mode & 0o700 | 0o600)
    if before.raw is not None and hasattr(os, "fchown"):
        owner = before.real.stat()
        if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
            with suppress(PermissionError):
                os.fchown(handle, owner.st_uid, owner.st_gid)


def _check_unchanged(before: Snapshot) -> None:
    try:
        now: bytes | None = before.real.read_bytes()
    except FileNotFoundError:
        now = None
    if now != before.raw or before.path.resolve() != before.real:
        raise SettingsChanged(f"{shown(before.path)} was changed by another program just now; try again")


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Processes of this gateway write one after the other."""
    with (own_folder() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
