"""Rows of the older database as plain Python, whatever its version: what it lacks is just absent."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from pydantic import ValidationError as SchemaError

from omniroute.errors import GatewayError
from omniroute.types import JSONDict

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Source:
    """The open file, and what was left out of it so far."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file
        self._file.row_factory = sqlite3.Row
        self._tables = {
            name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        self.left_out: list[str] = []

    def rows(self, table: str) -> list[JSONDict]:
        if table not in self._tables:
            return []
        return [dict(row) for row in self._file.execute(f'SELECT * FROM "{table}"')]  # noqa: S608

    def pairs(self, namespace: str) -> dict[str, Any]:
        """Of the table `key_value`, decoded."""
        return {
            text(row, "key"): decoded(row.get("value"))
            for row in self.rows("key_value")
            if row.get("namespace") == namespace
        }

    @contextmanager
    def item(self, what: str) -> Iterator[None]:
        """Around one thing: it is written whole, or left out with the reason."""
        try:
            with transaction.atomic():
                yield
        except ValidationError as error:
            self.left_out.append(f"{what}: {' '.join(error.messages)}")
        except SchemaError as error:
            first = error.errors()[0]
            unknown = first["type"] == "extra_forbidden"
            self.left_out.append(f"{what}: {'there is no such setting here' if unknown else first['msg']}")
        except GatewayError as error:
            self.left_out.append(f"{what}: {error.message}")
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            self.left_out.append(f"{what}: it is not in the expected form ({type(error).__name__})")


def decoded(value: Any) -> Any:
    """JSON, or the text itself where it is none."""
    if not isinstance(value, str | bytes):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value if isinstance(value, str) else ""


def mapping(value: Any) -> JSONDict:
    found = decoded(value)
    return found if isinstance(found, dict) else {}


def text(row: JSONDict, *names: str, longest: int = 250) -> str:
    """The first of these that says anything, on one line."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return _CONTROL.sub("", str(value)).strip()[:longest]
    return ""


def secret(row: JSONDict, *names: str) -> str:
    """A credential as it is stored; "" for one that the older program encrypted."""
    found = text(row, *names, longest=20_000)
    return "" if is_encrypted(found) else found


def is_encrypted(value: str) -> bool:
    return value.startswith("enc:")


def flag(row: JSONDict, *names: str) -> bool:
    """True unless one of these says otherwise."""
    return all(row.get(name) not in (0, False, "0", "false") for name in names)
