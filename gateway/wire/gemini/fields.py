"""Google takes every field in camelCase and in snake_case, mixed in one body; these look under both."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

FORMAT = "gemini"
_UPPER = re.compile(r"(?<!^)([A-Z])")
_GEMINI = re.compile(r"gemini-(\d+)")


def is_gemini_3(model: str) -> bool:
    """Or later."""
    found = _GEMINI.search(model.lower())
    return found is not None and int(found[1]) >= 3


@lru_cache(1024)
def snake(key: str) -> str:
    return _UPPER.sub(r"_\1", key).lower()


@lru_cache(1024)
def camel(key: str) -> str:
    head, *tail = key.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in tail)


def get(node: JSONDict, key: str) -> Any:
    """The value of `key` (camelCase) in either spelling, or None."""
    value = node.get(key)
    return node.get(snake(key)) if value is None else value


def spelled(node: JSONDict, key: str) -> str:
    """`key` as `node` spells it, or as it is."""
    return key if key in node or snake(key) not in node else snake(key)


def others(node: JSONDict, known: frozenset[str]) -> JSONDict:
    """The fields of `node` that are not among `known` (camelCase)."""
    return {key: value for key, value in node.items() if camel(key) not in known}


def as_list(value: Any) -> list[Any]:
    """A repeated field, which Google also takes as a single value."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def as_object(value: Any, param: str) -> JSONDict:
    """Raise `InvalidRequest` for anything but an object; null counts as an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidRequest(f"{param} must be an object", param=param)
    return value


def as_text(value: Any, param: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidRequest(f"{param} must be a string", param=param)
    return value


def own(extra: dict[str, Any]) -> JSONDict:
    """What this format noted on a neutral value."""
    noted = extra.get(FORMAT)
    return noted if isinstance(noted, dict) else {}
