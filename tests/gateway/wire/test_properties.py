"""All formats alike: whatever comes, only declared errors come out; what is said once is said again.

Bodies and streams are good ones with a few values replaced, left out or repeated, which goes deeper than noise.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire import CLIENT_FORMATS, FORMATS, get_format, history, ir, tools
from gateway.wire.arguments import parse_object
from gateway.wire.base import ModelProfile
from gateway.wire.json import loads
from gateway.wire.sse import Decoder
from omniroute.errors import GatewayError, InvalidRequest, UpstreamError
from omniroute.types import InboundRequest, Usage

Path = tuple[Any, ...]
PROFILES = [
    ModelProfile(),
    ModelProfile(provider="openai", vendor="openai", model="gpt-5.2", reasoning="effort"),
    ModelProfile(
        provider="anthropic", vendor="anthropic", model="claude-sonnet-4-5", max_output_tokens=64000
    ),
    ModelProfile(provider="gemini", vendor="gemini", model="gemini-3-pro"),
    ModelProfile(provider="openrouter", model="anthropic/claude-opus-4.7", vision=False),
]
EXAMPLES = 60
JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.5,
        10**30,
        "",
        "x",
        "\ud800",
        "\0",
        "{",
        "http://[x.pdf",
        [],
        [{}],
        [None],
        [[]],
        {},
        {"type": "text"},
        {"a": []},
    ]
)


# ---- good ones, as the neutral form says them


def texts(alphabet: str = 'ab é\n😀\u2028"\\<', smallest: int = 1) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=smallest, max_size=6)


def visible(text: str) -> bool:
    return bool(text.strip())


SAID = texts().filter(visible)
OBJECTS = st.dictionaries(
    texts("abc"),
    st.integers() | texts(smallest=0) | st.none() | st.lists(st.booleans(), max_size=2),
    max_size=3,
)
CALLS = st.builds(
    lambda number, name, value: ir.ToolCall(f"call_{number}", name, json.dumps(value)),
    st.integers(0, 99),
    st.sampled_from(["f", "get_weather", "mcp__a__" + "b" * 70, "a.b"]),
    OBJECTS,
)
PARTS = st.lists(
    SAID.map(ir.Text) | SAID.map(lambda text: ir.Reasoning(text)) | CALLS, min_size=1, max_size=4
)
USAGES = st.builds(
    lambda read, rest, thought, said: Usage(read + rest, thought + said, read, 0, thought),
    *[st.integers(0, 99), st.integers(1, 99)] * 2,
)


@st.composite
def replies(draw: st.DrawFn) -> ir.Response:
    """In the order that every format keeps: thoughts, text, calls."""
    parts: list[ir.Part] = sorted(
        draw(PARTS), key=lambda part: isinstance(part, ir.Text) + 2 * isinstance(part, ir.ToolCall)
    )
    for number, call in enumerate(part for part in parts if isinstance(part, ir.ToolCall)):
        call.id = f"call_{number}"
    called = any(isinstance(part, ir.ToolCall) for part in parts)
    reason: ir.FinishReason = "tool_calls" if called else draw(st.sampled_from(["stop", "length"]))
    return ir.Response("id1", "m", 1, [ir.Candidate(parts, reason)], draw(USAGES))


@st.composite
def requests(draw: st.DrawFn) -> ir.Request:
    messages = [ir.Message("user", [ir.Text(draw(SAID))])]
    names: set[str] = set()
    for turn in range(draw(st.integers(0, 3))):
        calls = [copy.copy(call) for call in draw(st.lists(CALLS, max_size=2))]
        for number, call in enumerate(calls):
            call.id = f"call_{turn}_{number}"
            names.add(call.name)
        said: list[ir.Part] = [ir.Text(draw(SAID))] if draw(st.booleans()) or not calls else []
        messages.append(ir.Message("assistant", [*said, *calls]))
        answers: list[ir.Part] = [ir.ToolResult(call.id, [ir.Text(draw(SAID))], call.name) for call in calls]
        more: list[ir.Part] = [ir.Text(draw(SAID))] if not answers or draw(st.booleans()) else []
        messages.append(ir.Message("user", [*answers, *more]))
    return ir.Request(
        "m",
        messages,
        stream=draw(st.booleans()),
        system=[ir.Text(text) for text in draw(st.lists(SAID, max_size=2))],
        tools=[ir.Tool(name, "d", {"type": "object", "properties": {}}) for name in sorted(names)],
        max_output_tokens=draw(st.none() | st.integers(20, 9999)),
        temperature=draw(st.none() | st.sampled_from([0.0, 0.5, 1.0])),
        stop=draw(st.sampled_from([[], ["x"]])),
    )


# ---- damage


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    for key, item in (
        value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    ):
        yield (*path, key)
        yield from places(item, (*path, key))


@st.composite
def damaged(draw: st.DrawFn, good: Any) -> Any:
    value = copy.deepcopy(good)
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(value))
        if not found:
            break
        *way, last = draw(st.sampled_from(found))
        holder = value
        for step in way:
            holder = holder[step]
        match draw(st.sampled_from(["replace", "remove", "repeat"])):
            case "replace":
                holder[last] = copy.deepcopy(draw(JUNK))
            case "remove":
                del holder[last]
            case "repeat" if isinstance(holder, list):
                holder.insert(draw(st.integers(0, len(holder))), copy.deepcopy(holder[last]))
    return value


def body_of(name: str, response: ir.Response) -> Any:
    return json.loads(
        json.dumps(get_format(name).emit_response(copy.deepcopy(response), ir.Request("m", [])))
    )


def stream_of(name: str, response: ir.Response) -> bytes:
    emitter = get_format(name).stream_emitter(ir.Request("m", [], include_usage=True))
    return b"".join(emitter.emit(event) for event in ir.unfold(copy.deepcopy(response))) + emitter.close()


def fitted(name: str, request: ir.Request) -> ir.Request:
    rules = get_format(name).rules
    return history.repair(tools.adapt(request, rules)[0], rules)


def as_json(value: Any) -> None:
    json.dumps(value, ensure_ascii=True)


# ---- only declared errors


@given(data=st.data())
@settings(max_examples=EXAMPLES)
@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_request(name, data):
    good = get_format(name).emit_request(
        fitted(name, data.draw(requests())), data.draw(st.sampled_from(PROFILES))
    )
    body = data.draw(damaged(json.loads(json.dumps(good))))
    try:
        request = get_format(name).parse_request(body, "m", False)
    except InvalidRequest:
        return
    for target in FORMATS:
        try:
            adapted = request if target == name else fitted(target, request)
        except InvalidRequest:
            continue
        as_json(get_format(target).emit_request(adapted, data.draw(st.sampled_from(PROFILES))))


@given(data=st.data())
@settings(max_examples=EXAMPLES)
@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_reply(name, data):
    body = data.draw(damaged(body_of(name, data.draw(replies()))))
    try:
        response = get_format(name).parse_response(body)
    except UpstreamError:
        return
    for target in [*FORMATS, *CLIENT_FORMATS]:
        as_json(get_format(target).emit_response(response, ir.Request("m", [])))
        stream_of(target, response)


@given(data=st.data())
@settings(max_examples=EXAMPLES)
@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_stream(name, data):
    decoder = Decoder()
    events = [*decoder.feed(stream_of(name, data.draw(replies()))), *decoder.flush()]
    chunks = [json.loads(event.data) if event.data[:1] == b"{" else event.data.decode() for event in events]
    names = {json.dumps(chunk): event.name for chunk, event in zip(chunks, events, strict=True)}
    sent = b""
    for chunk in data.draw(damaged(chunks)) or []:
        said = names.get(json.dumps(chunk), b"")
        text = chunk if isinstance(chunk, str) else json.dumps(chunk)
        sent += (
            (b"event: " + said + b"\n" if said else b"")
            + b"data: "
            + text.encode("utf-8", "replace")
            + b"\n\n"
        )
    read(name, sent, data.draw(st.integers(1, 200)))


@given(noise=st.binary(max_size=60), size=st.integers(1, 7))
@pytest.mark.parametrize("name", FORMATS)
def test_noise_in_the_place_of_a_stream(name, noise, size):
    for sent in (noise, b"data: " + noise + b"\n\n", b"event: error\ndata: " + noise, b"[" + noise + b"]"):
        read(name, sent, size)


def read(name: str, sent: bytes, size: int) -> None:
    """As another format's, and as this one's own."""
    form, asked = get_format(name), ir.Request("m", [])
    inbound = InboundRequest("r", name, "generate", "m", True, b"{}", {}, {}, "/")
    tap, parser = form.tap(inbound), form.stream_parser()
    emitters = [get_format(target).stream_emitter(asked) for target in [*FORMATS, *CLIENT_FORMATS]]
    for array in (False, True):
        decoder = form.decoder(array)
        pieces = [decoder.feed(sent[at : at + size]) for at in range(0, len(sent), size)]
        events = [event for piece in [*pieces, decoder.flush()] for event in piece]
        for event in events:
            tap.look(event)
    decoder = Decoder()
    parsed = [found for event in [*decoder.feed(sent), *decoder.flush()] for found in parser.feed(event)]
    parsed += parser.close()
    for emitter in emitters:
        for found in parsed:
            emitter.emit(found)
        emitter.close()


@given(body=st.binary(max_size=60), status=st.sampled_from([200, 400, 401, 429, 500, 529]))
@pytest.mark.parametrize("name", FORMATS)
def test_noise_in_the_place_of_an_answer(name, body, status):
    form = get_format(name)
    form.inspect(body)
    error = form.parse_error(status, body, {})
    assert error.message
    for target in [*FORMATS, *CLIENT_FORMATS]:
        as_json(get_format(target).emit_error(error))
        assert get_format(target).emit_stream_error(error)
    try:
        value = loads(body)
    except InvalidRequest:
        return
    if isinstance(value, dict):
        with pytest.raises(GatewayError):
            form.parse_response(value)


# ---- what is said is said again


def outline(parts: list[ir.Part]) -> dict[str, Any]:
    return {
        "text": "".join(part.text for part in parts if isinstance(part, ir.Text)),
        "thought": "".join("".join(p.text.split()) for p in parts if isinstance(p, ir.Reasoning)),
        "calls": [(p.name, parse_object(p.arguments)) for p in parts if isinstance(p, ir.ToolCall)],
    }


def check_same(received: ir.Response, response: ir.Response) -> None:
    (one,), (other,) = received.candidates, response.candidates
    assert outline(one.parts) == outline(other.parts)
    assert one.finish_reason == other.finish_reason
    got, sent = received.usage or Usage(), response.usage or Usage()
    assert (got.input_tokens, got.output_tokens) == (sent.input_tokens, sent.output_tokens)
    assert got.cache_read_tokens == sent.cache_read_tokens


@given(response=replies())
@settings(max_examples=EXAMPLES)
@pytest.mark.parametrize("name", FORMATS)
def test_a_reply_keeps_its_meaning(name, response):
    check_same(get_format(name).parse_response(body_of(name, response)), response)


@given(response=replies(), size=st.integers(1, 400))
@settings(max_examples=EXAMPLES)
@pytest.mark.parametrize("name", FORMATS)
def test_a_stream_keeps_its_meaning_wherever_it_is_cut(name, response, size):
    sent = stream_of(name, response)
    decoder, parser = Decoder(), get_format(name).stream_parser()
    pieces = [decoder.feed(sent[at : at + size]) for at in range(0, len(sent), size)]
    events = [event for piece in [*pieces, decoder.flush()] for event in piece]
    check_same(ir.fold([*(e for event in events for e in parser.feed(event)), *parser.close()]), response)


@given(request=requests())
@settings(max_examples=EXAMPLES)
@pytest.mark.parametrize("name", FORMATS)
def test_a_request_keeps_its_meaning(name, request):
    adapted, back = tools.adapt(request, get_format(name).rules)
    sent = get_format(name).emit_request(
        history.repair(adapted, get_format(name).rules), ModelProfile(model="m")
    )
    received = get_format(name).parse_request(json.loads(json.dumps(sent)), "m", request.stream)
    assert conversation(received, back) == conversation(request, None)
    assert (received.max_output_tokens or 8192) == (request.max_output_tokens or 8192)
    assert received.temperature == request.temperature
    assert received.stop == ([] if name == "openai_responses" else request.stop)
    assert len(received.tools) == len(request.tools)


def conversation(request: ir.Request, back: tools.ToolMap | None) -> Any:
    """Who says what in which order; neighbouring turns of one role are one."""
    said: list[list[Any]] = []
    called: dict[str, str] = {}
    for message in request.messages:
        for part in message.parts:
            role = "assistant" if message.role == "assistant" else "user"
            if not said or said[-1][0] != role:
                said.append([role, "", []])
            if isinstance(part, ir.Text):
                said[-1][1] += "".join(part.text.split())
            elif isinstance(part, ir.ToolCall):
                (restored,) = back.restore(ir.PartStarted(0, part)) if back else (ir.PartStarted(0, part),)
                assert isinstance(restored, ir.PartStarted)
                assert isinstance(restored.part, ir.ToolCall)
                called[part.id] = restored.part.name
                said[-1][2].append((restored.part.name, parse_object(part.arguments)))
            elif isinstance(part, ir.ToolResult):
                text = "".join(inner.text for inner in part.parts if isinstance(inner, ir.Text))
                said[-1][2].append((called[part.call_id], "".join(text.split())))
    return "".join("".join(part.text.split()) for part in request.system), said
