"""A value that satisfies a JSON Schema, Gemini's upper-case types included."""

from __future__ import annotations

from typing import Any

JSONDict = dict[str, Any]
_DEPTH = 12
_FORMATS = {
    "date-time": "2025-01-02T03:04:05Z",
    "date": "2025-01-02",
    "time": "03:04:05Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "5a9d3c52-0f8e-4d39-9d54-6f4b7f1f3c11",
    "ipv4": "192.0.2.1",
}


def sample(schema: Any, root: JSONDict | None = None, depth: int = 0) -> Any:
    """Required and optional properties alike; a recursive schema ends where it may."""
    if not isinstance(schema, dict):
        return "sample"
    root = schema if root is None else root
    if "$ref" in schema:
        return sample(_resolve(schema["$ref"], root), root, depth + 1) if depth < _DEPTH else None
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    if variants := schema.get("anyOf") or schema.get("oneOf"):
        return sample(_simplest(variants, depth), root, depth + 1)
    if schema.get("allOf"):
        return sample(_merged(schema, root), root, depth + 1)
    return _of_type(_type_of(schema), schema, root, depth)


def _resolve(reference: Any, root: JSONDict) -> Any:
    node: Any = root
    for step in str(reference).removeprefix("#").strip("/").split("/"):
        step = step.replace("~1", "/").replace("~0", "~")
        node = node.get(step, {}) if isinstance(node, dict) and step else node
    return node


def _simplest(variants: list[Any], depth: int) -> Any:
    """The first variant; deep inside of a recursion, one that ends it."""
    ends = [variant for variant in variants if isinstance(variant, dict) and variant.get("type") == "null"]
    return ends[0] if ends and depth > 4 else variants[0]


def _merged(schema: JSONDict, root: JSONDict) -> JSONDict:
    merged = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema["allOf"]:
        part = _resolve(part["$ref"], root) if isinstance(part, dict) and "$ref" in part else part
        for key, value in part.items():
            if key == "properties":
                merged["properties"] = {**merged.get("properties", {}), **value}
            elif key == "required":
                merged["required"] = [*merged.get("required", []), *value]
            else:
                merged.setdefault(key, value)
    return merged


def _type_of(schema: JSONDict) -> str:
    kind = schema.get("type") or (
        "object" if "properties" in schema else "array" if "items" in schema else "string"
    )
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    return str(kind).lower()


def _of_type(kind: str, schema: JSONDict, root: JSONDict, depth: int) -> Any:
    if kind == "object":
        required = schema.get("required", [])
        return {
            name: sample(part, root, depth + 1)
            for name, part in schema.get("properties", {}).items()
            if name in required or depth < _DEPTH // 2
        }
    if kind == "array":
        count = max(
            int(schema.get("minItems", 0)), 1 if depth < _DEPTH // 2 and schema.get("maxItems") != 0 else 0
        )
        prefix = [sample(part, root, depth + 1) for part in schema.get("prefixItems", [])]
        return [
            *prefix,
            *(sample(schema.get("items", {}), root, depth + 1) for _ in range(count - len(prefix))),
        ]
    if kind in ("integer", "number"):
        return _number(kind, schema)
    if kind == "boolean":
        return True
    return None if kind == "null" else _string(schema)


def _number(kind: str, schema: JSONDict) -> float | int:
    low = schema.get(
        "minimum", schema.get("exclusiveMinimum", 0) + (1 if "exclusiveMinimum" in schema else 0)
    )
    high = schema.get(
        "maximum", schema.get("exclusiveMaximum", 10**9) - (1 if "exclusiveMaximum" in schema else 0)
    )
    value = min(max(7, low), high)
    if step := schema.get("multipleOf"):
        value = -(-value // step) * step
    return int(value) if kind == "integer" else value


def _string(schema: JSONDict) -> str:
    text = _FORMATS.get(schema.get("format", ""), "sample")
    least = int(schema.get("minLength", 0))
    return (text + "x" * (least - len(text)))[: int(schema.get("maxLength", max(least, len(text))))]
