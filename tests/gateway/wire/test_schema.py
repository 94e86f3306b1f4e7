"""Schemas fitted to vendors: by position, without losing properties, without touching the input."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import schema
from omniroute.errors import InvalidRequest

CITY = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "place": {"$ref": "#/$defs/Place", "description": "Where"},
        "when": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}], "default": None},
        "default": {"type": "string", "default": "x", "minLength": 1},
        "format": {"type": ["string", "null"]},
        "unit": {"const": "celsius"},
    },
    "required": ["place", "gone"],
    "additionalProperties": False,
    "$defs": {
        "Place": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "near": {"$ref": "#/$defs/Place"}},
            "required": ["name"],
        }
    },
}


def test_it_inlines_references_and_cuts_cycles():
    inlined = schema.inline_refs(CITY)
    place = inlined["properties"]["place"]
    assert place["description"] == "Where"
    assert place["properties"]["name"] == {"type": "string"}
    assert place["properties"]["near"] == {"type": "object"}
    assert "$defs" not in inlined


NODE = {
    "type": "object",
    "properties": {
        "value": {"const": 1},
        "next": {"$ref": "#/$defs/Node", "description": "lost: nothing may stand beside a reference"},
    },
    "required": ["value"],
}


@pytest.mark.parametrize(
    "root",
    [
        {"type": "object", "properties": {"first": {"$ref": "#/$defs/Node"}}, "required": ["first"]},
        {"$ref": "#/$defs/Node"},
    ],
)
def test_gemini_reads_recursion_that_can_end(root):
    given = {**root, "$defs": {"Node": NODE}}
    assert not schema.fits_gemini(given)
    fitted = schema.for_gemini_json(given)
    reference = {"$ref": "#/$defs/Node_1"}
    assert fitted["type"] == "object"
    assert reference in fitted["properties"].values()
    (node,) = fitted["$defs"].values()
    assert node["properties"] == {"value": {"enum": [1]}, "next": reference}


@pytest.mark.parametrize(
    "node",
    [
        {**NODE, "required": ["value", "next"]},
        {
            "type": "object",
            "properties": {"more": {"type": "array", "items": {"$ref": "#/$defs/Node"}}},
            "required": ["more"],
        },
        {"anyOf": [{"$ref": "#/$defs/Node"}]},
    ],
)
def test_gemini_gets_a_generic_object_where_recursion_never_ends(node):
    given = {"type": "object", "properties": {"first": {"$ref": "#/$defs/Node"}}, "$defs": {"Node": node}}
    assert "$ref" not in str(schema.for_gemini_json(given))
    assert "$ref" not in str(schema.for_gemini(given))


def test_two_definitions_may_recur_through_each_other():
    defs = {
        "A": {"type": "object", "properties": {"b": {"$ref": "#/$defs/B"}}, "required": ["b"]},
        "B": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}},
    }
    fitted = schema.for_gemini_json(
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": defs}
    )
    assert set(fitted["$defs"]) == {"A_1", "B_2"}
    assert fitted["$defs"]["A_1"]["properties"]["b"] == {"$ref": "#/$defs/B_2"}


@pytest.mark.parametrize(
    ("ref", "target"),
    [
        ("#/properties/a~1b", {"type": "integer"}),
        ("#/properties/c%20d", {"type": "boolean"}),
        ("#/anyOf/0", {"type": "number"}),
        ("#/nowhere", {}),
        ("#/anyOf/²", {}),
        ("#/anyOf/" + "9" * 5000, {}),
        ("https://example.com/x.json", {}),
    ],
)
def test_it_resolves_json_pointers(ref, target):
    root = {
        "properties": {"a/b": {"type": "integer"}, "c d": {"type": "boolean"}, "x": {"$ref": ref}},
        "anyOf": [{"type": "number"}],
    }
    assert schema.inline_refs(root)["properties"]["x"] == target


def test_it_survives_a_schema_that_doubles_at_every_reference():
    defs = {
        f"n{i}": {"properties": {side: {"$ref": f"#/$defs/n{i + 1}"} for side in "ab"}} for i in range(40)
    }
    inlined = schema.inline_refs({"$ref": "#/$defs/n0", "$defs": defs})
    assert "properties" in inlined


def test_gemini_gets_its_subset_by_position():
    fitted = schema.for_gemini(CITY)
    assert fitted["type"] == "OBJECT"
    assert set(fitted) == {"type", "properties", "required"}
    assert fitted["required"] == ["place"]
    properties = fitted["properties"]
    assert properties["default"] == {"type": "STRING", "minLength": 1}
    assert properties["when"] == {"type": "STRING", "nullable": True}
    assert properties["format"] == {"type": "STRING", "nullable": True}
    assert properties["unit"] == {"type": "STRING", "enum": ["celsius"]}
    assert properties["place"]["description"] == "Where"


@pytest.mark.parametrize(
    ("given_", "wanted"),
    [
        ({"type": "array"}, {"type": "ARRAY", "items": {"type": "STRING"}}),
        ({"type": "integer", "enum": [1, 2]}, {"type": "STRING", "enum": ["1", "2"]}),
        ({"type": "string", "enum": ["a", "", "a"]}, {"type": "STRING", "enum": ["a"]}),
        ({"type": "string", "format": "uri"}, {"type": "STRING"}),
        ({"type": "string", "format": "date-time"}, {"type": "STRING", "format": "date-time"}),
        ({"type": "integer", "exclusiveMinimum": 1, "maximum": 9}, {"type": "INTEGER", "maximum": 9}),
        ({"type": "string", "pattern": "^(?!x)"}, {"type": "STRING"}),
        ({"type": "object"}, {"type": "OBJECT"}),
        ({"properties": {"a": {"type": "null"}}}, {"type": "OBJECT", "properties": {"a": {"type": "NULL"}}}),
        (
            {"prefixItems": [{"type": "number"}, {"type": "number"}]},
            {"type": "ARRAY", "items": {"type": "NUMBER"}},
        ),
        (
            {"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}], "description": "D"},
            {
                "anyOf": [{"type": "STRING", "description": "D"}, {"type": "INTEGER", "description": "D"}],
                "nullable": True,
            },
        ),
        (
            {"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "number"}}}]},
            {"type": "OBJECT", "properties": {"a": {"type": "STRING"}, "b": {"type": "NUMBER"}}},
        ),
        ({"type": "STRING", "nullable": True}, {"type": "STRING", "nullable": True}),
    ],
)
def test_gemini_gets_only_keywords_that_it_knows(given_, wanted):
    assert schema.for_gemini(given_) == wanted


@pytest.mark.parametrize(
    ("given_", "fits"),
    [
        (CITY, False),
        ({"type": "object", "properties": {"unit": {"type": "string", "const": "celsius"}}}, True),
        ({"type": "object", "properties": {"unit": {"enum": ["celsius"]}}}, False),
        ({"type": "object", "properties": {"any": {}}}, False),
        ({"type": "object", "properties": {"n": {"type": "integer", "enum": [1]}}}, False),
        ({"type": "object", "properties": {"m": {"type": "object", "additionalProperties": True}}}, False),
        ({"type": ["string", "integer"]}, False),
        ({"type": ["string", "null"]}, True),
        ({"type": "array", "items": {}}, False),
    ],
)
def test_it_knows_what_the_subset_cannot_say(given_, fits):
    assert schema.fits_gemini(given_) is fits


def test_geminis_json_schema_keeps_what_the_subset_loses():
    fitted = schema.for_gemini_json(
        {
            "type": "OBJECT",
            "$schema": "x",
            "properties": {
                "n": {"const": 1, "examples": [1]},
                "any": {},
                "list": {"type": "array"},
                "map": {"type": "object", "additionalProperties": {"type": "string"}},
                "one": {"oneOf": [{"type": "string"}, {"type": "number"}]},
            },
        }
    )
    assert fitted == {
        "type": "object",
        "properties": {
            "n": {"enum": [1]},
            "any": {},
            "list": {"type": "array", "items": {}},
            "map": {"type": "object", "additionalProperties": {"type": "string"}},
            "one": {"anyOf": [{"type": "string"}, {"type": "number"}]},
        },
    }


@pytest.mark.parametrize(
    ("given_", "wanted"),
    [
        (None, {"type": "object", "properties": {}}),
        ({}, {"type": "object", "properties": {}}),
        ({"type": "object"}, {"type": "object", "properties": {}}),
        ({"type": ["object", "null"]}, {"type": "object", "properties": {}}),
        ({"required": ["x"], "type": "object"}, {"type": "object", "properties": {}}),
        (
            {"type": "array", "items": {"type": "string"}},
            {
                "type": "object",
                "properties": {"value": {"type": "array", "items": {"type": "string"}}},
                "required": ["value"],
            },
        ),
    ],
)
def test_parameters_are_always_an_object(given_, wanted):
    assert schema.as_object(given_) == wanted


def test_alternatives_at_the_top_become_one_object():
    united = schema.as_object(
        {
            "anyOf": [
                {"type": "object", "properties": {"a": {"type": "string"}, "k": {}}, "required": ["a", "k"]},
                {"$ref": "#/$defs/B"},
            ],
            "$defs": {"B": {"type": "object", "properties": {"b": {}, "k": {}}, "required": ["b", "k"]}},
        }
    )
    assert set(united["properties"]) == {"a", "b", "k"}
    assert united["required"] == ["k"]
    assert united["type"] == "object"
    assert "anyOf" not in united


def test_a_reference_at_the_top_is_followed():
    fitted = schema.for_anthropic(
        {"$ref": "#/$defs/A", "$defs": {"A": {"properties": {"x": {"type": "string"}}}}}
    )
    assert fitted["type"] == "object"
    assert fitted["properties"] == {"x": {"type": "string"}}


def test_googles_dialect_becomes_json_schema():
    assert schema.standard(
        {
            "type": "OBJECT",
            "property_ordering": ["type"],
            "properties": {
                "type": {"type": "STRING", "format": "enum", "enum": ["a"], "nullable": True},
                "list": {"type": "ARRAY", "items": {"type": "INTEGER"}, "min_items": "2"},
                "any": {"any_of": [{"type": "NUMBER"}], "nullable": True},
            },
        }
    ) == {
        "type": "object",
        "properties": {
            "type": {"type": ["string", "null"], "enum": ["a", None]},
            "list": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
            "any": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        },
    }


def test_googles_types_may_be_numbers():
    assert schema.standard({"type": 6, "properties": {"a": {"type": 5, "items": {"type": 1}}}}) == {
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"type": "string"}}},
    }
    assert schema.standard({"type": 0}) == {"type": 0}


def test_a_count_of_too_many_digits_is_left_to_the_vendor():
    assert schema.standard({"min_items": "9" * 5000}) == {"minItems": "9" * 5000}


def test_a_standard_schema_stays_as_it_is():
    assert schema.standard(CITY) == CITY


def test_openai_gets_items_and_closed_objects_only_when_strict():
    given_ = {"type": "object", "properties": {"a": {"type": "array"}}, "required": ["a"]}
    assert schema.for_openai(given_)["properties"]["a"] == {"type": "array", "items": {}}
    assert "additionalProperties" not in schema.for_openai(given_)
    assert schema.for_openai(given_, True)["additionalProperties"] is False


@pytest.mark.parametrize(
    ("properties", "strict"),
    [
        ({"a": {"type": "string"}}, True),
        ({"a": {"type": "string", "default": "x"}}, False),
        ({"a": {"type": "object", "properties": {}}}, False),
        ({"a": {"oneOf": [{"type": "string"}]}}, False),
        ({"default": {"type": "string"}}, True),
        ({"a": {}}, False),
    ],
)
def test_it_knows_a_strict_schema(properties, strict):
    given_ = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    assert schema.is_strict(given_) is strict
    assert schema.is_strict({**given_, "required": []}) is False


def test_claudes_structured_output_says_in_words_what_it_does_not_enforce():
    fitted = schema.for_anthropic_output(
        {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1, "description": "Count"}}}
    )
    assert fitted["additionalProperties"] is False
    assert fitted["properties"]["n"] == {"type": "integer", "description": "Count\n{minimum: 1}"}


def test_it_refuses_a_bottomless_schema():
    deep: dict[str, object] = {}
    for _ in range(5000):
        deep = {"type": "array", "items": deep}
    for fit in (
        schema.for_gemini,
        schema.for_openai,
        schema.for_anthropic,
        schema.standard,
        schema.fits_gemini,
    ):
        with pytest.raises(InvalidRequest):
            fit(deep)


keys = st.sampled_from(
    [
        "type",
        "properties",
        "items",
        "anyOf",
        "allOf",
        "oneOf",
        "enum",
        "const",
        "$ref",
        "required",
        "nullable",
        "x",
    ]
)
schemas = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from(["string", "OBJECT", "array", "null", "#", "#/properties/x", "#/$defs/a"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=20,
)


@given(st.dictionaries(keys, schemas, max_size=5))
def test_whatever_comes_is_fitted_and_never_changed(given_):
    before = copy.deepcopy(given_)
    for fit in (
        schema.for_gemini,
        schema.for_gemini_json,
        schema.for_openai,
        schema.for_anthropic,
        schema.for_anthropic_output,
        schema.standard,
        schema.inline_refs,
    ):
        assert isinstance(fit(given_), dict)
    schema.is_strict(given_)
    assert given_ == before
