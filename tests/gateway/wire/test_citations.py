"""Sources of an answer reach every client in its own format's words, in whole answers and in streams."""

from __future__ import annotations

import itertools
import json
from typing import Any

import anthropic.types
import google.genai.types
import msgspec
import openai.types.chat
import openai.types.responses
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import FORMATS, get_format, ir
from gateway.wire.anthropic_messages.citations import FOREIGN_INDEX
from gateway.wire.base import ModelProfile
from gateway.wire.gemini.citations import emit_citations, parse_citations
from gateway.wire.openai_chat.citations import place
from gateway.wire.sse import Decoder

A, B = "https://a.example/x", "https://b.example/y"
TEXT = "Où? Paris, é 😀 and Rome."
SPAN = TEXT.index("Paris"), TEXT.index(" and")
CITED = TEXT[slice(*SPAN)]


Body = dict[str, Any]


def chat() -> Body:
    start, end = SPAN
    cited = [
        {"url": A, "title": "A", "start_index": start, "end_index": end},
        {"url": B, "title": "B", "start_index": 0, "end_index": 0},
    ]
    notes = [{"type": "url_citation", "url_citation": cite} for cite in cited]
    said = {"role": "assistant", "content": TEXT, "annotations": notes}
    choice = {"index": 0, "message": said, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "model": "m", "created": 1, "choices": [choice]}


def responses() -> Body:
    start, end = SPAN
    notes: list[Body] = [
        {"type": "url_citation", "url": A, "title": "A", "start_index": start, "end_index": end},
        {"type": "url_citation", "url": B, "title": "B", "start_index": 0, "end_index": 0},
        {"type": "file_path", "file_id": "file_1", "index": 1},
    ]
    part = {"type": "output_text", "text": TEXT, "annotations": notes, "logprobs": []}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    told = {"id": "r", "object": "response", "model": "m", "created_at": 1, "status": "completed"}
    return {**told, "output": [item], "tools": [], "tool_choice": "auto", "parallel_tool_calls": True}


def gemini() -> Body:
    before, said = len(TEXT[: SPAN[0]].encode()), len(CITED.encode())
    segment = {"startIndex": before, "endIndex": before + said, "text": CITED}
    grounding = {
        "groundingChunks": [{"web": {"uri": A, "title": "A"}}, {"web": {"uri": B, "title": "B"}}],
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}],
    }
    content = {"role": "model", "parts": [{"text": TEXT}]}
    return {"candidates": [{"content": content, "finishReason": "STOP", "groundingMetadata": grounding}]}


def claude() -> Body:
    web = {"type": "web_search_result_location", "cited_text": "q", "encrypted_index": "e"}
    blocks = [
        {"type": "text", "text": TEXT[: SPAN[0]], "citations": None},
        {"type": "text", "text": CITED, "citations": [{**web, "url": A, "title": "A"}]},
        {"type": "text", "text": TEXT[SPAN[1] :], "citations": [{**web, "url": B, "title": "B"}]},
    ]
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": blocks}
    usage = {"input_tokens": 1, "output_tokens": 1}
    return {**message, "stop_reason": "end_turn", "stop_sequence": None, "usage": usage}


ANSWERS = {
    "openai_chat": chat,
    "openai_responses": responses,
    "gemini": gemini,
    "anthropic_messages": claude,
}


def whole(name: str) -> Body:
    """An answer of that format that says `TEXT` and cites A for `CITED`, and B."""
    return ANSWERS[name]()


def in_chat(text: str) -> dict[str, str]:
    said = openai.types.chat.ChatCompletion.model_validate_json(text).choices[0].message
    notes = [note.url_citation for note in said.annotations or []]
    return {n.url: (said.content or "")[n.start_index : n.end_index] for n in notes}


def in_responses(text: str) -> dict[str, str]:
    items: list[Any] = openai.types.responses.Response.model_validate_json(text).output
    parts = [part for item in items for part in item.content]
    notes = [(part.text, note) for part in parts for note in part.annotations if note.type == "url_citation"]
    return {note.url: said[note.start_index : note.end_index] for said, note in notes}


def in_gemini(text: str) -> dict[str, str]:
    parsed: Any = google.genai.types.GenerateContentResponse.model_validate_json(text)
    (candidate,) = parsed.candidates
    grounding = candidate.grounding_metadata
    found = {chunk.web.uri: "" for chunk in grounding.grounding_chunks}
    for support in grounding.grounding_supports or []:
        segment = support.segment
        content = candidate.content.parts[segment.part_index or 0].text.encode()
        said = content[segment.start_index or 0 : segment.end_index].decode()
        assert said == segment.text
        found |= {grounding.grounding_chunks[n].web.uri: said for n in support.grounding_chunk_indices}
    return found


def in_claude(text: str) -> dict[str, str]:
    blocks: list[Any] = anthropic.types.Message.model_validate_json(text).content
    return {cite.url: block.text for block in blocks for cite in block.citations or []}


READERS = {
    "openai_chat": in_chat,
    "openai_responses": in_responses,
    "gemini": in_gemini,
    "anthropic_messages": in_claude,
}


def cited_in(name: str, body: Body) -> dict[str, str]:
    """{url: what of the text it is cited for, "" if that is not told}, read with the vendor's own types."""
    return READERS[name](json.dumps(body))


def stream_of(name, response):
    form = get_format(name)
    emitter = form.stream_emitter(ir.Request("m", []))
    sent = b"".join(emitter.emit(event) for event in ir.unfold(response)) + emitter.close()
    decoder, parser = Decoder(), form.stream_parser()
    events = [*decoder.feed(sent), *decoder.flush()]
    return events, ir.fold([*(e for event in events for e in parser.feed(event)), *parser.close()])


PAIRS = [pair for pair in itertools.product(FORMATS, FORMATS) if pair[0] != pair[1]]


@pytest.mark.parametrize(("provider", "client"), PAIRS)
def test_the_sources_of_a_whole_answer(provider, client):
    response = get_format(provider).parse_response(whole(provider))
    found = cited_in(client, get_format(client).emit_response(response, ir.Request("m", [])))
    assert set(found) == {A, B}
    if client != "anthropic_messages" or provider == "anthropic_messages":
        assert found[A] == CITED


@pytest.mark.parametrize(("provider", "client"), PAIRS)
def test_the_sources_of_a_stream(provider, client):
    _, streamed = stream_of(provider, get_format(provider).parse_response(whole(provider)))
    _, received = stream_of(client, streamed)
    texts = [part for part in received.candidates[0].parts if isinstance(part, ir.Text)]
    found = {c.url: text.text[c.start or 0 : c.end or 0] for text in texts for c in text.citations}
    assert "".join(text.text for text in texts) == TEXT
    assert set(found) == {A, B}
    if "anthropic_messages" not in (provider, client):
        assert found[A] == CITED


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_gives_its_own_sources_back_as_they_came(name):
    body = whole(name)
    form = get_format(name)
    emitted = form.emit_response(form.parse_response(body), ir.Request("m", []))
    assert cited_in(name, emitted) == cited_in(name, body)
    _, streamed = stream_of(name, form.parse_response(body))
    assert {c.url for part in streamed.candidates[0].parts for c in part.citations} == {A, B}


def test_events_of_annotations_are_the_vendors():
    response = get_format("openai_chat").parse_response(whole("openai_chat"))
    events, _ = stream_of("openai_responses", response)
    added = [json.loads(e.data) for e in events if e.name == b"response.output_text.annotation.added"]
    kind = openai.types.responses.ResponseOutputTextAnnotationAddedEvent
    assert [kind.model_validate(event).annotation_index for event in added] == [0, 1]
    events, _ = stream_of("anthropic_messages", response)
    deltas = [json.loads(e.data) for e in events if b"citations_delta" in e.data]
    assert len([anthropic.types.RawContentBlockDeltaEvent.model_validate(delta) for delta in deltas]) == 2


# ---- lists beside the choices


SEARCHED = [{"title": "A", "url": A, "snippet": "says"}, {"title": "B", "url": B}]


@pytest.mark.parametrize("lists", [{"citations": [A, B]}, {"search_results": SEARCHED, "citations": [A, B]}])
def test_a_list_of_sources_counts_by_the_marks_in_the_text(lists):
    message = {"role": "assistant", "content": "One[2]. Two[2], [9]."}
    body = {"id": "c", "model": "sonar", "choices": [{"message": message, "finish_reason": "stop"}], **lists}
    (text,) = get_format("openai_chat").parse_response(body).candidates[0].parts
    assert [(c.url, c.start, c.end) for c in text.citations] == [(B, 3, 6), (B, 11, 14), (A, None, None)]


def test_a_streamed_list_of_sources():
    chunks = [
        {"choices": [{"delta": {"content": "One[1]"}}], "citations": [A], "search_results": SEARCHED[:1]},
        {"choices": [{"delta": {"content": "."}, "finish_reason": "stop"}], "citations": [A]},
    ]
    parser = get_format("openai_chat").stream_parser()
    lines = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode()
    events = [e for event in Decoder().feed(lines) for e in parser.feed(event)]
    (text,) = ir.fold([*events, *parser.close()]).candidates[0].parts
    assert text.citations == [ir.Citation(A, "A", 3, 6, "says")]


def test_a_list_of_sources_beside_the_usage_is_not_too_late():
    chunks = [
        {"choices": [{"delta": {"content": "One[1]"}}]},
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}, "citations": [A]},
    ]
    parser = get_format("openai_chat").stream_parser()
    lines = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode()
    events = [e for event in Decoder().feed(lines) for e in parser.feed(event)]
    (text,) = ir.fold([*events, *parser.close()]).candidates[0].parts
    assert [(c.url, c.start, c.end) for c in text.citations] == [(A, 3, 6)]


SEARCH = {
    "type": "web_search_call",
    "id": "ws",
    "status": "completed",
    "action": {"type": "search", "query": "q", "sources": [{"url": A}, {"url": B}, {"url": A}]},
}


def responses_answer(annotations: list[Any], **more: Any) -> dict[str, Any]:
    content = [{"type": "output_text", "text": "One[1].", "annotations": annotations}]
    message = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": content}
    output = [SEARCH, SEARCH, message]
    return {"id": "r", "model": "grok", "object": "response", "status": "completed", "output": output, **more}


NOTE = {"type": "url_citation", "url": B, "title": "B", "start_index": 0, "end_index": 3}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (responses_answer([]), [(A, 3, 6), (B, None, None)]),
        (responses_answer([], citations=[B]), [(B, 3, 6)]),
        (responses_answer([NOTE], citations=[A]), [(B, 0, 3)]),
    ],
    ids=["of its searches", "of the whole", "annotated"],
)
def test_a_response_without_annotations_has_the_sources_that_it_lists(body, found):
    parts = get_format("openai_responses").parse_response(body).candidates[0].parts
    assert [(c.url, c.start, c.end) for c in parts[-1].citations] == found


def test_a_streamed_response_without_annotations_has_the_sources_of_its_searches():
    whole = responses_answer([])
    events = [
        {"type": "response.output_item.done", "output_index": index, "item": item}
        for index, item in enumerate(whole["output"])
    ]
    lines = [*events, {"type": "response.completed", "response": whole}]
    parser = get_format("openai_responses").stream_parser()
    stream = "".join(f"data: {json.dumps(line)}\n\n" for line in lines).encode()
    said = [e for event in Decoder().feed(stream) for e in parser.feed(event)]
    text = ir.fold([*said, *parser.close()]).candidates[0].parts[-1]
    assert [(c.url, c.start, c.end) for c in text.citations] == [(A, 3, 6), (B, None, None)]


@given(st.text(max_size=40), st.integers(0, 4))
def test_marks_never_point_behind_the_sources(text, count):
    sources = [ir.Citation(f"https://{number}.example") for number in range(count)]
    placed = place(sources, text)
    assert {c.url for c in placed} == {c.url for c in sources}
    for cited in placed:
        if cited.start is not None:
            number = int(text[cited.start + 1 : (cited.end or 0) - 1])
            assert sources[number - 1].url == cited.url


# ---- Gemini counts in bytes


@given(st.text(max_size=30), st.data())
def test_places_survive_googles_bytes(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    cited = ir.Text(text, citations=[ir.Citation(A, "A", start, end)])
    metadata = emit_citations([(0, cited)])
    (found,) = parse_citations({"groundingMetadata": metadata}, {0: text})[0]
    assert (found.url, found.title) == (A, "A")
    assert (found.start, found.end) == ((start, end) if end else (None, None))


@pytest.mark.parametrize(
    "metadata",
    [
        {"groundingChunks": [None, {"web": None}, {"web": {"uri": 1}}]},
        {
            "groundingChunks": [{"web": {"uri": A}}],
            "groundingSupports": [
                {"segment": {"endIndex": 99}, "groundingChunkIndices": [0, 7, "x"]},
                None,
                {"segment": None},
            ],
        },
    ],
)
def test_odd_grounding_is_no_fault(metadata):
    body = whole("gemini")
    body["candidates"][0]["groundingMetadata"] = metadata
    (text,) = get_format("gemini").parse_response(body).candidates[0].parts
    assert {(c.url, c.start) for c in text.citations} <= {(A, None)}


# ---- on the way back


def test_anthropic_never_sees_another_vendors_source():
    response = get_format("openai_chat").parse_response(whole("openai_chat"))
    form = get_format("anthropic_messages")
    content = form.emit_response(response, ir.Request("m", []))["content"]
    own = {"type": "web_search_result_location", "url": B, "title": "B", "encrypted_index": "e"}
    content.append({"type": "text", "text": "x", "citations": [*content[0]["citations"], own]})
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": content}]
    fields: Body = {"messages": msgspec.Raw(json.dumps(turns).encode())}
    form.patch(fields, "claude", False)
    assert FOREIGN_INDEX not in json.dumps(fields["messages"])
    first, second = fields["messages"][1]["content"]
    assert "citations" not in first
    assert second["citations"] == [own]
    body = {"max_tokens": 1, "messages": [{"role": "assistant", "content": content}]}
    request = form.parse_request(body, "m", False)
    assert FOREIGN_INDEX not in json.dumps(form.emit_request(request, ModelProfile(vendor="anthropic")))
