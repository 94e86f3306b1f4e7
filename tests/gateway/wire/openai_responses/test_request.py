import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import history, ir, json, tools
from gateway.wire.base import ModelProfile, Rules
from omniroute.errors import InvalidRequest
from tests.gateway.wire.openai_responses.sdk import FORMAT, ask

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


FUNCTION = {
    "type": "function",
    "name": "f",
    "description": "d",
    "parameters": {"type": "object"},
    "strict": False,
}
CODEX: dict[str, Any] = {
    "model": "gpt-5.4",
    "stream": True,
    "store": False,
    "input": [
        {
            "type": "message",
            "id": "msg_1",
            "role": "developer",
            "content": [{"type": "input_text", "text": "Base"}],
        },
        {
            "type": "message",
            "role": "developer",
            "content": [
                {"type": "input_text", "text": "Skills"},
                {"type": "input_text", "text": "Permissions"},
            ],
        },
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Fix it"}]},
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Hm"}],
            "encrypted_content": "gA",
        },
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "I look", "annotations": []}],
        },
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "c1",
            "name": "exec",
            "arguments": '{"a": 1.0}',
            "status": "completed",
        },
        {"type": "function_call", "call_id": "c2", "namespace": "agents", "name": "close", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "c3", "name": "apply_patch", "input": "*** Begin"},
        {
            "type": "web_search_call",
            "id": "ws_1",
            "status": "completed",
            "action": {"type": "search", "query": "q"},
        },
        {"type": "function_call_output", "id": "fco_1", "call_id": "c1", "output": "one"},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "two"}]},
        {"type": "custom_tool_call_output", "call_id": "c3", "output": "three"},
        {"role": "user", "content": "Go on"},
    ],
    "tools": [
        FUNCTION,
        {
            "type": "namespace",
            "name": "agents",
            "description": "Agents",
            "tools": [{**FUNCTION, "name": "close"}],
        },
        {
            "type": "custom",
            "name": "apply_patch",
            "description": "p",
            "format": {"type": "grammar", "syntax": "lark", "definition": "x"},
        },
        {"type": "web_search", "external_web_access": True},
        {"type": "local_shell"},
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": False,
    "reasoning": {"effort": "high", "summary": "auto", "context": "all_turns"},
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "k",
    "client_metadata": {"a": "b"},
    "text": {"verbosity": "low"},
}
ADDITIONAL = {
    "type": "additional_tools",
    "id": "at_1",
    "role": "developer",
    "tools": [
        {
            "type": "namespace",
            "name": "functions",
            "description": "",
            "tools": [{"type": "custom", "name": "exec"}],
        }
    ],
}


@pytest.mark.parametrize(
    "body",
    [
        CODEX,
        {**CODEX, "input": [ADDITIONAL, *CODEX["input"]], "tools": []},
        {"model": "m", "input": "Hi"},
        {"model": "m", "input": "Hi", "stream": False, "temperature": None, "unknown": {"x": [1]}},
        {"model": "m", "input": [], "previous_response_id": "resp_1"},
        {"model": "m", "previous_response_id": "resp_1"},
        {"model": "m", "instructions": "", "input": [{"role": "user", "content": []}]},
        {"model": "m", "instructions": "I", "input": [{"role": "system", "content": "S", "type": "message"}]},
        {
            "model": "m",
            "input": [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "a", "x": 1},
                        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "low"},
                        {"type": "input_image", "image_url": "data:image/png;charset=x;base64,AAAA"},
                        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"},
                        {"type": "input_image", "file_id": "file_1"},
                        {
                            "type": "input_file",
                            "filename": "a.pdf",
                            "file_data": "data:application/pdf;base64,JVBERi0=",
                        },
                        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
                        {"type": "input_file", "file_data": "JVBERi0=", "filename": "b.pdf"},
                        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
                        {"type": "input_novelty", "z": None},
                    ],
                }
            ],
        },
        {
            "model": "m",
            "input": [
                {
                    "role": "assistant",
                    "content": [{"type": "refusal", "refusal": "no"}, {"type": "output_text", "text": "x"}],
                },
                {"type": "message", "role": "assistant", "id": "m2", "phase": "final_answer", "content": "y"},
                {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": None},
                {
                    "type": "reasoning",
                    "summary": [],
                    "content": [{"type": "reasoning_text", "text": "t"}],
                    "encrypted_content": "e",
                },
                {
                    "type": "local_shell_call",
                    "id": "l",
                    "call_id": "c",
                    "status": "completed",
                    "action": {"type": "exec", "command": ["ls"], "env": {}},
                },
                {"type": "local_shell_call_output", "id": "c", "output": "out"},
                {"id": "msg_stored"},
                {"type": "item_reference", "id": "msg_stored"},
            ],
        },
        {
            "model": "m",
            "input": "x",
            "text": {
                "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}
            },
        },
        {"model": "m", "input": "x", "text": {"format": {"type": "text"}, "verbosity": "high"}},
        {
            "model": "m",
            "input": "x",
            "tools": [{**FUNCTION, "strict": None, "description": None, "defer_loading": True}],
            "tool_choice": {"type": "function", "name": "f"},
        },
        {
            "model": "m",
            "input": "x",
            "tools": [FUNCTION],
            "tool_choice": {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "f"}],
            },
        },
        {
            "model": "m",
            "input": "x",
            "include": ["message.output_text.logprobs"],
            "top_logprobs": 3,
            "metadata": {},
            "user": "u",
            "service_tier": "flex",
            "max_output_tokens": 1,
            "top_p": 1,
        },
    ],
)
def test_a_request_of_this_format_comes_back_equal(body):
    before = copy.deepcopy(body)
    request = FORMAT.parse_request(body, "m" if body["model"] == "m" else "gpt-5.4", bool(body.get("stream")))
    again = json.loads(json.dumps(FORMAT.emit_request(request, ModelProfile())))
    assert again == before
    assert body == before


def test_codex_is_understood():
    request = FORMAT.parse_request(CODEX, "gpt-5.4", True)
    assert [text.text for text in request.system] == ["Base", "Skills", "Permissions"]
    assert [message.role for message in request.messages] == ["user", "assistant", "user", "user"]
    reasoning, text, *calls, search = request.messages[1].parts
    assert (reasoning.text, reasoning.signature, reasoning.vendor, reasoning.id) == (
        "Hm",
        "gA",
        "openai",
        "rs_1",
    )
    assert text.text == "I look"
    assert [(call.id, call.name, call.kind, call.arguments) for call in calls] == [
        ("c1", "exec", "function", '{"a": 1.0}'),
        ("c2", "close", "function", "{}"),
        ("c3", "apply_patch", "custom", "*** Begin"),
    ]
    assert isinstance(search, ir.Unknown)
    assert [result.parts[0].text for result in request.messages[2].parts] == ["one", "two", "three"]
    assert [(tool.namespace, tool.name, tool.kind) for tool in request.tools] == [
        (None, "f", "function"),
        ("agents", "close", "function"),
        (None, "apply_patch", "custom"),
        (None, "web_search", "hosted"),
        (None, "local_shell", "function"),
    ]
    assert request.reasoning.effort == "high"
    assert request.reasoning.visible is True
    assert request.parallel_tool_calls is False


def test_tools_that_come_as_an_input_item_are_tools():
    request = ask(
        input=[ADDITIONAL, {"role": "developer", "content": "Base"}, {"role": "user", "content": "Hi"}]
    )
    assert [(tool.namespace, tool.name, tool.kind) for tool in request.tools] == [
        ("functions", "exec", "custom")
    ]
    assert [text.text for text in request.system] == ["Base"]


def test_later_system_messages_stay_where_they_are():
    request = ask(input=[{"role": "user", "content": "a"}, {"role": "system", "content": "b"}])
    assert request.system == []
    assert [message.role for message in request.messages] == ["user", "system"]


def test_structured_output_is_understood():
    schema = {"type": "object", "properties": {}}
    request = ask(text={"format": {"type": "json_schema", "name": "n", "schema": schema, "strict": True}})
    wanted = request.response_format
    assert (wanted.kind, wanted.name, wanted.schema, wanted.strict) == ("json_schema", "n", schema, True)


@pytest.mark.parametrize(
    ("choice", "mode", "names"),
    [
        ("auto", "auto", ()),
        ("required", "any", ()),
        ("none", "none", ()),
        ({"type": "function", "name": "f"}, "any", ("f",)),
        ({"type": "custom", "name": "f"}, "any", ("f",)),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
            "any",
            ("f",),
        ),
        ({"type": "web_search_preview"}, "auto", ()),
    ],
)
def test_tool_choices_are_understood(choice, mode, names):
    found = ask(tools=[FUNCTION], tool_choice=choice).tool_choice
    assert (found.mode, found.names) == (mode, names)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": 1}, "input"),
        ({"input": ["x"]}, "input[0]"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": 1}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0]"),
        (
            {"input": [{"type": "function_call", "name": "f", "call_id": 1, "arguments": ""}]},
            "input[0].call_id",
        ),
        (
            {"input": [{"type": "function_call", "name": "f", "call_id": "c", "arguments": {}}]},
            "input[0].arguments",
        ),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": 5}]}, "input[0].output"),
        ({"input": [{}]}, "input[0].type"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"type": "function", "name": "f", "parameters": "x"}]}, "tools[0].parameters"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_output_tokens": True}, "max_output_tokens"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"instructions": 5}, "instructions"),
        ({"reasoning": "high"}, "reasoning"),
    ],
)
def test_a_wrong_field_is_named(fields, param):
    with pytest.raises(InvalidRequest) as caught:
        ask(**fields)
    assert caught.value.param == param


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "role", "content", "text", "call_id", "name", "tools", "output", "format", "id"]
            )
            | st.text(max_size=4),
            inner
            | st.sampled_from(
                [
                    "message",
                    "function_call",
                    "reasoning",
                    "user",
                    "input_text",
                    "namespace",
                    "function_call_output",
                ]
            ),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["input", "tools", "text", "tool_choice", "reasoning", "include", "instructions", "temperature"]
        ),
        JSON,
    )
)
def test_nothing_but_invalid_request_comes_out_of_any_body(body):
    try:
        request = FORMAT.parse_request(body, "m", False)
    except InvalidRequest:
        return
    FORMAT.emit_request(request, ModelProfile())


# ---- to other formats


@pytest.mark.parametrize(
    "fields", [{"previous_response_id": "resp_1"}, {"conversation": "c"}, {"prompt": {"id": "p"}}]
)
def test_what_is_stored_at_the_vendor_cannot_be_asked_of_another(fields):
    with pytest.raises(InvalidRequest) as caught:
        tools.adapt(ask(**fields), Rules())
    assert caught.value.param == next(iter(fields))


def test_a_reference_to_a_stored_item_cannot_be_asked_of_another():
    request = ask(input=[{"type": "item_reference", "id": "msg_1"}, {"role": "user", "content": "x"}])
    with pytest.raises(InvalidRequest):
        tools.adapt(request, Rules())


def test_codex_can_be_asked_of_a_provider_without_custom_tools():
    adapted, toolmap = tools.adapt(FORMAT.parse_request(CODEX, "m", True), Rules())
    repaired = history.repair(adapted, Rules())
    calls = [part for message in repaired.messages for part in message.parts if isinstance(part, ir.ToolCall)]
    assert [(call.name, call.kind) for call in calls] == [
        ("exec", "function"),
        ("agents__close", "function"),
        ("apply_patch", "function"),
    ]
    assert json.loads(calls[2].arguments.encode()) == {"input": "*** Begin"}
    (restored,) = toolmap.restore(ir.PartStarted(0, ir.ToolCall("c", "agents__close")))
    assert restored.part.extra == {"openai_responses": {"namespace": "agents"}}


# ---- patch


def test_patch_changes_the_model_alone():
    body = b'{"model":"a","input":[{"role":"user","content":"x"}],"n":1e400}'
    fields = dict(json.split(body))
    FORMAT.patch(fields, "b", True)
    assert json.dumps(fields) == body.replace(b'"a"', b'"b"')
