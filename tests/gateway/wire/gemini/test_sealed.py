"""A Gemini client brings another vendor's thoughts back, and Google never sees their proofs."""

from __future__ import annotations

import base64
from itertools import pairwise
from typing import Any

import pytest
from google.genai import types

from gateway.wire import get_format, ir, json, sse
from gateway.wire.base import ModelProfile
from gateway.wire.gemini import Gemini
from gateway.wire.gemini.sealed import MARK, SKIP_SIGNATURE
from omniroute.types import Fields

GEMINI = Gemini()
CLAUDE = ModelProfile(provider="anthropic", vendor="anthropic", model="claude-sonnet-4-5", reasoning="budget")
OPENAI = ModelProfile(provider="openai", vendor="openai", model="gpt-5.2", reasoning="effort")
GOOGLE = ModelProfile(provider="gemini", vendor="gemini", model="gemini-3-pro")
ASKED = ir.Request("asked", [], stream=True)
QUESTION = {"role": "user", "parts": [{"text": "Look at both"}]}
RESULTS = [{"functionResponse": {"name": name, "response": {"result": "x"}}} for name in ("f", "g")]

BLOCKS: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "First f,\n\n 🌦", "signature": "sig/+=1"},
    {"type": "redacted_thinking", "data": "hidden"},
    {"type": "text", "text": "I look."},
    {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
    {"type": "thinking", "thinking": "then g", "signature": "sig2"},
    {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}},
]


def of_claude(blocks):
    body = {"id": "m", "type": "message", "role": "assistant", "content": blocks, "stop_reason": "tool_use"}
    return get_format("anthropic_messages").parse_response(body)


def through_sdk(content):
    """As google-genai holds it and sends it on."""
    return types.Content.model_validate(content).model_dump(mode="json", by_alias=True, exclude_none=True)


def whole(response):
    return [through_sdk(GEMINI.emit_response(response, ASKED)["candidates"][0]["content"])]


def streamed(response):
    emitter = GEMINI.stream_emitter(ASKED)
    out = b"".join(emitter.emit(event) for event in ir.unfold(response)) + emitter.close()
    decoder = sse.Decoder()
    chunks = [json.loads(event.data) for event in decoder.feed(out) + decoder.flush()]
    return [through_sdk(chunk["candidates"][0]["content"]) for chunk in chunks]


def joined(response):
    """One content of all chunks, whose neighbouring texts are joined, as Gemini CLI keeps it."""
    parts = [part for content in streamed(response) for part in content["parts"]]
    kept: list[dict[str, Any]] = []
    for part in parts:
        if kept and kept[-1].keys() == part.keys() == {"text"}:
            kept[-1] = {"text": kept[-1]["text"] + part["text"]}
        else:
            kept.append(part)
    return [{"role": "model", "parts": kept}]


def thoughtless(contents):
    kept = [[part for part in content["parts"] if not part.get("thought")] for content in contents]
    return [{"role": "model", "parts": parts} for parts in kept if parts]


def parsed(contents):
    body = {"contents": [QUESTION, *contents, {"role": "user", "parts": RESULTS}]}
    return GEMINI.parse_request(body, "m", False)


def patched(contents: list[Any], model: str) -> Any:
    """As Google gets them from its own client."""
    fields: Fields = dict(json.split(json.dumps({"contents": contents})))
    GEMINI.patch(fields, model, False)
    return fields["contents"]


def to_claude(contents):
    request = parsed(contents)
    request.reasoning = ir.ReasoningRequest(budget=2000, enabled=True)
    sent = get_format("anthropic_messages").emit_request(request, CLAUDE)
    assert sent["thinking"]["type"] == "enabled"
    return [block for turn in sent["messages"] if turn["role"] == "assistant" for block in turn["content"]]


def without_ids(blocks):
    return [{key: value for key, value in block.items() if key != "id"} for block in blocks]


@pytest.mark.parametrize("answer", [whole, streamed, joined])
def test_claude_gets_its_blocks_back_as_they_were(answer):
    assert without_ids(to_claude(answer(of_claude(BLOCKS)))) == without_ids(BLOCKS)


@pytest.mark.parametrize("answer", [whole, streamed, joined])
def test_a_client_that_returns_no_thoughts_still_returns_those_of_its_calls(answer):
    assert without_ids(to_claude(thoughtless(answer(of_claude(BLOCKS))))) == without_ids(BLOCKS)


def test_thoughts_that_a_client_joined_and_trimmed_are_put_right_by_the_call():
    (content,) = whole(of_claude(BLOCKS))
    content["parts"][0]["text"] = "First f,"
    assert without_ids(to_claude([content])) == without_ids(BLOCKS)


def test_a_later_turn_does_not_get_the_thoughts_of_an_earlier_one():
    call = of_claude([BLOCKS[0], BLOCKS[3]])
    again = of_claude([{**BLOCKS[0], "signature": "later"}, BLOCKS[3]])
    answered = {"role": "user", "parts": RESULTS[:1]}
    request = parsed([*thoughtless(whole(call)), answered, *thoughtless(whole(again))])
    turns = [message.parts for message in request.messages if message.role == "assistant"]
    assert [[part.signature for part in parts if isinstance(part, ir.Reasoning)] for parts in turns] == [
        ["sig/+=1"],
        ["later"],
    ]


def test_signatures_are_base64_for_sdks_that_hold_bytes():
    for content in whole(of_claude(BLOCKS)):
        found = [part["thoughtSignature"] for part in content["parts"] if "thoughtSignature" in part]
        assert len(found) == 5
        for signature in found:
            assert base64.b64encode(base64.urlsafe_b64decode(signature)).startswith(MARK)


def test_the_other_alphabet_of_base64_is_read_too():
    (content,) = thoughtless(whole(of_claude([{**BLOCKS[0], "thinking": "ÿþ?>~" * 9}, BLOCKS[3]])))
    for part in content["parts"]:
        part["thoughtSignature"] = part["thoughtSignature"].replace("-", "+").replace("_", "/").rstrip("=")
    assert to_claude([content])[0]["thinking"] == "ÿþ?>~" * 9


def test_a_damaged_seal_is_no_proof_of_anybody():
    damaged = {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": MARK.decode() + "!x"}
    thought = {"text": "hm", "thought": True, "thoughtSignature": MARK.decode() + "W10"}
    request = parsed([{"role": "model", "parts": [thought, damaged]}])
    assert [part.signature for part in request.messages[1].parts] == [None, None]


def test_openais_reasoning_keeps_its_id():
    item = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]}
    call = {"id": "fc_1", "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    body = {
        "id": "r",
        "status": "completed",
        "output": [{**item, "encrypted_content": "enc"}, {**call, "status": "completed"}],
    }
    response = get_format("openai_responses").parse_response(body)
    sent = get_format("openai_responses").emit_request(parsed(whole(response)), OPENAI)
    kept = next(item for item in sent["input"] if item["type"] == "reasoning")
    assert (kept["encrypted_content"], kept["summary"]) == ("enc", item["summary"])


def test_google_gets_no_other_vendors_proofs():
    contents = whole(of_claude(BLOCKS))
    assert MARK.decode() not in str(GEMINI.emit_request(parsed(contents), GOOGLE))
    kept = patched([QUESTION, *contents], "gemini-3-pro")[1]["parts"]
    assert [list(part) for part in kept] == [["text"], *[["functionCall", "thoughtSignature"]] * 2]
    assert {part["thoughtSignature"] for part in kept[1:]} == {SKIP_SIGNATURE}


def test_earlier_models_of_google_get_no_placeholder():
    kept = patched(whole(of_claude(BLOCKS)), "gemini-2.5-pro")[0]["parts"]
    assert [list(part) for part in kept] == [["text"], ["functionCall"], ["functionCall"]]


def test_a_turn_that_held_thoughts_alone_does_not_reach_google():
    turn = {"role": "model", "parts": whole(of_claude(BLOCKS))[0]["parts"][:2]}
    assert patched([QUESTION, turn], "gemini-3-pro") == [QUESTION]


def test_googles_own_signatures_stay_byte_for_byte():
    part = {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "Z29vZ2xl"}
    contents = [QUESTION, {"role": "model", "parts": [part]}]
    assert bytes(patched(contents, "gemini-3-pro")) == json.dumps(contents)


def test_a_thought_without_a_proof_is_only_shown():
    response = ir.Response("r", "m", candidates=[ir.Candidate([ir.Reasoning("hm"), ir.Text("x")], "stop")])
    for contents in (whole(response), streamed(response)):
        assert not any("thoughtSignature" in part for content in contents for part in content["parts"])


def test_the_proof_follows_the_text_of_its_thought_in_a_stream():
    parts = [part for content in streamed(of_claude(BLOCKS[:1])) for part in content["parts"]]
    assert [bool(part.get("thoughtSignature")) for part in parts][-2:] == [True, False]
    assert all(first.get("thought") or not second.get("thought") for first, second in pairwise(parts))
