"""JSON Schemas by position: a keyword counts only where a schema stands, not as a property's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    return cast(JSONDict, _Inliner(schema, {}).node(schema, ()))


@shallow
def inline_all_but(schema: JSONDict, kept: dict[str, str]) -> JSONDict:
    """The same, but with the references of `kept`, as `optional_cycles` finds them, and what they name in `$defs`."""
    inliner = _Inliner(schema, kept)
    root = dict(schema)
    while isinstance(root.get("$ref"), str) and root["$ref"] in kept:  # the root is a schema, not a reference
        named = resolve(schema, root.pop("$ref"))
        root = merge(named if isinstance(named, dict) else {}, root)
    inlined = cast(JSONDict, inliner.node(root, ()))
    definitions = {name: inliner.node(resolve(schema, ref), (ref,)) for ref, name in kept.items()}
    return {**inlined, "$defs": definitions} if definitions else inlined


@shallow
def optional_cycles(schema: JSONDict) -> dict[str, str]:
    """{reference: name} of what is defined in terms of itself, if all the ways back lead through optional properties.

    Only those can end somewhere, and only those does Google unroll.
    """
    graph = _references(schema)
    cyclic = {ref for ref in graph if ref in _reach(graph, ref, False)}
    if "#" in cyclic or any(ref in _reach(graph, ref, True) for ref in cyclic):
        return {}
    return {ref: f"{ref.rpartition('/')[2] or 'Schema'}_{n}" for n, ref in enumerate(sorted(cyclic), 1)}


Edges = set[tuple[str, bool]]
"""(reference, whether it is met without passing an optional property)."""


def _references(schema: JSONDict) -> dict[str, Edges]:
    """From each reference that the schema can lead to, those that its target holds."""
    graph: dict[str, Edges] = {}
    waiting = [ref for ref, _ in _held(schema, True)]
    while waiting:
        ref = waiting.pop()
        if ref not in graph:
            graph[ref] = set(_held(resolve(schema, ref), True))
            waiting += [held for held, _ in graph[ref]]
    return graph


def _held(node: Any, required: bool) -> Iterator[tuple[str, bool]]:
    if not isinstance(node, dict):
        return
    if isinstance(node.get("$ref"), str):
        yield node["$ref"], required
    needed = required_of(node)
    for name, child in properties_of(node).items():
        yield from _held(child, required and name in needed)
    for key, value in node.items():
        if key in SEVERAL or key in ONE:
            for child in value if isinstance(value, list) else [value]:
                yield from _held(child, required)


def _reach(graph: dict[str, Edges], start: str, required: bool) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = {ref for ref, needed in graph.get(waiting.pop(), ()) if needed or not required} - found
        found |= new
        waiting += new
    return found


class _Inliner:
    """`kept`: references that stay, under another name."""

    def __init__(self, root: JSONDict, kept: dict[str, str]) -> None:
        self._root = root
        self._kept = kept
        self._nodes = 0

    def node(self, node: Any, path: tuple[str, ...]) -> Any:
        if not isinstance(node, dict):
            return node
        self._nodes += 1
        if self._nodes > MAX_NODES or len(path) > 100:
            return dict(GENERIC)
        ref = node.get("$ref")
        if isinstance(ref, str) and ref in self._kept:
            return {"$ref": f"#/$defs/{self._kept[ref]}"}  # Google allows nothing beside it
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
        key = unescaped(step)
        if isinstance(node, list) and key.isdecimal() and len(key) < 7 and int(key) < len(node):
            node = node[int(key)]
        elif isinstance(node, dict):
            node = node.get(key)
        else:
            return None
    return node if ref == "#" or ref[1:2] == "/" else None


def unescaped(step: str) -> str:
    """A step of a JSON pointer as a name."""
    return unquote(step).replace("~1", "/").replace("~0", "~")


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
