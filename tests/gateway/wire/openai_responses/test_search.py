"""The tool search that the client runs, for providers that know functions only."""

from __future__ import annotations

import pytest

from gateway.wire import history, ir, json, sse, tools
from gateway.wire.base import ModelProfile
from gateway.wire.openai_chat import OpenAIChat
from gateway.wire.openai_responses import OpenAIResponses
from omniroute.errors import InvalidRequest

RESPONSES, CHAT = OpenAIResponses(), OpenAIChat()
PARAMETERS = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
SEARCH = {"type": "tool_search", "execution": "client", "description": "Searches.", "parameters": PARAMETERS}
CALL = {
    "type": "tool_search_call",
    "id": "tsc_1",
    "call_id": "call_1",
    "execution": "client",
    "status": "completed",
    "arguments": {"query": "agents"},
}
FOUND = {
    "type": "tool_search_output",
    "call_id": "call_1",
    "execution": "client",
    "status": "completed",
    "tools": [
        {
            "type": "namespace",
            "name": "team",
            "tools": [{"type": "function", "name": "spawn", "parameters": {}}],
        }
    ],
}


def parse(*items, **search):
    body = {
        "model": "m",
        "input": [{"role": "user", "content": "Go"}, *items],
        "tools": [{**SEARCH, **search}],
    }
    return RESPONSES.parse_request(body, "m", True), body


def to_chat(*items):
    request, _ = parse(*items)
    adapted, toolmap = tools.adapt(request, CHAT.rules)
    return CHAT.emit_request(history.repair(adapted, CHAT.rules), ModelProfile("m")), toolmap, request


def test_it_is_a_function_to_others():
    (tool,) = to_chat()[0]["tools"]
    assert tool["function"]["name"] == "tool_search"
    assert tool["function"]["parameters"]["properties"] == PARAMETERS["properties"]


def test_a_search_that_openai_runs_is_not():
    request, _ = parse(execution="server")
    assert [tool.kind for tool in request.tools] == ["hosted"]


def test_what_was_found_answers_the_call_and_can_be_called():
    sent, _, _ = to_chat(CALL, FOUND)
    call, result = sent["messages"][1:]
    assert call["tool_calls"][0]["function"] == {"name": "tool_search", "arguments": '{"query":"agents"}'}
    assert (result["role"], result["content"]) == ("tool", "Found these tools: spawn")
    assert result["tool_call_id"] == call["tool_calls"][0]["id"]
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["tool_search", "team__spawn"]


def test_the_items_come_back_as_they_were():
    request, body = parse(CALL, FOUND)
    emitted = RESPONSES.emit_request(request, ModelProfile("m"))
    assert (emitted["input"], emitted["tools"]) == (body["input"], body["tools"])


def test_in_an_answer_the_call_is_no_other_clients():
    """Only this format's clients can have declared the search."""
    item = {**CALL, "id": "tsc_1"}
    answer = {"id": "r", "object": "response", "status": "completed", "model": "m", "output": [item]}
    whole = CHAT.emit_response(RESPONSES.parse_response(answer), ir.Request("m", []))
    (choice,) = whole["choices"]
    assert (choice["finish_reason"], "tool_calls" in choice["message"]) == ("stop", False)
    again = RESPONSES.emit_response(RESPONSES.parse_response(answer), ir.Request("m", []))
    assert again["output"] == [item]


@pytest.mark.parametrize("pieces", [['{"query":"agents"}'], ['{"que', 'ry":"age', 'nts"}']])
def test_a_models_call_becomes_the_clients_item(pieces):
    _, toolmap, request = to_chat()
    started = ir.PartStarted(0, ir.ToolCall("call_9", "tool_search"))
    events = [ir.Started("r", "m"), started, *(ir.PartDelta(0, piece) for piece in pieces), ir.PartEnded(0)]
    emitter = RESPONSES.stream_emitter(request)
    restored = [after for event in [*events, ir.Finished("tool_calls")] for after in toolmap.restore(event)]
    stream = b"".join(emitter.emit(event) for event in restored) + emitter.close()
    shown = [json.loads(event.data) for event in sse.Decoder().feed(stream)]
    (done,) = [event["item"] for event in shown if event["type"] == "response.output_item.done"]
    assert done.pop("id").startswith("tsc_")
    assert {**done, "id": "tsc_1"} == {**CALL, "call_id": "call_9"}
    assert not [event for event in shown if "function_call_arguments" in event["type"]]


def test_a_found_tool_without_a_type_is_refused_by_name():
    with pytest.raises(InvalidRequest) as error:
        parse(CALL, {**FOUND, "tools": [{"anyOf": {}}]})
    assert error.value.param == "input[2].tools[0].type"
