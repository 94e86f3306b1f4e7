import base64

import pytest

from gateway.wire import ir
from gateway.wire.base import ModelProfile
from tests.gateway.wire.anthropic_messages.made_up import PDF, PNG, assistant, emit, foreign, user


def test_max_tokens_are_always_there():
    assert emit(foreign())["max_tokens"] == 8192
    assert emit(foreign(), ModelProfile(model="x", max_output_tokens=4096))["max_tokens"] == 4096
    assert emit(foreign(max_output_tokens=1))["max_tokens"] == 1


def test_instructions_are_gathered_in_front_in_their_order():
    request = foreign(
        user(ir.Text("one")),
        ir.Message("developer", [ir.Text("second")]),
        user(ir.Text("two")),
        ir.Message("system", [ir.Text("third")]),
        system=[ir.Text("first"), ir.Text("")],
    )
    body = emit(request)
    assert [block["text"] for block in body["system"]] == ["first", "second", "third"]
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}
    ]


def test_instructions_alone_become_the_users_turn():
    body = emit(ir.Request("m", [], system=[ir.Text("Do it.")]))
    assert body["messages"] == [{"role": "user", "content": "Do it."}]
    assert "system" not in body


def test_results_come_before_everything_else_in_their_turn():
    request = foreign(
        user(ir.Text("go")),
        assistant(ir.ToolCall("a", "f", '{"x": 1}'), ir.ToolCall("b", "g", "")),
        user(ir.Text("and"), ir.ToolResult("a", [ir.Text("1")])),
        user(ir.ToolResult("b", [], is_error=True)),
    )
    assert emit(request)["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
                {"type": "tool_use", "id": "b", "name": "g", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "1"},
                {"type": "tool_result", "tool_use_id": "b", "content": "", "is_error": True},
                {"type": "text", "text": "and", "cache_control": {"type": "ephemeral"}},
            ],
        },
    ]


def test_blank_texts_are_left_out_and_an_empty_turn_says_so():
    body = emit(foreign(user(ir.Text("  ")), assistant(ir.Text("")), user(ir.Text("x"), ir.Text("\n"))))
    assert body["messages"] == [{"role": "user", "content": "x"}]
    assert emit(foreign(user(ir.Text(" "))))["messages"] == [{"role": "user", "content": "."}]


def test_white_space_inside_of_texts_survives():
    assert emit(foreign(user(ir.Text(" a\n\tb "))))["messages"][0]["content"] == " a\n\tb "


def test_an_image_is_labelled_by_what_it_is():
    body = emit(foreign(user(ir.Image("image/jpeg", PNG), ir.Image(url="https://example.com/b.webp"))))
    assert [block["source"] for block in body["messages"][0]["content"]] == [
        {"type": "base64", "media_type": "image/png", "data": PNG},
        {"type": "url", "url": "https://example.com/b.webp"},
    ]


@pytest.mark.parametrize(
    "part",
    [
        ir.Image(file_id="file-1"),
        ir.Image("image/heic", base64.b64encode(b"made up, not a picture").decode()),
        ir.Audio("audio/wav", "UklGRg=="),
        ir.File("application/zip", "UEsDBA==", filename="a.zip"),
        ir.File(file_id="file-1"),
    ],
)
def test_what_claude_cannot_see_is_replaced_by_a_note(part):
    request = foreign(user(ir.Text("look"), part))
    blocks = emit(request)["messages"][0]["content"]
    assert blocks[1]["type"] == "text"
    assert "omitted" in blocks[1]["text"]
    assert len(request.dropped) == 1


def test_what_is_behind_an_address_is_claudes_to_fetch_or_to_refuse():
    sound = ir.Audio("audio/mpeg", url="https://example.com/a.mp3")
    (block,) = emit(foreign(user(sound)))["messages"][0]["content"]
    assert block == {"type": "document", "source": {"type": "url", "url": "https://example.com/a.mp3"}}


def test_what_another_model_drew_is_shown_by_the_user():
    drawn = ir.Image("image/png", PNG)
    body = emit(foreign(user(ir.Text("draw")), assistant(ir.Text("Here."), drawn), user(ir.Text("bigger"))))
    assert body["messages"][1] == {"role": "assistant", "content": "Here."}
    assert [block["type"] for block in body["messages"][2]["content"]] == ["text", "image"]
    last = emit(foreign(user(ir.Text("draw")), assistant(drawn)))["messages"]
    assert [(turn["role"], len(turn["content"])) for turn in last] == [("user", 2)]


def test_a_model_without_eyes_gets_a_note_for_an_image():
    profile = ModelProfile(model="blind", vision=False)
    assert "omitted" in emit(foreign(user(ir.Image("image/png", PNG))), profile)["messages"][0]["content"]


def test_documents_are_pdf_or_text():
    text = base64.b64encode("a;ü".encode()).decode()
    request = foreign(
        user(
            ir.File("application/octet-stream", PDF, filename="a.pdf"),
            ir.File("text/csv", text, filename="b.csv"),
            ir.File(url="https://example.com/c.pdf"),
            ir.File(text="plain", title="T", context="C"),
            ir.File("image/png", PNG),
        )
    )
    blocks = emit(request)["messages"][0]["content"]
    assert blocks[0]["source"] == {"type": "base64", "media_type": "application/pdf", "data": PDF}
    assert blocks[0]["title"] == "a.pdf"
    assert blocks[1]["source"] == {"type": "text", "media_type": "text/plain", "data": "a;ü"}
    assert blocks[2]["source"] == {"type": "url", "url": "https://example.com/c.pdf"}
    assert (blocks[3]["title"], blocks[3]["context"]) == ("T", "C")
    assert blocks[4]["type"] == "image"


def test_an_image_in_a_result_stays_there():
    request = foreign(
        assistant(ir.ToolCall("a", "f")),
        user(ir.ToolResult("a", [ir.Text("see"), ir.Image("image/png", PNG)])),
    )
    content = emit(request)["messages"][-1]["content"][0]["content"]
    assert [block["type"] for block in content] == ["text", "image"]


def test_only_claudes_own_signed_reasoning_is_sent():
    parts: list[ir.Part] = [
        ir.Reasoning("own", "sig", vendor="anthropic"),
        ir.Reasoning(redacted="data", vendor="anthropic"),
        ir.Reasoning("unsigned"),
        ir.Reasoning("gpt's", "enc", vendor="openai"),
        ir.Text("answer"),
    ]
    request = foreign(user(ir.Text("a")), assistant(*parts), user(ir.Text("b")))
    assert emit(request)["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "own", "signature": "sig"},
        {"type": "redacted_thinking", "data": "data"},
        {"type": "text", "text": "answer"},
    ]
    elsewhere = emit(request, ModelProfile(model="glm-4.6"))
    assert elsewhere["messages"][1]["content"] == "answer"


def test_unknown_parts_of_other_formats_are_dropped_and_noted():
    request = foreign(user(ir.Text("a"), ir.Unknown("gemini", "executableCode", {"code": "1"})))
    assert emit(request)["messages"] == [{"role": "user", "content": "a"}]
    assert request.dropped == ["content.executableCode"]


def test_a_refusal_is_text():
    body = emit(foreign(user(ir.Text("a")), assistant(ir.Refusal("No.")), user(ir.Text("b"))))
    assert body["messages"][1] == {"role": "assistant", "content": "No."}


def test_nothing_of_a_foreign_extra_is_sent():
    request = foreign(
        user(ir.Text("x", {"openai_chat": {"a": 1}})),
        extra={"openai_chat": {"logit_bias": {"1": 2}, "$h": 1}},
    )
    assert set(emit(request)) == {"model", "max_tokens", "messages"}
