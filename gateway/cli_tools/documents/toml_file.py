"""TOML settings, by tomlkit."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

import tomlkit
from tomlkit.exceptions import ParseError, TOMLKitError

from gateway.cli_tools.documents.paths import BrokenDocument, Change, Data, Unfit, apply


def parse(text: str) -> Data:
    try:
        tomlkit.parse(text)
        return tomllib.loads(text)
    except ParseError as error:
        message = str(error).partition(" at line ")[0]
        raise BrokenDocument(message, error.line, error.col + 1) from None
    except (TOMLKitError, ValueError) as error:
        raise BrokenDocument(str(error)) from None


def edit(text: str, changes: Sequence[Change]) -> str:
    document = tomlkit.parse(text)
    try:
        for change in changes:
            apply(document, change)
        result = tomlkit.dumps(document)
    except (TOMLKitError, ValueError) as error:
        raise Unfit(f"it cannot be edited: {error}") from None
    # The blank line before a table outlives the table.
    return result if text.endswith("\n\n") or not text else result.rstrip("\n") + "\n"
