"""The installation's secrets: taken from the environment, or generated once and kept in `DATA_DIR`."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def read_or_create(path: Path, length: int = 48) -> str:
    """Return the secret in `path`, which is made (mode 0600) when it is absent.

    Raise `ImproperlyConfigured` where the folder, or the file, is not for this user.
    """
    try:
        return path.read_text().strip() if path.exists() else _create(path, length)
    except OSError as error:
        raise ImproperlyConfigured(f"{path} cannot be read or made: {error.strerror}") from None


def _create(path: Path, length: int) -> str:
    """Two processes may start at once: the file is created exclusively, and the loser reads the winner's."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    value = secrets.token_urlsafe(length)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(value + "\n")
    try:
        os.link(temporary, path)
    except FileExistsError:
        return path.read_text().strip()
    finally:
        temporary.unlink()
    return value
