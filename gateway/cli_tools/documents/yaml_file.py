"""YAML settings, by ruamel.yaml's round trip."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from gateway.cli_tools.documents.paths import BrokenDocument, Change, Data, Item, Unfit, apply

_LIST = re.compile(r"^( *)[^\s#-].*:[ \t]*(?:#.*)?\n(?:[ \t]*(?:#.*)?\n)*( *)- ", re.MULTILINE)
_COMMENT = re.compile(r"(?:^|\s)#.*")
NO_FOLDING = 100_000


def _yaml(text: str = "") -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = NO_FOLDING
    found = _LIST.search(text)
    offset = len(found[2]) - len(found[1]) if found else 2
    yaml.indent(mapping=2, sequence=offset + 2, offset=offset)
    return yaml


def _load(yaml: YAML, text: str) -> Any:
    try:
        return yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        said = str(error.problem or error.context).partition(" with value ")[0]  # which may be a key
        raise BrokenDocument(said, *where) from None
    except (YAMLError, ValueError) as error:
        raise BrokenDocument(str(error).partition("\n")[0]) from None


def parse(text: str) -> Data:
    """Of an empty file: an empty mapping."""
    data = _load(YAML(typ="safe", pure=True), text)
    return {} if data is None else data


def edit(text: str, changes: Sequence[Change]) -> str:
    yaml = _yaml(text)
    document = _load(yaml, text)
    if document is None:
        document = [] if changes and isinstance(changes[0].path[0], Item) else {}
    if isinstance(document, list):
        yaml.indent(mapping=2, sequence=2, offset=0)
    for change in changes:
        apply(document, change)
    if not document:
        return "".join(f"{comment}\n" for comment in map(str.strip, _COMMENT.findall(text)))
    out = io.StringIO()
    yaml.dump(document, out)
    result = out.getvalue()
    if sorted(_COMMENT.findall(text)) != sorted(_COMMENT.findall(result)):
        raise Unfit("its comments would get lost")
    return result
