"""Files of environment variables (`.env`): a line each, `NAME=value`, perhaps after `export`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.cli_tools.documents.paths import ABSENT, Change, Data, Unfit

_LINE = re.compile(
    r"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.]*)[ \t]*=[ \t]*(?P<value>.*?)[ \t]*\r?\n?\Z"
)
_PLAIN = re.compile(r"[\w.:/@%+,~-]*\Z")


def parse(text: str) -> Data:
    """Lines that set nothing are nothing."""
    found = (_LINE.match(line) for line in text.splitlines(keepends=True))
    return {match["name"]: _unquote(match["value"]) for match in found if match}


def _unquote(value: str) -> str:
    if value[:1] in ("'", '"') and (end := value.find(value[0], 1)) > 0:
        return value[1:end]
    return re.split(r"\s#", value, maxsplit=1)[0]


def _quote(value: str) -> str:
    if _PLAIN.match(value):
        return value
    quote = next((mark for mark in "'\"" if mark not in value), None)
    if quote is None or "\n" in value:
        raise Unfit("a value has both kinds of quotes, or several lines")
    return f"{quote}{value}{quote}"


def edit(text: str, changes: Sequence[Change]) -> str:
    lines = text.splitlines(keepends=True)
    for change in changes:
        (name,) = change.path
        places = [
            at for at, line in enumerate(lines) if (match := _LINE.match(line)) and match["name"] == name
        ]
        if change.value is ABSENT:
            lines = [line for at, line in enumerate(lines) if at not in places]
        elif places:
            match = _LINE.match(lines[places[-1]])
            assert match is not None
            line = lines[places[-1]]
            if _unquote(match["value"]) != change.value:
                value = _quote(change.value)
                lines[places[-1]] = line[: match.start("value")] + value + line[match.end("value") :]
        else:
            if lines and not lines[-1].endswith("\n"):
                lines[-1] += "\n"
            lines.append(f"{name}={_quote(change.value)}\n")
    return "".join(lines)
