import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import history, ir, json, tools
from gateway.wire.base import ModelProfile, Rules
from omniroute.errors import InvalidRequest
from tests.gateway.wire.openai_responses.sdk import FORMAT, ask, check_request

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
GPT = ModelProfile(provider="openai", model="gpt-4.1", vendor="openai")
REASONER = ModelProfile(provider="openai", model="gpt-5.2", vendor="openai", reasoning="effort")


def emit(request, profile=GPT):
    body = FORMAT.emit_request(request, profile)
    check_request(body)
    return body


def foreign(*messages, **fields):
    """A request of another format."""
    return ir.Request(model="gpt-4.1", messages=list(messages), **fields)


def user(text):
    return ir.Message("user", [ir.Text(text)])


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


# ---- from other formats


def test_a_foreign_request_asks_for_nothing_to_be_stored():
    body = emit(foreign(user("Hi"), system=[ir.Text("A"), ir.Text("B")], stream=True))
    assert body == {
        "model": "gpt-4.1",
        "store": False,
        "input": [{"type": "message", "role": "user", "content": "Hi"}],
        "instructions": "A\n\nB",
        "stream": True,
    }


def test_without_a_message_the_system_text_is_the_input():
    body = emit(foreign(system=[ir.Text("A")]))
    assert body["input"] == [{"type": "message", "role": "developer", "content": "A"}]
    assert "instructions" not in body


def test_turns_become_items():
    body = emit(
        foreign(
            user("Hi"),
            ir.Message(
                "assistant",
                [ir.Text("a"), ir.Text("b"), ir.ToolCall("c1", "f", ""), ir.ToolCall("c2", "g", '{"x":1}')],
            ),
            ir.Message(
                "user",
                [ir.ToolResult("c1", [ir.Text("1"), ir.Text("2")]), ir.ToolResult("c2", []), ir.Text("Now")],
            ),
            ir.Message("system", [ir.Text("Later")]),
        )
    )
    assert body["input"] == [
        {"type": "message", "role": "user", "content": "Hi"},
        {"type": "message", "role": "assistant", "content": "a"},
        {"type": "message", "role": "assistant", "content": "b"},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "c2", "name": "g", "arguments": '{"x":1}'},
        {"type": "function_call_output", "call_id": "c1", "output": "1\n2"},
        {"type": "function_call_output", "call_id": "c2", "output": ""},
        {"type": "message", "role": "user", "content": "Now"},
        {"type": "message", "role": "system", "content": "Later"},
    ]


def test_a_refusal_stays_a_refusal():
    request = foreign(user("Hi"), ir.Message("assistant", [ir.Text("a"), ir.Refusal("no")]))
    item = emit(request)["input"][1]
    assert item["id"].startswith("msg_")
    assert item["content"] == [
        {"type": "output_text", "text": "a", "annotations": []},
        {"type": "refusal", "refusal": "no"},
    ]


def test_images_and_files_are_said_in_this_formats_way():
    request = foreign(
        ir.Message(
            "user",
            [
                ir.Text("Look"),
                ir.Image("image/jpeg", PNG),
                ir.Image(url="https://example.com/a.png", detail="high"),
                ir.File("application/pdf", "JVBERi0=", title="My report"),
                ir.File(url="https://example.com/a.pdf"),
                ir.File("text/plain", text="Grüße"),
                ir.Image(file_id="file_of_another_vendor"),
                ir.File("video/mp4", "AAAA"),
            ],
        )
    )
    content = emit(request)["input"][0]["content"]
    assert content == [
        {"type": "input_text", "text": "Look"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "high"},
        {
            "type": "input_file",
            "file_data": "data:application/pdf;base64,JVBERi0=",
            "filename": "My report.pdf",
        },
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
        {
            "type": "input_file",
            "filename": "document.txt",
            "file_data": "data:text/plain;base64,R3LDvMOfZQ==",
        },
    ]
    assert request.dropped == ["content.image (a file of another vendor)", "content.file (video/mp4)"]


def test_a_model_without_eyes_gets_a_note_instead_of_an_image():
    request = foreign(ir.Message("user", [ir.Text("Look"), ir.Image("image/png", PNG)]))
    body = emit(request, ModelProfile(model="m", vision=False))
    assert [part["type"] for part in body["input"][0]["content"]] == ["input_text", "input_text"]
    assert request.dropped == ["content.image"]


def test_images_in_tool_results_are_input_images():
    result = ir.ToolResult("c", [ir.Text("Shot"), ir.Image("image/png", PNG)])
    body = emit(foreign(ir.Message("assistant", [ir.ToolCall("c", "f")]), ir.Message("user", [result])))
    assert [part["type"] for part in body["input"][1]["output"]] == ["input_text", "input_image"]


@pytest.mark.parametrize(
    ("text", "sent"), [("42", "Error: 42"), ("Error: no such file", "Error: no such file")]
)
def test_a_failed_tool_says_so(text, sent):
    result = ir.ToolResult("c", [ir.Text(text)], is_error=True)
    body = emit(foreign(ir.Message("assistant", [ir.ToolCall("c", "f")]), ir.Message("user", [result])))
    assert body["input"][1]["output"] == sent


def test_only_proven_reasoning_of_this_vendor_goes_back():
    parts: list[ir.Part] = [
        ir.Reasoning("a", signature="gA", vendor="openai", id="rs_1", summaries=("a",)),
        ir.Reasoning("b", signature="sig", vendor="anthropic"),
        ir.Reasoning("c"),
        ir.Text("d"),
    ]
    request = foreign(user("Hi"), ir.Message("assistant", parts))
    assert emit(request)["input"][1:] == [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "a"}],
            "encrypted_content": "gA",
        },
        {"type": "message", "role": "assistant", "content": "d"},
    ]
    assert len(request.dropped) == 2


def test_strict_is_always_said():
    loose = {"type": "object", "properties": {"a": {"type": "string"}}}
    strict = {**loose, "required": ["a"], "additionalProperties": False}
    request = foreign(
        user("Hi"), tools=[ir.Tool("a", "d", loose), ir.Tool("b", None, strict, strict=True), ir.Tool("c")]
    )
    sent = emit(request)["tools"]
    assert [tool["strict"] for tool in sent] == [False, True, False]
    assert sent[2]["parameters"] == {"type": "object", "properties": {}}
    assert "description" not in sent[2]


def test_custom_tools_of_chat_stay_custom():
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}
    call = ir.ToolCall("c", "p", "text", kind="custom")
    request = foreign(
        user("Hi"),
        ir.Message("assistant", [call]),
        ir.Message("user", [ir.ToolResult("c", [ir.Text("ok")], kind="custom")]),
        tools=[ir.Tool("p", kind="custom", grammar=grammar)],
        tool_choice=ir.ToolChoice("any", ("p",)),
    )
    adapted, _ = tools.adapt(request, FORMAT.rules)
    body = emit(adapted)
    assert body["tools"] == [
        {"type": "custom", "name": "p", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}}
    ]
    assert body["tool_choice"] == {"type": "custom", "name": "p"}
    assert [item["type"] for item in body["input"][1:]] == ["custom_tool_call", "custom_tool_call_output"]


def test_without_tools_there_is_no_choice():
    hosted = ir.Tool(
        "web_search", kind="hosted", format="anthropic_messages", raw={"type": "web_search_20250305"}
    )
    request = foreign(user("Hi"), tools=[hosted], tool_choice=ir.ToolChoice("any"), parallel_tool_calls=False)
    body = emit(request)
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(body)
    assert request.dropped == ["tools.web_search"]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (ir.ToolChoice("auto"), "auto"),
        (ir.ToolChoice("any"), "required"),
        (ir.ToolChoice("none"), "none"),
        (ir.ToolChoice("any", ("a",)), {"type": "function", "name": "a"}),
        (ir.ToolChoice("any", ("a", "b")), "required"),
        (
            ir.ToolChoice("auto", ("a",)),
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "a"}]},
        ),
    ],
)
def test_tool_choices_are_said(choice, sent):
    request = foreign(user("Hi"), tools=[ir.Tool("a"), ir.Tool("b")], tool_choice=choice)
    assert emit(request)["tool_choice"] == sent


def test_structured_output_is_said():
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    request = foreign(user("Hi"), response_format=ir.ResponseFormat("json_schema", None, None, schema, True))
    assert emit(request)["text"] == {
        "format": {"type": "json_schema", "name": "response", "schema": schema, "strict": True}
    }
    request.response_format = ir.ResponseFormat("json_object")
    assert emit(request)["text"] == {"format": {"type": "json_object"}}


def test_limits_and_sampling():
    request = foreign(
        user("Hi"), max_output_tokens=1, temperature=0.5, top_p=0.9, user="u" * 80, metadata={"a": "b"}
    )
    body = emit(request)
    assert (body["max_output_tokens"], body["temperature"], body["top_p"]) == (16, 0.5, 0.9)
    assert len(body["user"]) == 64
    assert body["metadata"] == {"a": "b"}
    request.max_output_tokens = 100_000
    assert emit(request, ModelProfile(model="m", max_output_tokens=4096))["max_output_tokens"] == 4096


def test_what_cannot_be_said_is_noted():
    request = foreign(
        user("Hi"), stop=["x"], top_k=1, seed=2, n=3, frequency_penalty=0.1, presence_penalty=0.2
    )
    body = emit(request)
    assert set(body) == {"model", "store", "input"}
    assert set(request.dropped) == {"stop", "top_k", "seed", "n", "frequency_penalty", "presence_penalty"}


def test_log_probabilities_are_asked_for():
    body = emit(foreign(user("Hi"), logprobs=True, top_logprobs=2))
    assert (body["include"], body["top_logprobs"]) == (["message.output_text.logprobs"], 2)


@pytest.mark.parametrize(
    ("asked", "profile", "sent"),
    [
        (ir.ReasoningRequest(effort="high"), REASONER, {"effort": "high"}),
        (ir.ReasoningRequest(enabled=True, budget=8000), REASONER, {"effort": "medium", "summary": "auto"}),
        (ir.ReasoningRequest(effort="low", visible=True), REASONER, {"effort": "low", "summary": "auto"}),
        (ir.ReasoningRequest(enabled=False), REASONER, {"effort": "none"}),
        (
            ir.ReasoningRequest(enabled=False),
            ModelProfile(model="gpt-5-mini", reasoning="effort"),
            {"effort": "minimal"},
        ),
        (ir.ReasoningRequest(enabled=False), ModelProfile(model="o3", reasoning="effort"), None),
        (ir.ReasoningRequest(enabled=True, budget=8000), GPT, None),
        (None, REASONER, None),
    ],
)
def test_reasoning_is_asked_for_in_words(asked, profile, sent):
    body = emit(foreign(user("Hi"), reasoning=asked), profile)
    assert body.get("reasoning") == sent
    assert ("include" in body) == (sent is not None)


def test_a_model_that_reasons_gets_no_temperature():
    request = foreign(user("Hi"), temperature=0.5, reasoning=ir.ReasoningRequest(effort="low"))
    assert "temperature" not in emit(request, REASONER)
    assert request.dropped == ["temperature"]
    assert emit(foreign(user("Hi"), temperature=0.5), REASONER)["temperature"] == 0.5


def test_cache_keys_and_verbosity_of_chat_travel():
    request = foreign(
        user("Hi"), extra={"openai_chat": {"prompt_cache_key": "k", "verbosity": "low", "logit_bias": {}}}
    )
    body = emit(request)
    assert (body["prompt_cache_key"], body["text"]) == ("k", {"verbosity": "low"})
    assert "logit_bias" not in body


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
