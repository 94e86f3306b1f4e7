from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types import Completion

from gateway.wire import get_format, ir
from gateway.wire.openai_chat import completions
from gateway.wire.sse import Decoder
from omniroute.errors import InvalidRequest
from omniroute.types import Usage

CHAT = get_format("openai_chat")


def ask(**body: Any) -> ir.Request:
    chat = completions.to_chat(body)
    request = CHAT.parse_request(chat, "m", bool(body.get("stream")))
    completions.remember_echo(request, body)
    return request


def test_a_prompt_becomes_the_users_message_and_the_rest_stays():
    body = {
        "model": "m",
        "prompt": "Once",
        "max_tokens": 5,
        "stop": ["x"],
        "logprobs": 2,
        "n": 2,
        "best_of": 2,
        "user": None,
    }
    assert completions.to_chat(body) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Once"}],
        "max_tokens": 5,
        "stop": ["x"],
        "n": 2,
        "logprobs": True,
        "top_logprobs": 2,
    }
    assert completions.to_chat({"prompt": ["one"]})["messages"][0]["content"] == "one"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": [[1, 2]]}, "prompt"),
        ({"prompt": {"a": 1}}, "prompt"),
        ({"prompt": "a", "suffix": "b"}, "suffix"),
        ({"prompt": "a", "best_of": 3}, "best_of"),
    ],
)
def test_what_chat_models_cannot_do_is_refused_by_name(body, param):
    with pytest.raises(InvalidRequest) as caught:
        completions.to_chat(body)
    assert caught.value.param == param


TOP = [{"token": "Hi", "logprob": -0.5}]
LOGPROBS = {"content": [{"token": "Hi", "logprob": -0.5, "top_logprobs": TOP}, {"token": "!", "logprob": -1}]}
REPLY = ir.Response(
    "chatcmpl-1",
    "real",
    7,
    [ir.Candidate([ir.Reasoning("hm"), ir.Text("Hi!")], "length", logprobs=LOGPROBS)],
    Usage(2, 3),
)


def test_a_reply_is_a_text_completion():
    body = completions.emit_response(REPLY, ask(prompt="Say "))
    Completion.model_validate(body, strict=True)
    assert body["object"] == "text_completion"
    assert body["usage"]["total_tokens"] == 5
    (choice,) = body["choices"]
    assert (choice["text"], choice["finish_reason"]) == ("Hi!", "length")
    assert choice["logprobs"] == {
        "tokens": ["Hi", "!"],
        "token_logprobs": [-0.5, -1],
        "top_logprobs": [{"Hi": -0.5}, {}],
        "text_offset": [0, 2],
    }


def test_the_prompt_is_repeated_for_those_who_ask():
    choice = completions.emit_response(REPLY, ask(prompt="Say ", echo=True))["choices"][0]
    assert choice["text"] == "Say Hi!"
    assert choice["logprobs"]["text_offset"] == [4, 6]


def stream(request: ir.Request, events: list[ir.Event]) -> list[Any]:
    emitter = completions.CompletionsEmitter(request)
    raw = b"".join(emitter.emit(event) for event in events) + emitter.close()
    return [e.data if e.data == b"[DONE]" else json.loads(e.data) for e in Decoder().feed(raw)]


def test_a_stream_says_the_same_as_the_whole_reply():
    request = ask(prompt="Say ", echo=True, stream=True, stream_options={"include_usage": True})
    chunks = stream(request, list(ir.unfold(REPLY)))
    assert chunks.pop() == b"[DONE]"
    usage = chunks.pop()
    assert (usage["choices"], usage["usage"]["prompt_tokens"]) == ([], 2)
    for item in chunks:
        Completion.model_validate(
            {**item, "choices": [{**item["choices"][0], "finish_reason": "stop"}]}, strict=True
        )
    assert "".join(item["choices"][0]["text"] for item in chunks) == "Say Hi!"
    assert [item["choices"][0]["finish_reason"] for item in chunks] == [None, None, "length"]
    assert {item["id"] for item in chunks} == {"cmpl-chatcmpl-1"}


def test_errors_are_no_normal_end():
    chunks = stream(ask(prompt="x"), [ir.Started(), ir.Errored("boom")])
    assert chunks[-1]["error"]["message"] == "boom"
    assert "error" in stream(ask(prompt="x"), [ir.Started()])[-1]
