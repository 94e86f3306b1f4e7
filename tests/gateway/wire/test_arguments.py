from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.arguments import as_json, parse_object


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", {}),
        (" \n", {}),
        ("null", {}),
        ("{}", {}),
        ('{"a": 1}', {"a": 1}),
        ('{"a": 123456789012345678901234567890}', {"a": 123456789012345678901234567890}),
        ('{"a": 1,}', {"a": 1}),
        ('{"a": [1, 2,], "b": "x,}",}', {"a": [1, 2], "b": "x,}"}),
        ('"{\\"a\\": 1}"', {"a": 1}),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('{"a": "two\nlines"}', {"a": "two\nlines"}),
        ('{"a": "\\ud83d"}', {"a": "\ud83d"}),
        ("[1, 2]", {"value": [1, 2]}),
        ('"text"', {"value": "text"}),
        ("5", {"value": 5}),
        ("ls -la", {"_raw": "ls -la"}),
        ('{"command": "rm -rf /tmp/a', {"_raw": '{"command": "rm -rf /tmp/a'}),
        ('{"a": NaN}', {"_raw": '{"a": NaN}'}),
    ],
)
def test_arguments_become_an_object(text, value):
    assert parse_object(text) == value


OBJECTS = st.dictionaries(
    st.text(max_size=5),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists),
    max_size=4,
)


@given(OBJECTS)
def test_valid_objects_are_left_alone(value):
    assert parse_object(json.dumps(value)) == value
    assert parse_object(json.dumps(json.dumps(value))) == value


@given(st.text() | st.text(alphabet='{}[]":,\\ \n\0a1', max_size=30))
def test_no_text_makes_it_fail(text):
    assert isinstance(parse_object(text), dict)


def test_deep_nesting_is_wrapped():
    assert parse_object("[" * 100_000) == {"_raw": "[" * 100_000}


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ('{"a": 1.50,  "b":12345678901234567890}', '{"a": 1.50,  "b":12345678901234567890}'),
        ("", "{}"),
        ('{"a": 1,}', '{"a":1}'),
        ('{"command": "rm -rf /tmp/a', '{"_raw":"{\\"command\\": \\"rm -rf /tmp/a"}'),
        ("[1]", '{"value":[1]}'),
    ],
)
def test_a_history_holds_arguments_that_can_be_read_back(text, sent):
    assert as_json(text) == sent


@given(st.text())
def test_whatever_was_written_can_be_read_back(text):
    assert isinstance(json.loads(as_json(text)), dict)
