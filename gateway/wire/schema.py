"""JSON Schemas of tools and structured output, made to fit a vendor (docs/protocol-notes.md, Schemas).

Pure functions: the input is never changed. In the neutral form a schema is JSON Schema, whatever dialect the
client wrote; `standard` brings Gemini's there. A vendor's function is applied by that vendor's emitter, once.
"""

from __future__ import annotations

from typing import Any, cast

from gateway.wire.depth import shallow
from gateway.wire.schema_gemini import fits_gemini, for_gemini, for_gemini_json
from gateway.wire.schema_walk import (
    inline_refs,
    map_children,
    merge,
    merge_all_of,
    options_of,
    properties_of,
    required_of,
    resolve,
)
from omniroute.types import JSONDict

__all__ = [
    "as_object",
    "fits_gemini",
    "for_anthropic",
    "for_anthropic_output",
    "for_gemini",
    "for_gemini_json",
    "for_openai",
    "inline_refs",
    "is_strict",
    "standard",
]

_TYPES = {"string", "number", "integer", "boolean", "array", "object", "null"}
_CAMEL: dict[str, str] = {
    "any_of": "anyOf",
    "one_of": "oneOf",
    "all_of": "allOf",
    "prefix_items": "prefixItems",
    "min_items": "minItems",
    "max_items": "maxItems",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_properties": "minProperties",
    "max_properties": "maxProperties",
    "additional_properties": "additionalProperties",
    "property_ordering": "propertyOrdering",
    "defs": "$defs",
    "ref": "$ref",
}
"""google-genai's spellings of Schema fields."""
_COUNTS = {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"}
_MAX_DIGITS = 20
_NOT_STRICT = {
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "propertyNames",
    "unevaluatedProperties",
    "prefixItems",
    "contains",
    "uniqueItems",
    "minContains",
    "maxContains",
    "default",
}
"""What OpenAI's strict mode refuses."""
_NOT_IN_CLAUDE_OUTPUT = {
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
    "contains",
    "minContains",
    "maxContains",
    "prefixItems",
    "minProperties",
    "maxProperties",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedItems",
    "unevaluatedProperties",
    "if",
    "then",
    "else",
    "not",
}


@shallow
def standard(schema: Any) -> Any:
    """Gemini's dialect (UPPER CASE types, `nullable`, snake_case keywords, counts as strings) as JSON Schema.

    A schema that is standard comes back equal.
    """
    return _standard(schema)


def _standard(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    node: JSONDict = {}
    for key, value in cast(JSONDict, schema).items():
        name = _CAMEL.get(key, key)
        if name in ("propertyOrdering", "nullable") or (name == "format" and value == "enum"):
            continue
        if name in _COUNTS and isinstance(value, str) and value.isdecimal() and len(value) < _MAX_DIGITS:
            value = int(value)
        node[name] = _lower(value) if name == "type" else value
    if schema.get("nullable") is True:
        node = _or_null(node)
    return map_children(node, _standard)


_NUMBERED = ("", "string", "number", "integer", "boolean", "array", "object", "null")
"""Google's `Type` by its number, as clients write it that ask for `enum-encoding=int` (Vertex' own SDK)."""


def _lower(kind: Any) -> Any:
    if isinstance(kind, list):
        return [_lower(item) for item in kind]
    if type(kind) is int and 0 < kind < len(_NUMBERED):
        return _NUMBERED[kind]
    if isinstance(kind, str) and kind != kind.lower() and kind.lower() in _TYPES:
        return kind.lower()
    return kind


def _or_null(node: JSONDict) -> JSONDict:
    kind = node.get("type")
    if isinstance(kind, str) and kind != "null":
        node["type"] = [kind, "null"]
        if isinstance(node.get("enum"), list) and None not in node["enum"]:
            node["enum"] = [*node["enum"], None]
    elif isinstance(node.get("anyOf"), list):
        node["anyOf"] = [*node["anyOf"], {"type": "null"}]
    return node


@shallow
def as_object(schema: Any) -> JSONDict:
    """What a function's parameters must be everywhere: an object at the top, without alternatives there.

    Missing becomes an empty object; alternatives that are objects are united (required is what all require);
    anything else becomes the property `value`.
    """
    if not isinstance(schema, dict) or not schema:
        return {"type": "object", "properties": {}}
    node = _resolve_root(schema)
    options = [_resolve_root({**option, **_definitions(schema)}) for option in options_of(node)]
    rest = {
        key: value for key, value in node.items() if key not in ("anyOf", "oneOf", "not", "enum", "const")
    }
    kind = rest.get("type")
    objects = [option for option in options if "properties" in option or option.get("type") == "object"]
    if _is_object(rest, kind) or objects:
        return _complete({**_unite(rest, objects), "type": "object"})
    if kind is None and not options:
        return _complete({**rest, "type": "object"})
    value = {key: item for key, item in schema.items() if key not in ("$defs", "definitions", "$schema")}
    return {"type": "object", "properties": {"value": value}, "required": ["value"], **_definitions(schema)}


def _is_object(node: JSONDict, kind: Any) -> bool:
    if kind is None:
        return "properties" in node
    return kind == "object" or (isinstance(kind, list) and "object" in kind)


def _resolve_root(schema: JSONDict) -> JSONDict:
    node = merge_all_of(schema)
    for _ in range(10):
        ref = node.get("$ref")
        if not isinstance(ref, str):
            return node
        target = resolve(schema, ref)
        rest = {key: value for key, value in node.items() if key != "$ref"}
        node = merge_all_of(merge(target, rest)) if isinstance(target, dict) else rest
    return {key: value for key, value in node.items() if key != "$ref"}


def _definitions(schema: JSONDict) -> JSONDict:
    return {key: schema[key] for key in ("$defs", "definitions") if key in schema}


def _unite(node: JSONDict, options: list[JSONDict]) -> JSONDict:
    """`node` with the properties of all options; required stays what every option requires."""
    if not options:
        return node
    properties: JSONDict = {}
    for option in options:
        properties = {**properties_of(option), **properties}
    common = [
        name for name in required_of(options[0]) if all(name in required_of(option) for option in options)
    ]
    return merge({"properties": properties, "required": common}, node)


def _complete(node: JSONDict) -> JSONDict:
    properties = properties_of(node)
    complete = {**node, "properties": properties}
    if "required" in node:
        complete["required"] = [name for name in required_of(node) if name in properties]
        if not complete["required"]:
            del complete["required"]
    return complete


@shallow
def for_openai(schema: Any, strict: bool | None = None) -> JSONDict:
    """Parameters or a response's schema for OpenAI. Send `strict` only where `is_strict` holds.

    With `strict`, objects that say nothing of additional properties forbid them, which strict mode demands.
    """
    return cast(JSONDict, _for_openai_node(as_object(standard(schema)), bool(strict)))


def _for_openai_node(node: Any, strict: bool) -> Any:
    if not isinstance(node, dict):
        return node
    fitted = map_children(node, lambda child: _for_openai_node(child, strict))
    if fitted.get("type") == "array" and "items" not in fitted and "prefixItems" not in fitted:
        fitted["items"] = {}
    if strict and "properties" in fitted and "additionalProperties" not in fitted:
        fitted["additionalProperties"] = False
    return fitted


@shallow
def is_strict(schema: Any) -> bool:
    """Does OpenAI's strict mode take this schema: all properties required, no others, no refused keyword?"""
    if not isinstance(schema, dict):
        return not isinstance(schema, bool)
    if not schema or _NOT_STRICT & schema.keys():
        return False
    if schema.get("type") == "object" or "properties" in schema:
        if schema.get("additionalProperties") is not False:
            return False
        if set(properties_of(schema)) != set(required_of(schema)):
            return False
    strict = True

    def look(child: Any) -> Any:
        nonlocal strict
        strict = strict and is_strict(child)
        return child

    map_children({key: value for key, value in schema.items() if key != "additionalProperties"}, look)
    return strict


@shallow
def for_anthropic(schema: Any) -> JSONDict:
    """A tool's `input_schema`: JSON Schema 2020-12, `type: object` at the top and no alternatives there."""
    return as_object(standard(schema))


@shallow
def for_anthropic_output(schema: Any) -> JSONDict:
    """The schema of a structured answer. Constraints that Claude refuses move into the description."""
    node = standard(schema) if isinstance(schema, dict) and schema else as_object(schema)
    return cast(JSONDict, _for_claude_output(node))


def _for_claude_output(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    kept, moved = {}, []
    for key, value in node.items():
        unsupported = key in _NOT_IN_CLAUDE_OUTPUT or (
            key == "minItems" and isinstance(value, int) and value > 1
        )
        if unsupported:
            moved.append(f"{key}: {value}")
        else:
            kept["anyOf" if key == "oneOf" else key] = value
    if moved:
        said = kept.get("description")
        kept["description"] = (f"{said}\n" if said else "") + "{" + ", ".join(moved) + "}"
    fitted = map_children(kept, _for_claude_output)
    if fitted.get("type") == "object" or "properties" in fitted:
        fitted["additionalProperties"] = False
    return fitted
