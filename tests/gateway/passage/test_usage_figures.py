"""Tokens and costs equal what is computed from a provider's raw answer without the gateway's code: for every recorded
answer, same format and translated, whole and streamed; and for made-up ones of shapes that no recording has."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import genai_prices
import msgspec
import pytest

from billing.config import BillingConfig
from billing.pricing.costs import Offer, cost_of
from gateway.passage.base import Ends, Passage
from gateway.passage.other_format import OtherFormat
from gateway.passage.same_format import SameFormat
from gateway.wire import get_format
from gateway.wire.base import ModelProfile
from omniroute.types import InboundRequest, Usage
from tests.gateway.passage.usage_reader import Read, documents, read
from tests.services import traffic_dir

GATEWAY_NAMES = {"anthropic": "anthropic_messages"}
CLIENTS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini")
PRICED_AT = datetime(2026, 10, 20, 12, tzinfo=UTC)
SELLERS = {
    "xai": "x-ai", "google": "google", "vertex": "google", "anthropic": "anthropic", "openai": "openai",
    "groq": "groq", "deepseek": "deepseek", "mistral": "mistral", "perplexity": "perplexity",
    "openrouter": "openrouter", "azure": "azure", "together": "together",
}  # fmt: skip
QUESTION: dict[str, dict[str, Any]] = {
    "openai_chat": {"messages": [{"role": "user", "content": "?"}]},
    "openai_responses": {"input": "?"},
    "anthropic_messages": {"messages": [{"role": "user", "content": "?"}], "max_tokens": 10},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "?"}]}]},
}


def inbound(client: str, stream: bool, array: bool = False) -> InboundRequest:
    body = QUESTION[client] | ({"stream_options": {"include_usage": True}} if client == "openai_chat" else {})
    fields = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in body.items()}
    return InboundRequest("r", client, "generate", "m", stream, b"", fields, {}, "/", array)


def passage(client: str, provider: str, stream: bool, array: bool) -> Passage:
    kind = SameFormat if client == provider else OtherFormat
    asked = inbound(client, stream, array)
    return kind(Ends(asked, get_format(client), get_format(provider), ModelProfile(model="m")))


def through(
    client: str, provider: str, response: dict[str, Any]
) -> tuple[Usage | None, list[dict[str, Any]]]:
    """The usage that the gateway accounts for, and the JSON objects that the client gets."""
    body, text = response.get("body"), response.get("body_text")
    array = isinstance(body, list) and client == provider
    if (
        isinstance(body, list) and not array
    ):  # another format's client never makes the gateway ask for an array
        text = "".join(f"data: {json.dumps(each)}\n\n" for each in body)
    way = passage(client, provider, text is not None or array, array)
    if text is None and not array:
        whole = way.whole(json.dumps(body).encode())
        return whole.usage, [json.loads(whole.body)]
    reader = way.reader()
    out = reader.feed(text.encode() if text is not None else json.dumps(body).encode()) + reader.close()
    return reader.usage, json.loads(out) if array else documents({"body_text": out.decode()})


def figures(usage: Usage) -> tuple[int, ...]:
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
    )


def expected_cost(expected: Read, seller: str, model: str) -> Decimal | None:
    """By the calculator of genai-prices itself."""
    if expected.cost is not None:
        return expected.cost
    usage = genai_prices.Usage(
        input_tokens=max(expected.input, expected.cached + expected.written),
        output_tokens=expected.output,
        cache_read_tokens=expected.cached,
        cache_write_tokens=expected.written,
        output_reasoning_tokens=expected.reasoning,
        **{name: count for name, count in expected.apart.items() if count},
    )
    try:
        return genai_prices.calc_price(
            usage, model, provider_id=seller, genai_request_timestamp=PRICED_AT
        ).total_price
    except LookupError:
        return None


def check(provider: str, format: str, model: str, response: dict[str, Any]) -> None:
    spoken = GATEWAY_NAMES.get(format, format)
    expected = read(format, provider, documents(response))
    assert expected is not None
    for client in CLIENTS:
        usage, told = through(client, spoken, response)
        assert usage is not None, client
        assert figures(usage) == expected.counts, client
        assert dict(usage.priced_apart) == {name: count for name, count in expected.apart.items() if count}
        cost = cost_of(usage, Offer(SELLERS.get(provider, provider), model), BillingConfig({}, {}), PRICED_AT)
        assert cost.amount == expected_cost(expected, SELLERS.get(provider, provider), model), client
        if client != spoken:
            seen = read({"anthropic_messages": "anthropic"}.get(client, client), "", told)
            assert seen is not None
            assert seen.counts == shown(client, expected), client


def shown(client: str, expected: Read) -> tuple[int, ...]:
    """What a client's format can say of it: Gemini has no word for what was written to a cache."""
    input, output, cached, written, reasoning = expected.counts
    return input, output, cached, 0 if client == "gemini" else written, reasoning


def _recorded() -> list[Any]:
    folder = traffic_dir()
    found = (
        [json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))] if folder.is_dir() else []
    )
    return [pytest.param(record, id=record["id"]) for record in found if _reports_usage(record)]


def _reports_usage(record: dict[str, Any]) -> bool:
    good = record["response"]["status"] == 200 and not {"error", "stream_error"} & set(record["features"])
    format = record["format"]
    return (
        good
        and format in ("openai_chat", "openai_responses", "anthropic", "gemini")
        and read(format, record["provider"], documents(record["response"])) is not None
    )


RECORDED = _recorded()


@pytest.mark.traffic
@pytest.mark.parametrize("record", RECORDED or [pytest.param(None, id="none")])
def test_recorded_answers_are_counted_and_priced_as_by_hand(record: dict[str, Any]):
    documents_ = documents(record["response"])
    model = next(
        (
            str(name)
            for each in documents_
            for name in (
                each.get("model")
                or each.get("modelVersion")
                or (each.get("message") or each.get("response") or {}).get("model"),
            )
            if name
        ),
        "",
    )
    check(record["provider"], record["format"], model, record["response"])


def chat(usage: dict[str, Any], **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
        **more,
    }


def streamed(usage: dict[str, Any]) -> str:
    """As chunks, the usage last."""
    said = {"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}
    chunks = [said, {"id": "c", "choices": [], "usage": usage}]
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


CHAT: dict[str, tuple[str, str, dict[str, Any]]] = {
    "openai-cached-and-written": (
        "openai", "gpt-5.5",
        {"prompt_tokens": 5000, "completion_tokens": 300, "total_tokens": 5300,
         "prompt_tokens_details": {"cached_tokens": 4000, "cache_write_tokens": 500},
         "completion_tokens_details": {"reasoning_tokens": 200}},
    ),
    "openai-audio": (
        "openai", "gpt-audio",
        {"prompt_tokens": 100, "completion_tokens": 80, "total_tokens": 180,
         "prompt_tokens_details": {"audio_tokens": 60, "cached_tokens": 0},
         "completion_tokens_details": {"audio_tokens": 70, "reasoning_tokens": 0}},
    ),
    "xai-reasoning-beside": (
        "xai", "grok-3-mini",
        {"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135,
         "prompt_tokens_details": {"cached_tokens": 5},
         "completion_tokens_details": {"reasoning_tokens": 94}},
    ),
    "together-reasoning-inside": (
        "together", "deepseek-ai/DeepSeek-R1",
        {"prompt_tokens": 95, "completion_tokens": 1885, "total_tokens": 1980, "reasoning_tokens": 1883},
    ),
    "perplexity-deep-research": (
        "perplexity", "sonar-deep-research",
        {"prompt_tokens": 33, "completion_tokens": 7163, "total_tokens": 7196, "citation_tokens": 20016,
         "num_search_queries": 18, "reasoning_tokens": 73997},
    ),
    "perplexity-reported": (
        "perplexity", "sonar",
        {"prompt_tokens": 33, "completion_tokens": 20, "total_tokens": 53,
         "cost": {"input_tokens_cost": 0.000033, "request_cost": 0.005, "total_cost": 0.005053}},
    ),
    "openrouter-own-key": (
        "openrouter", "openai/gpt-4o",
        {"prompt_tokens": 33, "completion_tokens": 20, "total_tokens": 53, "cost": 0.000015, "is_byok": True,
         "cost_details": {"upstream_inference_cost": 0.0003}},
    ),
    "openrouter-free": (
        "openrouter", "z-ai/glm-4.5-air:free",
        {"prompt_tokens": 33, "completion_tokens": 20, "total_tokens": 53, "cost": 0},
    ),
    "deepseek-hit-and-miss": (
        "deepseek", "deepseek-chat",
        {"prompt_tokens": 500, "completion_tokens": 20, "total_tokens": 520, "prompt_cache_hit_tokens": 448,
         "prompt_cache_miss_tokens": 52},
    ),
    "null-details": (
        "mistral", "mistral-large-latest",
        {"prompt_tokens": 11, "completion_tokens": 12, "total_tokens": 23, "prompt_tokens_details": None,
         "completion_tokens_details": None},
    ),
}  # fmt: skip


@pytest.mark.parametrize("as_stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", CHAT)
def test_every_vendor_s_spelling_of_chat_usage(name: str, as_stream: bool):
    provider, model, usage = CHAT[name]
    response = {"body_text": streamed(usage)} if as_stream else {"body": chat(usage)}
    check(provider, "openai_chat", model, response)


def test_groq_s_streams_report_beside_the_chunk():
    last: dict[str, Any] = {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    last["x_groq"] = {"usage": {"prompt_tokens": 30, "completion_tokens": 4, "total_tokens": 34}}
    said = {"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}
    text = "".join(f"data: {json.dumps(each)}\n\n" for each in (said, last)) + "data: [DONE]\n\n"
    check("groq", "openai_chat", "llama-3.3-70b-versatile", {"body_text": text})


def test_counts_of_a_wrong_type_do_not_hide_the_others():
    usage = {"prompt_tokens": 30.0, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": "8"}}
    for body in (json.dumps(chat(usage)).encode(),):
        found = get_format("openai_chat").inspect(body).usage
        assert found
        assert (found.input_tokens, found.output_tokens) == (30, 4)
    told, _ = through("openai_chat", "openai_chat", {"body_text": streamed(usage)})
    assert told
    assert (told.input_tokens, told.output_tokens) == (30, 4)


def test_the_service_tier_is_part_of_the_usage():
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    for client in CLIENTS:
        found, _ = through(client, "openai_chat", {"body": chat(usage, service_tier="flex")})
        assert found
        assert found.service_tier == "flex", client


ANTHROPIC: dict[str, Any] = {
    "input_tokens": 20, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 600, "output_tokens": 50,
    "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 400},
    "server_tool_use": {"web_search_requests": 2}, "output_tokens_details": {"thinking_tokens": 30},
}  # fmt: skip


def test_anthropic_s_cache_writes_searches_and_thinking():
    body = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-5", "stop_reason": "end_turn",
        "stop_sequence": None, "content": [{"type": "text", "text": "Hi"}], "usage": ANTHROPIC,
    }  # fmt: skip
    check("anthropic", "anthropic", "claude-opus-4-5", {"body": body})


def test_anthropic_s_stream_adds_up_to_its_end():
    begun = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-5", "content": [],
             "usage": ANTHROPIC | {"output_tokens": 1}}  # fmt: skip
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 50}},
        {"type": "message_stop"},
    ]
    text = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    check("anthropic", "anthropic", "claude-opus-4-5", {"body_text": text})


def test_gemini_s_thoughts_tool_prompts_and_modalities():
    usage = {
        "promptTokenCount": 1000, "candidatesTokenCount": 50, "thoughtsTokenCount": 200, "toolUsePromptTokenCount": 70,
        "cachedContentTokenCount": 300, "totalTokenCount": 1320,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 600}, {"modality": "AUDIO", "tokenCount": 400}],
        "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 200}, {"modality": "AUDIO", "tokenCount": 100}],
    }  # fmt: skip
    candidate = {"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP", "index": 0}
    body = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-2.5-flash"}
    check("google", "gemini", "gemini-2.5-flash", {"body": body})
    check("google", "gemini", "gemini-2.5-flash", {"body_text": f"data: {json.dumps(body)}\r\n\r\n"})
