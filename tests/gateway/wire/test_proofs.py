"""A proof of thought goes back to the one who made it, and to nobody else."""

from __future__ import annotations

import pytest

from gateway.wire import get_format, ir
from gateway.wire.base import ModelProfile
from gateway.wire.proofs import label_of

OPENAI = ModelProfile(provider="openai", vendor="openai", model="gpt-5.2", reasoning="effort")
XAI = ModelProfile(provider="xai", model="grok-4", reasoning="effort")
CLAUDE = ModelProfile(provider="anthropic", vendor="anthropic", model="claude-sonnet-4-5")
GLM = ModelProfile(provider="glm", model="glm-5")


def responses_answer():
    thought = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "sealed"}
    text = {"type": "output_text", "text": "x", "annotations": []}
    said = {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [text]}
    return {"id": "r", "status": "completed", "model": "m", "output": [thought, said]}


def claude_answer():
    blocks = [{"type": "thinking", "thinking": "hm", "signature": "signed"}, {"type": "text", "text": "x"}]
    return {"id": "m", "type": "message", "role": "assistant", "content": blocks, "stop_reason": "end_turn"}


def answered_by(provider, profile, body):
    """As the gateway knows it, once from the whole answer and once from its stream."""
    form = get_format(provider)
    label, response = label_of(form, profile), form.parse_response(body)
    if label is None:
        return response, response
    restore = label.after(lambda event: [event])
    streamed = ir.fold(labelled for event in ir.unfold(response) for labelled in restore(event))
    return label.response(response), streamed


def returned(client, response, provider, profile):
    """What the provider gets of it, when a client of that format sends its history."""
    form = get_format(client)
    emitted = form.emit_response(response, ir.Request("m", [], extra=INCLUDE.get(client, {})))
    if client == "anthropic_messages":
        turn = {"role": "assistant", "content": emitted["content"]}
        body = {"max_tokens": 9000, "messages": [USER, turn, USER]}
    else:
        body = {"input": [USER, *emitted["output"], USER]}
    request = form.parse_request(body, "m", False)
    return str(get_format(provider).emit_request(request, profile))


USER = {"role": "user", "content": "q"}
INCLUDE = {"openai_responses": {"openai_responses": {"include": ["reasoning.encrypted_content"]}}}


@pytest.mark.parametrize(("maker", "other"), [(XAI, OPENAI), (OPENAI, XAI)])
def test_a_responses_proof_goes_back_to_its_maker_only(maker, other):
    for response in answered_by("openai_responses", maker, responses_answer()):
        assert "sealed" in returned("anthropic_messages", response, "openai_responses", maker)
        assert "sealed" not in returned("anthropic_messages", response, "openai_responses", other)


@pytest.mark.parametrize(("maker", "other"), [(GLM, CLAUDE), (CLAUDE, GLM)])
def test_a_signature_goes_back_to_its_maker_only(maker, other):
    for response in answered_by("anthropic_messages", maker, claude_answer()):
        assert "signed" in returned("openai_responses", response, "anthropic_messages", maker)
        assert "signed" not in returned("openai_responses", response, "anthropic_messages", other)


def test_a_chat_client_reads_whose_proof_it_is():
    response, _ = answered_by("openai_responses", XAI, responses_answer())
    message = get_format("openai_chat").emit_response(response, ir.Request("m", []))["choices"][0]["message"]
    assert message["reasoning_details"][0]["format"] == "xai-responses-v1"


@pytest.mark.parametrize("name", ["openai_chat", "gemini"])
def test_formats_that_name_the_maker_themselves_need_no_label(name):
    assert label_of(get_format(name), XAI) is None


def test_nobody_known_is_no_label():
    assert label_of(get_format("openai_responses"), ModelProfile()) is None
