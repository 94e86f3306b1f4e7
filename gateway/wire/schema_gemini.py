"""Schemas for Gemini: its OpenAPI subset (`parameters`, `responseSchema`) and its JSON Schema
(`parametersJsonSchema`, `responseJsonSchema`).

Every model and clone understands the subset. Where it cannot name the values (any type, numeric enums, maps,
unions of types), `fits_gemini` is False and the JSON Schema field is better (docs/protocol-notes.md, Schemas).
"""

from __future__ import annotations

import re
from typing import Any, cast

from gateway.wire.depth import shallow
from gateway.wire.schema_walk import (
    inline_all_but,
    inline_refs,
    is_null,
    map_children,
    merge,
    merge_all_of,
    optional_cycles,
    options_of,
    properties_of,
    required_of,
)
from omniroute.types import JSONDict

_FORMATS = {
    "string": ("enum", "date-time"),
    "integer": ("int32", "int64"),
    "number": ("float", "double"),
}
_KEYWORDS: dict[str, tuple[str, ...]] = {
    "string": ("minLength", "maxLength", "pattern"),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
    "boolean": (),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
    "null": (),
}
"""Type -> the constraints that the subset knows for it."""
_LOOKAROUND = re.compile(r"\(\?<?[=!]")
_JSON_KEYWORDS = {
    *("type", "format", "title", "description", "enum", "minimum", "maximum", "anyOf"),
    *("minLength", "maxLength", "pattern"),
    *("items", "prefixItems", "minItems", "maxItems"),
    *("properties", "additionalProperties", "required"),
}
"""The keywords that `responseJsonSchema` documents, and three for strings that it takes."""


@shallow
def for_gemini(schema: Any) -> JSONDict:
    """Gemini's OpenAPI subset with UPPER CASE types. Not made an object: see `schema.as_object`."""
    return _Subset().clean(inline_refs(schema) if isinstance(schema, dict) else {})


@shallow
def fits_gemini(schema: Any) -> bool:
    """Can the OpenAPI subset say which values this schema means, constraints aside?"""
    if not isinstance(schema, dict):
        schema = {}
    subset = _Subset()
    subset.clean(inline_refs(schema))
    return subset.exact and not optional_cycles(schema)


@shallow
def for_gemini_json(schema: Any) -> JSONDict:
    """JSON Schema as Gemini reads it: only known keywords, no `const` or `oneOf`; references where they recur."""
    if not isinstance(schema, dict):
        return {}
    inlined = inline_all_but(schema, optional_cycles(schema))
    definitions = {name: _json_node(node) for name, node in inlined.get("$defs", {}).items()}
    cleaned = cast(JSONDict, _json_node(inlined))
    return {**cleaned, "$defs": definitions} if definitions else cleaned


def _json_node(node: Any) -> Any:
    if not isinstance(node, dict) or isinstance(node.get("$ref"), str):
        return node
    merged = merge_all_of(node)
    kept = {key: value for key, value in merged.items() if key in _JSON_KEYWORDS}
    if "const" in merged:
        kept["enum"] = [merged["const"]]
    if "type" in merged:
        kept["type"] = _lower(merged["type"])
    if isinstance(merged.get("items"), list):
        kept["prefixItems"] = kept.pop("items")
    if options_of(merged):
        kept["anyOf"] = options_of(merged)
    if merged.get("nullable") is True and isinstance(kept.get("type"), str):
        kept["type"] = [kept["type"], "null"]
    if kept.get("type") == "array" and "items" not in kept and "prefixItems" not in kept:
        kept["items"] = {}
    return map_children(kept, _json_node)


def _lower(kind: Any) -> Any:
    if isinstance(kind, list):
        return [_lower(item) for item in kind]
    return kind.lower() if isinstance(kind, str) else kind


class _Subset:
    """`exact` turns False where a node means values that the subset cannot name."""

    def __init__(self) -> None:
        self.exact = True

    def clean(self, node: Any) -> JSONDict:
        if not isinstance(node, dict):
            node = {}
        node = merge_all_of(node)
        options = options_of(node)
        real = [option for option in options if not is_null(option)]
        nullable = len(real) < len(options) or node.get("nullable") is True
        own = {key: value for key, value in node.items() if key not in ("anyOf", "oneOf", "nullable")}
        if len(real) == 1:
            return self._clean_one(merge(real[0], own), nullable)
        if real and not ("properties" in own or "items" in own):
            return self._clean_several(own, real, nullable)
        if real:
            own = self._with_options(own, real)
        return self._clean_one(own, nullable)

    def _clean_one(self, node: JSONDict, nullable: bool) -> JSONDict:
        if options_of(node) or isinstance(node.get("allOf"), list):
            cleaned = self.clean(node)
            return {**cleaned, "nullable": True} if nullable else cleaned
        return self._typed(node, nullable)

    def _clean_several(self, own: JSONDict, options: list[JSONDict], nullable: bool) -> JSONDict:
        """Vertex refuses anything beside anyOf, so what the node says itself goes into its options."""
        shared = {key: own[key] for key in ("type", "description") if key in own}
        cleaned: JSONDict = {"anyOf": [self.clean({**shared, **option}) for option in options]}
        if nullable or "null" in _type_list(own):
            cleaned["nullable"] = True
        return cleaned

    def _with_options(self, own: JSONDict, options: list[JSONDict]) -> JSONDict:
        """An object that has properties and alternatives: what these add becomes optional."""
        more = {}
        for option in options:
            more.update(properties_of(option))
        if not more:
            return own
        return {**own, "properties": {**more, **properties_of(own)}}

    def _typed(self, node: JSONDict, nullable: bool) -> JSONDict:
        kinds = _type_list(node)
        nullable = nullable or ("null" in kinds and len(kinds) > 1)
        real = [kind for kind in kinds if kind != "null"] or kinds
        if len(real) > 1:
            self.exact = False
        kind = real[0] if real else self._infer(node)
        enum = self._enum(node)
        if enum is not None and kind not in ("string", "null"):
            self.exact = False
            kind = "string"
        if enum is not None and None in _values(node):
            nullable = True
        cleaned: JSONDict = {"type": kind.upper()}
        cleaned.update({key: node[key] for key in ("title", "description") if isinstance(node.get(key), str)})
        if node.get("format") in _FORMATS.get(kind, ()):
            cleaned["format"] = node["format"]
        if enum:
            cleaned["enum"] = enum
        if nullable:
            cleaned["nullable"] = True
        cleaned.update({key: node[key] for key in _KEYWORDS[kind] if _is_constraint(key, node.get(key))})
        if kind == "array":
            cleaned["items"] = self._items(node)
        elif kind == "object":
            cleaned.update(self._object(node))
        return cleaned

    def _infer(self, node: JSONDict) -> str:
        if "properties" in node or "additionalProperties" in node or "required" in node:
            return "object"
        if "items" in node or "prefixItems" in node:
            self.exact = False
            return "array"
        self.exact = False
        return "string"

    def _enum(self, node: JSONDict) -> list[str] | None:
        """The allowed values as strings, without "", which Gemini refuses; None where all are allowed."""
        values = _values(node)
        if not values:
            return None
        if any(not isinstance(value, str) for value in values if value is not None):
            self.exact = False
        words = [value if isinstance(value, str) else _word(value) for value in values if value is not None]
        return [word for word in dict.fromkeys(words) if word]

    def _items(self, node: JSONDict) -> JSONDict:
        items = node.get("items")
        members = items if isinstance(items, list) else node.get("prefixItems")
        if isinstance(members, list) and members:
            if len(members) > 1 or not isinstance(items, list | None):
                self.exact = False
            cleaned = [self.clean(member) for member in members]
            distinct = [item for number, item in enumerate(cleaned) if item not in cleaned[:number]]
            return distinct[0] if len(distinct) == 1 else {"anyOf": distinct}
        return self.clean(items if isinstance(items, dict) else {})

    def _object(self, node: JSONDict) -> JSONDict:
        properties = properties_of(node)
        if not properties:
            self.exact = self.exact and node.get("additionalProperties") in (None, False)
            return {}
        cleaned: JSONDict = {"properties": {name: self.clean(child) for name, child in properties.items()}}
        names = [name for name in dict.fromkeys(required_of(node)) if name in properties]
        if names:
            cleaned["required"] = names
        order = node.get("propertyOrdering")
        if isinstance(order, list) and set(map(str, order)) <= set(properties):
            cleaned["propertyOrdering"] = order
        return cleaned


def _type_list(node: JSONDict) -> list[str]:
    kind = node.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    known = [item.lower() for item in kinds if isinstance(item, str)]
    return [item for item in dict.fromkeys(known) if item in _KEYWORDS]


def _values(node: JSONDict) -> list[Any]:
    if "const" in node:
        return [node["const"]]
    enum = node.get("enum")
    return enum if isinstance(enum, list) else []


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _is_constraint(key: str, value: Any) -> bool:
    if key == "pattern":
        return isinstance(value, str) and not _LOOKAROUND.search(value)
    return isinstance(value, int | float) and not isinstance(value, bool)
