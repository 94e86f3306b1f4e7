"""Requests of other formats, said in this one."""

from __future__ import annotations

import pytest

from gateway.wire import ir, tools
from gateway.wire.base import ModelProfile
from tests.gateway.wire.openai_responses.sdk import FORMAT, check_request

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
                ir.Audio("audio/mpeg", url="https://example.com/a.mp3"),
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
        {"type": "input_file", "file_url": "https://example.com/a.mp3"},
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
    ("text", "sent"), [("42", '{"error":"42"}'), ("Error: no such file", "Error: no such file")]
)
def test_a_failed_tool_says_so(text, sent):
    result = ir.ToolResult("c", [ir.Text(text)], is_error=True)
    body = emit(foreign(ir.Message("assistant", [ir.ToolCall("c", "f")]), ir.Message("user", [result])))
    assert body["input"][1]["output"] == sent


def test_only_proven_reasoning_of_this_vendor_goes_back():
    parts: list[ir.Part] = [
        ir.Reasoning("a", signature="gA", vendor="openai", id="rs_1", summaries=("a",)),
        ir.ToolCall("c", "f", "{}"),
        ir.Reasoning("b", signature="sig", vendor="anthropic"),
        ir.Reasoning("c"),
        ir.Text("d"),
    ]
    request = foreign(user("Hi"), ir.Message("assistant", parts))
    assert FORMAT.emit_request(request, GPT)["input"][1:] == [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "a"}], "encrypted_content": "gA"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "message", "role": "assistant", "content": "d"},
    ]
    assert len(request.dropped) == 2


def test_a_text_behind_reasoning_is_an_output_message():
    parts: list[ir.Part] = [ir.Reasoning("a", signature="gA", vendor="openai"), ir.Text("d")]
    message = FORMAT.emit_request(foreign(user("Hi"), ir.Message("assistant", parts)), GPT)["input"][2]
    assert message["id"].startswith("msg_")
    assert message["content"] == [{"type": "output_text", "text": "d", "annotations": []}]


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
    body = emit(request, ModelProfile(model="m"))
    assert (body["max_output_tokens"], body["temperature"], body["top_p"]) == (1, 0.5, 0.9)
    assert len(body["user"]) == 64
    assert body["metadata"] == {"a": "b"}
    assert emit(request, ModelProfile(provider="openai", model="gpt-4.1"))["max_output_tokens"] == 16
    request.max_output_tokens = 100_000
    assert emit(request, ModelProfile(model="m", max_output_tokens=4096))["max_output_tokens"] == 100_000


def test_what_cannot_be_said_is_noted():
    request = foreign(
        user("Hi"), stop=["x"], top_k=1, seed=2, n=3, frequency_penalty=0.1, presence_penalty=0.2
    )
    body = emit(request)
    assert set(body) == {"model", "store", "input"}
    assert set(request.dropped) == {"top_k", "seed", "n", "frequency_penalty", "presence_penalty"}


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


def test_broken_arguments_of_a_history_are_made_readable():
    said = ir.Message("assistant", [ir.ToolCall("c1", "f", '{"a": 1,}')])
    body = emit(foreign(user("Hi"), said))
    assert body["input"][1]["arguments"] == '{"a":1}'


def test_a_single_answer_is_what_this_format_gives():
    request = foreign(user("Hi"), n=1)
    emit(request)
    assert request.dropped == []
