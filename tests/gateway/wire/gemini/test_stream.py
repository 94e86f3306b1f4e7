"""streamGenerateContent, both ways, as SSE and as an array."""

from __future__ import annotations

import pytest
from google.genai import types

from gateway.wire import ir, json, sse
from gateway.wire.gemini import Gemini, array
from omniroute.types import Usage

GEMINI = Gemini()
ASKED = ir.Request("asked", [], stream=True)


def chunk(*parts, **more):
    candidate = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    for key in ("finishReason", "logprobsResult", "groundingMetadata"):
        if key in more:
            candidate[key] = more.pop(key)
    return {"candidates": [candidate], "modelVersion": "gemini-2.5-flash", "responseId": "r1", **more}


def parse(*chunks):
    parser = GEMINI.stream_parser()
    events = []
    for item in chunks:
        data = item if isinstance(item, bytes) else json.dumps(item)
        events += parser.feed(sse.ServerEvent(b"", data))
    return events + parser.close()


def emit(events, request=ASKED):
    emitter = GEMINI.stream_emitter(request)
    return b"".join(emitter.emit(event) for event in events) + emitter.close()


def read(stream):
    decoder = sse.Decoder()
    return [json.loads(event.data) for event in decoder.feed(stream) + decoder.flush()]


USAGE = {"promptTokenCount": 5, "candidatesTokenCount": 3, "thoughtsTokenCount": 2, "totalTokenCount": 10}


def test_thoughts_text_and_calls_become_parts_in_order():
    events = parse(
        chunk({"text": "Hm", "thought": True}, usageMetadata={"promptTokenCount": 5, "totalTokenCount": 5}),
        chunk({"text": ".", "thought": True}),
        chunk({"text": "It "}),
        chunk({"text": "rains"}),
        chunk({"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"}),
        chunk({"functionCall": {"name": "g", "args": {}}}, finishReason="STOP"),
        chunk(usageMetadata=USAGE),
    )
    assert events[0] == ir.Started("r1", "gemini-2.5-flash", None, Usage(input_tokens=5))
    response = ir.fold(events)
    thought, text, first, second = response.candidates[0].parts
    assert isinstance(thought, ir.Reasoning)
    assert (thought.text, thought.vendor) == ("Hm.", "gemini")
    assert isinstance(text, ir.Text)
    assert text.text == "It rains"
    assert isinstance(first, ir.ToolCall)
    assert (first.name, first.arguments, first.signature) == ("f", '{"a":1}', "c2ln")
    assert isinstance(second, ir.ToolCall)
    assert first.id != second.id
    assert response.candidates[0].finish_reason == "tool_calls"
    assert response.usage == Usage(input_tokens=5, output_tokens=5, reasoning_tokens=2)


def test_parts_end_before_the_finish_and_only_one_is_open():
    events = parse(chunk({"text": "a", "thought": True}, {"text": "b"}, finishReason="STOP"))
    assert [type(event).__name__ for event in events] == [
        "Started",
        "PartStarted",
        "PartDelta",
        "PartEnded",
        "PartStarted",
        "PartDelta",
        "PartEnded",
        "Finished",
    ]


def test_content_behind_a_finish_reason_still_counts():
    events = parse(chunk({"text": "a"}, finishReason="STOP"), chunk({"text": "b"}))
    assert ir.fold(events).candidates[0].parts == [ir.Text("ab")]
    assert sum(isinstance(event, ir.Finished) for event in events) == 1


def test_a_signature_on_an_empty_last_text_is_kept():
    events = parse(chunk({"text": "a"}), chunk({"text": "", "thoughtSignature": "c2ln"}, finishReason="STOP"))
    assert ir.fold(events).candidates[0].parts == [ir.Text("a", {"gemini": {"thoughtSignature": "c2ln"}})]
    assert read(emit(events))[1]["candidates"][0]["content"]["parts"] == [
        {"text": "", "thoughtSignature": "c2ln"}
    ]


def test_several_candidates_are_kept_apart():
    both = {
        "candidates": [
            {"content": {"parts": [{"text": word}]}, "finishReason": "STOP", "index": index}
            for index, word in enumerate("ab")
        ]
    }
    response = ir.fold(parse(both))
    assert [candidate.parts for candidate in response.candidates] == [[ir.Text("a")], [ir.Text("b")]]
    assert [
        [part["text"] for part in c["content"]["parts"]] for c in read(emit(parse(both)))[0]["candidates"]
    ] == [["a"]]


def test_a_refused_prompt_is_filtered():
    events = parse({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}})
    assert events[-2].reason == "content_filter"
    assert events[-1].usage == Usage(input_tokens=4)
    assert read(emit(events))[-1]["promptFeedback"] == {"blockReason": "SAFETY"}


def test_a_stream_without_a_finish_reason_was_cut():
    events = parse(chunk({"text": "half"}, usageMetadata=USAGE))
    assert isinstance(events[-1], ir.Errored)
    assert isinstance(events[-2], ir.UsageReported)
    assert isinstance(parse()[-1], ir.Errored)
    assert isinstance(parse({"usageMetadata": USAGE})[-1], ir.Errored)


@pytest.mark.parametrize(
    "data", [b"{", b"[1]", b'"x"', b'{"candidates":["x"]}', b'{"candidates":[{"content":{"parts":[1]}}]}']
)
def test_what_is_no_chunk_ends_the_stream_with_an_error(data):
    events = parse(chunk({"text": "a"}), data, chunk({"text": "b"}, finishReason="STOP"))
    assert isinstance(events[-1], ir.Errored)
    assert sum(isinstance(event, ir.Errored) for event in events) == 1
    assert not any(isinstance(event, ir.Finished) for event in events)


def test_an_error_object_inside_the_stream():
    error = {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}
    events = parse(chunk({"text": "a"}), {"error": error})
    assert events[-1] == ir.Errored("Overloaded", 503, "overloaded")


def test_comments_and_done_are_nothing():
    parser = GEMINI.stream_parser()
    assert parser.feed(sse.ServerEvent(b": x\n\n", b"")) == []
    assert parser.feed(sse.ServerEvent(b"", b"[DONE]")) == []


def test_hosted_parts_and_pictures_come_whole():
    events = parse(
        chunk(
            {"executableCode": {"code": "1"}},
            {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
            finishReason="STOP",
        )
    )
    code, picture = ir.fold(events).candidates[0].parts
    assert isinstance(code, ir.Unknown)
    assert isinstance(picture, ir.Image)
    assert [c["candidates"][0]["content"]["parts"][0] for c in read(emit(events))[:2]] == [
        {"executableCode": {"code": "1"}},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
    ]


def test_empty_grounding_does_not_replace_what_was_found():
    found = {"webSearchQueries": ["rain"]}
    events = parse(
        chunk({"text": "a"}, groundingMetadata=found), chunk(groundingMetadata={}, finishReason="STOP")
    )
    assert ir.fold(events).candidates[0].extra == {"gemini": {"groundingMetadata": found}}


# ---- to a Gemini client

FOREIGN: list[ir.Event] = [
    ir.Started("msg_1", "", None, Usage(input_tokens=7)),
    ir.PartStarted(0, ir.Reasoning()),
    ir.PartDelta(0, "Hm"),
    ir.PartEnded(0),
    ir.PartStarted(1, ir.Text("")),
    ir.PartDelta(1, "Hi\n\n "),
    ir.PartStarted(2, ir.ToolCall("toolu_1", "f")),
    ir.PartDelta(2, '{"a":'),
    ir.PartDelta(1, "there"),
    ir.PartDelta(2, " 1}"),
    ir.PartEnded(1),
    ir.PartEnded(2),
    ir.Finished("tool_calls"),
    ir.UsageReported(Usage(input_tokens=7, output_tokens=5, reasoning_tokens=2)),
]


def test_a_foreign_stream_has_whole_calls_and_ends_with_finish_and_usage():
    chunks = read(emit(FOREIGN))
    parts = [part for item in chunks for part in item["candidates"][0]["content"]["parts"]]
    assert parts == [
        {"text": "Hm", "thought": True},
        {"text": "Hi\n\n "},
        {"text": "there"},
        {"functionCall": {"name": "f", "args": {"a": 1}, "id": "toolu_1"}},
        {"text": ""},
    ]
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"
    assert chunks[-1]["usageMetadata"] == {
        "promptTokenCount": 7,
        "candidatesTokenCount": 3,
        "totalTokenCount": 12,
        "thoughtsTokenCount": 2,
    }
    assert [("finishReason" in item["candidates"][0]) for item in chunks] == [False] * 4 + [True]
    assert {item["modelVersion"] for item in chunks} == {"asked"}
    for item in chunks:
        types.GenerateContentResponse.model_validate(item)


def test_an_error_is_in_band_and_nothing_follows():
    chunks = read(emit([*FOREIGN[:6], ir.Errored("Gone", 503)]))
    assert chunks[-1] == {"error": {"code": 503, "message": "Gone", "status": "UNAVAILABLE"}}
    assert not any("finishReason" in item["candidates"][0] for item in chunks[:-1])


def test_a_stream_that_never_finished_does_not_end_well():
    assert read(emit(FOREIGN[:6]))[-1]["error"]["code"] == 502


@pytest.mark.parametrize(
    "events", [FOREIGN, [ir.Errored("Gone", 503)], [*FOREIGN[:6], ir.Errored("Gone", 503)], []]
)
def test_clients_without_sse_read_one_array(events):
    asked = ir.Request("asked", [], stream=True, extra={"gemini": {"array": True}})
    assert json.loads(emit(events, asked)) == read(emit(events))


def test_a_stream_survives_the_way_there_and_back():
    events = parse(
        chunk({"text": "Hm", "thought": True}),
        chunk({"text": "a"}),
        chunk(
            {"functionCall": {"id": "1", "name": "f", "args": {}}, "thoughtSignature": "c2ln"},
            finishReason="STOP",
            groundingMetadata={"webSearchQueries": ["x"]},
            usageMetadata=USAGE,
        ),
    )
    again = parse(*read(emit(events)))
    before, after = ir.fold(events), ir.fold(again)
    assert [type(part) for part in after.candidates[0].parts] == [
        type(part) for part in before.candidates[0].parts
    ]
    call = after.candidates[0].parts[2]
    assert isinstance(call, ir.ToolCall)
    assert call.signature == "c2ln"
    assert after.candidates[0].extra == before.candidates[0].extra
    assert after.usage == before.usage


def test_the_array_decoder_reads_what_the_emitter_writes():
    asked = ir.Request("asked", [], stream=True, extra={"gemini": {"array": True}})
    decoder = array.Decoder()
    events = decoder.feed(emit(FOREIGN, asked)) + decoder.flush()
    assert [json.loads(event.data) for event in events[:-1]] == read(emit(FOREIGN))
    assert events[-1].data == array.END


@pytest.mark.parametrize(
    ("number", "reason"), [(1, "stop"), (2, "length"), (3, "content_filter"), (5, "error")]
)
def test_a_finish_reason_may_be_the_number_of_its_enum(number, reason):
    assert parse(chunk({"text": "a"}, finishReason=number))[-1] == ir.Finished(reason)


def test_a_call_is_a_call_whatever_the_spelling_of_the_end():
    assert parse(chunk({"functionCall": {"name": "f"}}, finishReason=1))[-1] == ir.Finished("tool_calls")
