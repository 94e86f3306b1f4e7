"""JSON Schemas by position: a keyword counts only where a schema stands, not as a property's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import unquote

from gateway.wire.depth import shallow
from omniroute.types import JSONDict

ONE = (
    "items",
    "additionalProperties",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "additionalItems",
    "unevaluatedItems",
    "unevaluatedProperties",
)
"""Keywords whose value is a schema (`items` may also be a list of them)."""
SEVERAL = ("anyOf", "oneOf", "allOf", "prefixItems")
NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
MAX_NODES = 20_000
"""Above this an inlined schema is no help to a model, only a way to exhaust memory."""
GENERIC: JSONDict = {"type": "object"}


def map_children(node: JSONDict, change: Callable[[Any], Any]) -> JSONDict:
    """A copy of `node` with `change` applied to each schema directly below it."""
    changed: JSONDict = {}
    for key, value in node.items():
        if key in NAMED and isinstance(value, dict):
            changed[key] = {name: change(child) for name, child in value.items()}
        elif (key in SEVERAL or key in ONE) and isinstance(value, list):
            changed[key] = [change(child) for child in value]
        elif key in ONE and isinstance(value, dict):
            changed[key] = change(value)
        else:
            changed[key] = value
    return changed


@shallow
def inline_refs(schema: JSONDict) -> JSONDict:
    """Every local `$ref` replaced by what it names; a cycle by a generic object, an unknown one by `{}`."""
    return cast(JSONDict, _Inliner(schema).node(schema, ()))


class _Inliner:
    def __init__(self, root: JSONDict) -> None:
        self._root = root
        self._nodes = 0

    def node(self, node: Any, path: tuple[str, ...]) -> Any:
        if not isinstance(node, dict):
            return node
        self._nodes += 1
        if self._nodes > MAX_NODES or len(path) > 100:
            return dict(GENERIC)
        ref = node.get("$ref")
        rest = {key: value for key, value in node.items() if key not in ("$ref", "$defs", "definitions")}
        rest = map_children(rest, lambda child: self.node(child, path))
        if not isinstance(ref, str):
            return rest
        if ref in path:
            return {**GENERIC, **rest}
        target = resolve(self._root, ref)
        if not isinstance(target, dict):
            return rest
        return merge(self.node(target, (*path, ref)), rest)


def resolve(root: JSONDict, ref: str) -> Any:
    """What a JSON pointer such as `#/$defs/City` names inside of `root`, or None."""
    if not ref.startswith("#"):
        return None
    node: Any = root
    for step in ref[1:].split("/")[1:]:
        key = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(node, list) and key.isdigit() and int(key) < len(node):
            node = node[int(key)]
        elif isinstance(node, dict):
            node = node.get(key)
        else:
            return None
    return node if ref == "#" or ref[1:2] == "/" else None


def merge(schema: JSONDict, more: JSONDict) -> JSONDict:
    """Both at once, as `allOf` means it: properties and `required` united, of anything else `more` wins."""
    merged = {**schema, **more}
    if "properties" in schema and "properties" in more:
        merged["properties"] = {**properties_of(schema), **properties_of(more)}
    if "required" in schema and "required" in more:
        merged["required"] = list(dict.fromkeys([*required_of(schema), *required_of(more)]))
    return merged


def merge_all_of(node: JSONDict) -> JSONDict:
    """`node` without its `allOf`, whose members are merged into it. What the node itself says wins."""
    members = node.get("allOf")
    if not isinstance(members, list):
        return node
    merged: JSONDict = {}
    for member in members:
        if isinstance(member, dict):
            merged = merge(merged, merge_all_of(member))
    return merge(merged, {key: value for key, value in node.items() if key != "allOf"})


def is_null(node: Any) -> bool:
    """Is null the only value that this schema allows?"""
    if not isinstance(node, dict):
        return False
    kind = node.get("type")
    if isinstance(kind, str):
        return kind.lower() == "null"
    return kind == ["null"] or node.get("enum") == [None] or ("const" in node and node["const"] is None)


def options_of(node: JSONDict) -> list[JSONDict]:
    """The members of `anyOf` and `oneOf` that are schemas."""
    found = []
    for key in ("anyOf", "oneOf"):
        members = node.get(key)
        found += (
            [member for member in members if isinstance(member, dict)] if isinstance(members, list) else []
        )
    return found


def properties_of(node: JSONDict) -> JSONDict:
    properties = node.get("properties")
    return properties if isinstance(properties, dict) else {}


def required_of(node: JSONDict) -> list[str]:
    required = node.get("required")
    return [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
