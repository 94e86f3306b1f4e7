"""Editing settings in their text: what is not changed keeps its bytes, and taking back gives the original."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.cli_tools.documents import FORMATS, edit, json_file
from gateway.cli_tools.documents.json_text import MAX_DEPTH, read
from gateway.cli_tools.documents.paths import ABSENT, BrokenDocument, Change, Item, Unfit, changed, get

JSONC = """\
// mine
{
    "theme": "dark", // keep
    "env": {
        "A": "1" /* one */
    },
    /* two
       lines */
    "list": [{"name": "x", "n": 1}, {"name": "y"}],
    "last": [1, 2,],
}
"""


def put(*path: Any, to: Any) -> Change:
    return Change(path, to)


def take(*path: Any) -> Change:
    return Change(path, ABSENT)


def there_and_back(format: str, text: str, *changes: Change) -> str:
    """With the changes. The text without them again must be what it was."""
    before = FORMATS[format].parse(text)
    after = edit(format, text, changes)
    assert FORMATS[format].parse(after) == changed(before, changes)
    back = []
    for change in reversed(changes):
        back += [
            Change(change.path[:end], get(before, change.path[:end]))
            for end in range(len(change.path), 0, -1)
        ]
    assert edit(format, after, back) == text
    return after


class TestJson:
    def test_comments_commas_and_layout_stay(self):
        after = there_and_back(
            "json",
            JSONC,
            put("env", "B", to="2"),
            put("list", Item("name", "z"), to={"name": "z"}),
            put("model", to="m"),
            put("theme", to="light"),
        )
        assert '"theme": "light", // keep' in after
        assert '        "A": "1", /* one */\n        "B": "2"\n    },' in after
        assert '"last": [1, 2,],\n    "model": "m",\n}' in after
        assert '{"name": "y"}, {"name": "z"}],' in after

    def test_json5_is_understood(self):
        text = "{a: 'it\\'s', $b: +1, 'c': .5, d: 0xFF, e: -Infinity, f: \"\\x41\\u00e9\\\n!\", g: NaN,}\n"
        data = json_file.parse(text)
        assert data.pop("g") != data
        assert data == {"a": "it's", "$b": 1, "c": 0.5, "d": 255, "e": float("-inf"), "f": "Aé!"}

    @pytest.mark.parametrize(
        ("text", "line", "column"),
        [
            ('{"a": 1 "b": 2}', 1, 9),
            ('{\n  "a": tru\n}', 2, 8),
            ('{\n  "a": 1', 2, 9),
            ('{"a": 1}}', 1, 9),
            ('{"a":1,,}', 1, 8),
            ('{"a": "x\n"}', 1, 7),
            ('{"a": [1}', 1, 9),
            ("{1: 2}", 1, 2),
            ("/* open", 1, 1),
            ("[" * (MAX_DEPTH + 1), 1, MAX_DEPTH + 1),
            ('{"a" 1}', 1, 6),
        ],
    )
    def test_a_broken_file_is_refused_with_its_place(self, text, line, column):
        with pytest.raises(BrokenDocument) as caught:
            edit("json", text, [put("a", to=1)])
        assert (caught.value.line, caught.value.column) == (line, column)

    def test_an_empty_file_becomes_one(self):
        assert edit("json", "", [put("a", "b", to=1)]) == '{\n  "a": {\n    "b": 1\n  }\n}\n'
        assert edit("json", "{ /* mine */ }", [put("a", to=1)]) == '{ /* mine */ "a": 1\n}'

    @pytest.mark.parametrize(
        "text",
        [
            '{"a": 1}',
            '{"a": 1,}',
            "{ 'a': [ ], }",
            '{\n\t"a": {\n\t\t"b": 1\n\t}\n}',
            '{\r\n  "a": 1\r\n}\r\n',
            '{\n  "a": 1 // why\n  // and more\n}',
            '{\n  // first\n  "a": 1, // why\n}',
            '{\n  "a": 1\n  ,\n  "b": 2}',
        ],
    )
    def test_every_layout_is_found_again(self, text):
        there_and_back("json", text, put("new", to={"x": [1, {"y": "z"}]}))

    def test_a_comment_before_the_last_entry_does_not_swallow_the_end(self):
        assert edit("json", '{"a": 1, // c\n "b": 2 }', [take("b")]) == '{"a": 1 // c\n  }'

    def test_a_place_that_is_something_else_is_no_place(self):
        for text in ('{"env": "text"}', "[1]", '{"env": [1]}'):
            with pytest.raises(Unfit):
                edit("json", text, [put("env", "A", to="1")])

    def test_a_hundred_kilobytes_take_no_time(self):
        text = json.dumps({f"k{i}": {"a": [1, 2, 3], "b": "x" * 50} for i in range(1000)}, indent=2)
        assert len(read(text).members) == 1000


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(max_size=5), values, max_size=4),
    st.lists(st.text(max_size=3), min_size=1, max_size=3),
    values,
    st.sampled_from([None, 0, 2, "\t"]),
    st.booleans(),
)
@example({}, ["a"], "\u2028", None, True)
def test_any_json_is_read_and_changed_like_its_data(data, path, value, indent, ascii):
    text = json.dumps(data, indent=indent, ensure_ascii=ascii)
    assert json_file.parse(text) == data
    change = Change(tuple(path), value)
    try:
        expected = changed(data, [change])
    except Unfit:
        return
    after = edit("json", text, [change])
    assert json.loads(after) == expected
    if get(data, path[:1]) is ABSENT:
        assert json.loads(edit("json", after, [take(path[0])])) == data


TOML = """\
# mine
model = "gpt-5.5"  # keep
approval_policy = "never"

[mcp_servers.docs]
command = "npx"
args = [ "-y", "docs" ] # as they are

[profiles.deep]
model = "o3"
"""


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("json", '{"apiKey": sk-secret}'),
        ("json", '{"apiKey": "sk-secret}'),
        ("yaml", "a: sk-secret\na: sk-secret-too\n"),
        ("yaml", "a: [sk-secret\nb: }"),
        ("toml", "key = sk-secret"),
        ("toml", 'key = "sk-secret'),
    ],
)
def test_what_is_said_of_a_broken_file_holds_nothing_of_its_values(format, text):
    with pytest.raises(BrokenDocument) as caught:
        edit(format, text, [put("a", to=1)])
    assert "secret" not in str(caught.value)


def test_toml_keeps_comments_and_layout():
    after = there_and_back(
        "toml",
        TOML,
        put("model", to="combo"),
        put("model_provider", to="omniroute"),
        put("model_providers", "omniroute", to={"name": "OmniRoute", "base_url": "http://x/v1"}),
    )
    assert 'model = "combo"  # keep\n' in after
    assert 'args = [ "-y", "docs" ] # as they are' in after
    with pytest.raises(BrokenDocument) as caught:
        edit("toml", 'a = 1\nb = "x\n', [put("a", to=2)])
    assert caught.value.line == 2


YAML = """\
# mine
name: Local   # keep
models:
  - name: Mine
    provider: ollama
    model: 'llama3'  # quoted
context:
  - provider: code
"""


def test_yaml_keeps_comments_and_layout():
    entry = {"name": "OmniRoute", "provider": "openai", "roles": ["chat", "edit"]}
    after = there_and_back("yaml", YAML, put("models", Item("name", "OmniRoute"), to=entry))
    assert "model: 'llama3'  # quoted" in after
    flat = YAML.replace("\n  - ", "\n- ").replace("\n    ", "\n  ")
    assert "\n- name: OmniRoute\n" in there_and_back(
        "yaml", flat, put("models", Item("name", "OmniRoute"), to=entry)
    )
    with pytest.raises(BrokenDocument) as caught:
        edit("yaml", "a: 1\nb: [1\nc: }", [put("a", to=2)])
    assert caught.value.line >= 2


def test_yaml_lists_at_the_top():
    item = Item("model_id", "omniroute")
    after = edit("yaml", "", [put(item, to={"model_id": "omniroute", "x": 1})])
    assert after == "- model_id: omniroute\n  x: 1\n"
    assert edit("yaml", after, [take(item)]) == ""
    there_and_back("yaml", "# mine\n- model_id: a\n", put(item, to={"model_id": "omniroute"}))


def test_variables_keep_the_lines_of_others():
    text = "# mine\nexport A='1' # one\nB=2\n\nC=\n"
    after = there_and_back("env", text, put("B", to="x y"), put("D", to="http://localhost:20128"))
    assert after == "# mine\nexport A='1' # one\nB='x y'\n\nC=\nD=http://localhost:20128\n"
    assert FORMATS["env"].parse(text) == {"A": "1", "B": "2", "C": ""}
    assert edit("env", "A=1", [put("B", to="2")]) == "A=1\nB=2\n"
    with pytest.raises(Unfit):
        edit("env", "", [put("A", to="both ' and \"")])
