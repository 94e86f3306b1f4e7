"""Every client format with every provider that one signs in to: a real gateway, stand-ins as strict as the vendors."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from gateway.simulator.behavior import Behavior
from gateway.wire import ir, json
from gateway.wire.sse import Decoder
from tests.e2e.conversing import FORMATS, ask, send, text_of, user
from tests.e2e.server import Gateway, running
from tests.vendors import chat
from tests.vendors.chat import ChatApp
from tests.vendors.frames import encode
from tests.vendors.framework import Reply
from tests.vendors.framework import running as vendor_running

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
LOOK = ir.Tool(
    "look", "Looks.", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
)
UNIFIED = "anthropic-ratelimit-unified-"
PREFIXES = {
    "claude": "cc",
    "codex": "cx",
    "gemini-cli": "gc",
    "github": "gh",
    "iflow": "if",
    "qwen": "qw",
    "kiro": "kr",
}

each_format = pytest.mark.parametrize("format", FORMATS)
each_vendor = pytest.mark.parametrize("provider", PREFIXES)
each_way = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@pytest.fixture(scope="module")
def vendors() -> Iterator[dict[str, ChatApp]]:
    with ExitStack() as stack:
        yield {kind.provider: stack.enter_context(vendor_running(kind())) for kind in chat.ALL}


@pytest.fixture(scope="module")
def _subscribed(tmp_path_factory: pytest.TempPathFactory, vendors: dict[str, ChatApp]) -> Iterator[Gateway]:
    with running(tmp_path_factory.mktemp("subscribed")) as gateway:
        gateway.command("shell", "-c", "\n".join(map(account_code, vendors.values())))
        yield gateway


def account_code(vendor: ChatApp) -> str:
    """An account as a sign-in would have left it, but for tokens that can be renewed."""
    fields = {
        "provider": vendor.provider,
        "name": vendor.provider,
        "api_key": vendor.token,
        "base_url": vendor.url,
        "provider_data": vendor.data,
    }
    return f"from providers.models import Account; Account.objects.create(**{fields!r})"


@pytest.fixture
def gateway(_subscribed: Gateway, vendors: dict[str, ChatApp]) -> Gateway:
    for vendor in vendors.values():
        vendor.asked.clear()
        vendor.fails.clear()
        vendor.behavior = Behavior()
    _subscribed.manage("POST", "/api/resilience/reset")
    return _subscribed


def name_of(vendor: ChatApp) -> str:
    return f"{PREFIXES[vendor.provider]}/{vendor.model}"


@each_vendor
@each_format
@each_way
def test_a_question_is_answered_and_counted(
    gateway: Gateway, vendors: dict[str, ChatApp], provider: str, format: str, stream: bool
) -> None:
    vendor = vendors[provider]
    answer = ask(
        gateway, format, name_of(vendor), user("Good morning"), stream=stream, system=[ir.Text("Be brief.")],
        max_output_tokens=500, temperature=0.5,
    )  # fmt: skip
    assert text_of(answer) == "You said: Good morning" or text_of(answer).endswith("Good morning")
    assert answer.usage is not None
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0
    assert vendor.token not in gateway.log


@each_vendor
@each_format
@each_way
def test_tools_work_over_several_turns(
    gateway: Gateway, vendors: dict[str, ChatApp], provider: str, format: str, stream: bool
) -> None:
    model = name_of(vendors[provider])
    question = user('Use the tool look with {"city":"Rome"}')
    first = ask(gateway, format, model, question, stream=stream, tools=[LOOK])
    (call,) = (part for part in first.candidates[0].parts if isinstance(part, ir.ToolCall))
    assert (call.name, json.loads(call.arguments.encode())) == ("look", {"city": "Rome"})
    assert first.candidates[0].finish_reason == "tool_calls"
    turn = ir.Message("assistant", first.candidates[0].parts)
    result = user(ir.ToolResult(call.id, [ir.Text("Sunny")], "look"))
    second = ask(gateway, format, model, question, turn, result, stream=stream, tools=[LOOK])
    assert "Sunny" in text_of(second)
    third = ask(
        gateway, format, model, question, turn, result, ir.Message("assistant", [ir.Text("It is sunny.")]),
        user("Thanks"), stream=stream, tools=[LOOK],
    )  # fmt: skip
    assert text_of(third).endswith("Thanks")


@each_vendor
@each_format
def test_pictures_arrive(gateway: Gateway, vendors: dict[str, ChatApp], provider: str, format: str) -> None:
    vendor = vendors[provider]
    model = {"iflow": "if/qwen3-vl-plus", "qwen": "qw/vision-model"}.get(provider, name_of(vendor))
    answer = ask(gateway, format, model, user("Look", ir.Image("image/png", PNG)))
    assert "attachment" in text_of(answer) or PNG.encode() in vendor.asked[-1].body


@each_vendor
@each_format
@each_way
def test_a_bad_token_is_an_error_in_the_clients_format(
    gateway: Gateway, vendors: dict[str, ChatApp], provider: str, format: str, stream: bool
) -> None:
    vendor = vendors[provider]
    vendor.token = "another"
    try:
        answer = send(gateway, format, ir.Request(name_of(vendor), [user("Hi")], stream=stream))
    finally:
        vendor.token = chat.TOKEN
    assert answer.status_code in (401, 403)
    own_words = "detail" if (provider, format) == ("codex", "openai_responses") else "error"
    assert own_words in answer.json()


@each_format
@each_way
def test_thoughts_are_passed_on(
    gateway: Gateway, vendors: dict[str, ChatApp], format: str, stream: bool
) -> None:
    """Those of Claude Code, of Codex and of Gemini CLI."""
    for provider in ("claude", "codex", "gemini-cli"):
        asked = ir.ReasoningRequest(enabled=True, effort="high", visible=True, summary="auto")
        answer = ask(
            gateway, format, name_of(vendors[provider]), user("Think"), stream=stream, reasoning=asked,
            max_output_tokens=30_000,
        )  # fmt: skip
        assert text_of(answer).endswith("Think")
        if format != "openai_chat":
            kinds = [type(part) for part in answer.candidates[0].parts]
            assert ir.Reasoning in kinds, provider


# ---- What is special about each ---------------------------------------------------------------------------


def test_codex_fills_the_output_that_comes_empty(gateway: Gateway, vendors: dict[str, ChatApp]) -> None:
    """Fixture 2 of the fact sheet: for a client of the same format, in the stream itself."""
    answer = send(gateway, "openai_responses", ir.Request("cx/gpt-5.2-codex", [user("Hi")], stream=True))
    events = [json.loads(event.data) for event in Decoder().feed(answer.content) if event.data]
    (completed,) = (event for event in events if event["type"] == "response.completed")
    assert completed["response"]["output"][0]["content"][0]["text"] == "You said: Hi"


def test_codex_is_asked_as_its_endpoint_demands(gateway: Gateway, vendors: dict[str, ChatApp]) -> None:
    ask(gateway, "openai_chat", "cx/gpt-5.3-codex-high", user("Hi"))
    asked = vendors["codex"].asked[-1]
    assert asked.json["model"] == "gpt-5.3-codex"
    assert asked.json["reasoning"]["effort"] == "high"
    assert "reasoning.encrypted_content" in asked.json["include"]
    assert asked.json["prompt_cache_key"] == asked.headers["session_id"]
    assert asked.headers["originator"] == "omniroute"


def test_claude_code_itself_stays_itself_and_nobody_else_becomes_it(
    gateway: Gateway, vendors: dict[str, ChatApp]
) -> None:
    request = ir.Request("cc/claude-sonnet-4-6", [user("Hi")], max_output_tokens=99)
    genuine = {"user-agent": "claude-cli/2.1.92 (external, cli)", "x-app": "cli", "x-stainless-os": "Linux"}
    betas = "claude-code-20250219,context-1m-2025-08-07,unheard-of-2026-01-01"
    send(gateway, "anthropic_messages", request, **genuine, **{"anthropic-beta": betas})
    asked = vendors["claude"].asked[-1]
    assert {name: asked.headers[name] for name in genuine} == genuine
    assert asked.headers["anthropic-beta"] == "oauth-2025-04-20,claude-code-20250219,context-1m-2025-08-07"
    send(gateway, "anthropic_messages", request)
    asked = vendors["claude"].asked[-1]
    assert asked.headers["user-agent"].startswith("omniroute/")
    assert asked.headers["anthropic-beta"] == "oauth-2025-04-20"
    assert "system" not in asked.json
    assert not any(name.startswith("x-stainless") for name in asked.headers)


def test_tokens_are_counted_at_claude_codes_own_endpoint(
    gateway: Gateway, vendors: dict[str, ChatApp]
) -> None:
    body = {"model": "cc/claude-sonnet-4-6", "messages": [{"role": "user", "content": "Hi"}]}
    assert gateway.http.post("/v1/messages/count_tokens", json=body).json() == {"input_tokens": 4711}
    assert vendors["claude"].asked[-1].query == {"beta": "true"}


def test_gemini_cli_counts_tokens_in_an_envelope_with_all_that_the_prompt_holds(
    gateway: Gateway, vendors: dict[str, ChatApp]
) -> None:
    body = {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
    }
    answer = gateway.http.post("/v1beta/models/gc/gemini-2.5-pro:countTokens", json=body)
    assert answer.json()["totalTokens"] == 200
    messages = {"model": "gc/gemini-2.5-pro", "messages": [{"role": "user", "content": "Hi"}]}
    assert gateway.http.post("/v1/messages/count_tokens", json=messages).json() == {"input_tokens": 100}


def test_a_conversation_is_shortened_by_codex_and_by_nobody_who_cannot(
    gateway: Gateway, vendors: dict[str, ChatApp]
) -> None:
    turns = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        for text in "ab"
    ]
    body = {"model": "cx/gpt-5.2-codex-high", "input": turns, "instructions": "Compact it.", "stream": False}
    answer = gateway.http.post("/responses/compact", json=body)
    assert answer.json()["output"] == turns[-1:]
    assert vendors["codex"].asked[-1].json["model"] == "gpt-5.2-codex"
    row = gateway.rows()[-1]
    assert (row["input_tokens"], row["output_tokens"]) == (9, 2)
    refused = gateway.http.post("/v1/responses/compact", json={**body, "model": "qw/qwen3-coder-plus"})
    assert refused.status_code == 400
    assert "compaction" in refused.json()["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_what_passes_within_seconds_is_repeated_where_the_vendor_wants_it(
    gateway: Gateway, vendors: dict[str, ChatApp], stream: bool
) -> None:
    """Kiro's full service twice, Claude's word on its own error once."""
    full = Reply(429, {"message": "Too many requests", "reason": "SERVICE_REQUEST_RATE_EXCEEDED"})
    vendors["kiro"].fail(ROUTES["kiro"], full, full)
    assert text_of(ask(gateway, "openai_chat", "kr/claude-sonnet-4.5", user("Hi"), stream=stream)).endswith(
        "Hi"
    )
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    vendors["claude"].fail("POST /v1/messages", Reply(529, error, {"x-should-retry": "true"}))
    assert text_of(ask(gateway, "openai_chat", "cc/claude-sonnet-4-6", user("Hi"), stream=stream)).endswith(
        "Hi"
    )


def test_what_names_its_own_wait_is_not_repeated(gateway: Gateway, vendors: dict[str, ChatApp]) -> None:
    vendors["kiro"].fail(ROUTES["kiro"], Reply(429, {"message": "x", "reason": "USER_REQUEST_RATE_EXCEEDED"}))
    answer = send(gateway, "openai_chat", ir.Request("kr/claude-sonnet-4.5", [user("Hi")]))
    assert answer.status_code == 429
    assert len(vendors["kiro"].asked) == 1
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    vendors["claude"].fail("POST /v1/messages", Reply(529, error, {"x-should-retry": "false"}))
    answer = send(gateway, "openai_chat", ir.Request("cc/claude-sonnet-4-6", [user("Hi")]))
    assert answer.status_code == 529
    assert len(vendors["claude"].asked) == 1


def test_gemini_cli_streams_an_array_to_a_client_that_wants_one(gateway: Gateway) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    answer = gateway.http.post("/v1beta/models/gc/gemini-2.5-pro:streamGenerateContent", json=body)
    chunks = answer.json()
    assert (
        "".join(part["text"] for c in chunks for part in c["candidates"][0]["content"].get("parts", []))
        == "You said: Hi"
    )


def test_gemini_cli_asks_for_its_project_once(gateway: Gateway, vendors: dict[str, ChatApp]) -> None:
    for _ in range(2):
        ask(gateway, "gemini", "gc/gemini-2.5-pro", user("Hi"))
    assert (
        vendors["gemini-cli"].calls("POST /v1internal:loadCodeAssist") == []
    )  # known since the tests before
    assert all(asked.json["project"] == "proj-42" for asked in vendors["gemini-cli"].asked)


def test_copilot_hears_who_began_the_turn_and_whether_there_are_pictures(
    gateway: Gateway, vendors: dict[str, ChatApp]
) -> None:
    vendor = vendors["github"]
    for format in FORMATS:
        ask(gateway, format, "gh/gpt-4.1", user("Hi"))
        assert vendor.asked[-1].headers["x-initiator"] == "user"
        assert "copilot-vision-request" not in vendor.asked[-1].headers
        call = ir.Message("assistant", [ir.ToolCall("t1", "look", "{}")])
        ask(
            gateway,
            format,
            "gh/gpt-4.1",
            user("Hi"),
            call,
            user(ir.ToolResult("t1", [ir.Text("x")], "look")),
            tools=[LOOK],
        )
        assert vendor.asked[-1].headers["x-initiator"] == "agent"
        ask(gateway, format, "gh/gpt-4.1", user("Look", ir.Image("image/png", PNG)))
        assert vendor.asked[-1].headers["copilot-vision-request"] == "true"


@pytest.mark.parametrize(
    ("format", "model", "path"),
    [
        ("openai_chat", "gpt-4.1", "/chat/completions"),
        ("openai_responses", "gpt-5.2", "/responses"),
        ("openai_chat", "gpt-5.2-codex", "/responses"),
        ("anthropic_messages", "claude-sonnet-4.5", "/v1/messages"),
        ("openai_chat", "claude-sonnet-4.5", "/chat/completions"),
        ("anthropic_messages", "gemini-2.5-pro", "/chat/completions"),
    ],
)
def test_copilot_has_an_endpoint_for_each_model(
    gateway: Gateway, vendors: dict[str, ChatApp], format: str, model: str, path: str
) -> None:
    ask(gateway, format, f"gh/{model}", user("Hi"))
    assert vendors["github"].asked[-1].path == path


def test_copilots_split_reply_is_one_reply(gateway: Gateway, vendors: dict[str, ChatApp]) -> None:
    vendor = vendors["github"]
    assert isinstance(vendor, chat.CopilotChat)
    vendor.split_choices = True
    question = user('Use the tool look with {"city":"Rome"}')
    answer = ask(gateway, "openai_chat", "gh/claude-sonnet-4.5", question, tools=[LOOK])
    vendor.split_choices = False
    assert [type(part) for part in answer.candidates[0].parts] == [ir.Text, ir.ToolCall]
    assert answer.candidates[0].finish_reason == "tool_calls"


def test_a_model_that_copilot_moved_is_found_again_and_remembered(
    gateway: Gateway, vendors: dict[str, ChatApp]
) -> None:
    vendor = vendors["github"]
    assert isinstance(vendor, chat.CopilotChat)
    vendor.only_responses = ("gpt-5-mini",)
    for _ in range(2):
        assert text_of(ask(gateway, "openai_chat", "gh/gpt-5-mini", user("Hi"))) == "You said: Hi"
    assert [asked.path for asked in vendor.asked] == ["/chat/completions", "/responses", "/responses"]


def test_copilot_has_embeddings(gateway: Gateway) -> None:
    body = {"model": "gh/text-embedding-3-small", "input": "Hi"}
    assert gateway.http.post("/v1/embeddings", json=body).json()["data"][0]["embedding"] == [0.5, 0.25]


def test_iflows_error_under_a_good_status_is_an_error(gateway: Gateway, vendors: dict[str, ChatApp]) -> None:
    vendors["iflow"].fail("POST /v1/chat/completions", Reply(200, {"status": "449", "msg": "slow down"}))
    answer = send(gateway, "openai_chat", ir.Request("if/glm-4.7", [user("Hi")]))
    assert answer.status_code >= 400
    assert "slow down" in answer.text


@each_format
@pytest.mark.parametrize("whole", [False, True], ids=["pieces", "object"])
def test_both_of_kiros_ways_to_call_a_tool(
    gateway: Gateway, vendors: dict[str, ChatApp], format: str, whole: bool
) -> None:
    vendor = vendors["kiro"]
    assert isinstance(vendor, chat.KiroChat)
    vendor.whole_inputs = whole
    question = user('Use the tool look with {"city":"Rome"}')
    for stream in (False, True):
        answer = ask(gateway, format, "kr/claude-sonnet-4.5", question, stream=stream, tools=[LOOK])
        (call,) = (part for part in answer.candidates[0].parts if isinstance(part, ir.ToolCall))
        assert json.loads(call.arguments.encode()) == {"city": "Rome"}
    vendor.whole_inputs = False


@each_format
def test_kiros_exception_in_the_middle_is_told_in_band(
    gateway: Gateway, vendors: dict[str, ChatApp], format: str
) -> None:
    vendor = vendors["kiro"]
    assert isinstance(vendor, chat.KiroChat)
    vendor.exception_after = 2
    try:
        answer = send(gateway, format, ir.Request("kr/claude-sonnet-4.5", [user("Hi")], stream=True))
        whole = send(gateway, format, ir.Request("kr/claude-sonnet-4.5", [user("Hi")]))
    finally:
        vendor.exception_after = None
    assert answer.status_code == 200
    assert b"You " in answer.content
    assert b"Too much" in answer.content
    assert whole.status_code == 429


# ---- What vendors break ---------------------------------------------------------------------------------

CHATS = {
    "claude": ("POST /v1/messages",),
    "codex": ("POST /backend-api/codex/responses",),
    "gemini-cli": ("POST /v1internal:generateContent", "POST /v1internal:streamGenerateContent"),
    "github": ("POST /chat/completions",),
    "iflow": ("POST /v1/chat/completions",),
    "qwen": ("POST /v1/chat/completions",),
    "kiro": ("POST /generateAssistantResponse",),
}
JSON_TYPE = {"content-type": "application/json"}
GARBAGE = {
    "a page": Reply(200, "<html>Just a moment…</html>"),
    "nothing": Reply(200, [b""], JSON_TYPE),
    "a piece of JSON": Reply(200, [b'{"id": "x", "cho'], JSON_TYPE),
    "another object": Reply(200, {"hello": "world"}),
    "a list": Reply(200, [1, 2]),
    "bytes": Reply(200, [bytes(range(256))], {"content-type": "application/octet-stream"}),
    "an empty stream": Reply(200, [b": nothing\n\n"], chat.SSE),
    "a stream of garbage": Reply(200, [b"data: {\n\n", b"data: [1\n\n"], chat.SSE),
    "a page of an edge": Reply(502, "<html>Bad gateway</html>"),
    "an error without words": Reply(500, [b""], JSON_TYPE),
}


@each_vendor
@each_way
@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_is_an_error_that_says_so_and_nothing_else_breaks(
    gateway: Gateway, vendors: dict[str, ChatApp], provider: str, stream: bool, what: str
) -> None:
    vendor = vendors[provider]
    for route in CHATS[provider]:
        vendor.fail(route, GARBAGE[what])
    answer = send(gateway, "anthropic_messages", ir.Request(name_of(vendor), [user("Hi")], stream=stream))
    assert answer.status_code in (500, 502, 503), answer.text
    error = answer.json()["error"]
    assert error["message"]
    assert "Traceback" not in gateway.log
    vendor.fails.clear()
    gateway.manage("POST", "/api/resilience/reset")
    assert text_of(ask(gateway, "openai_chat", name_of(vendor), user("Hi"))).endswith("Hi")


@each_format
def test_a_damaged_frame_of_kiros_is_told_and_what_came_before_it_is_not_lost(
    gateway: Gateway, vendors: dict[str, ChatApp], format: str
) -> None:
    good = encode(b'{"content":"Hello"}', "assistantResponseEvent")
    damaged = bytearray(good)
    damaged[-1] ^= 1
    kind = {"content-type": "application/vnd.amazon.eventstream"}
    for frames, told in (([good, bytes(damaged)], True), ([bytes(damaged), good], False)):
        vendors["kiro"].fail(CHATS["kiro"][0], Reply(200, [b"".join(frames)], kind))
        answer = send(gateway, format, ir.Request("kr/claude-sonnet-4.5", [user("Hi")], stream=True))
        assert (b"Hello" in answer.content) is told
        assert answer.status_code == (200 if told else 502)
        assert b"wrong checksum" in answer.content
        gateway.manage("POST", "/api/resilience/reset")


@each_format
def test_a_token_that_ends_in_the_middle_of_a_stream_ends_the_stream_with_the_vendors_words(
    gateway: Gateway, vendors: dict[str, ChatApp], format: str
) -> None:
    """What the client has seen cannot be taken back, so there is no second try."""
    start = {"type": "message_start", "message": {"id": "m", "role": "assistant", "content": [], "usage": {}}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}}
    error = {
        "type": "error",
        "error": {"type": "authentication_error", "message": "OAuth token has been revoked."},
    }
    events: list[Any] = [start, block, delta, error]
    chunks = [b"event: %s\ndata: %s\n\n" % (str(e["type"]).encode(), json.dumps(e)) for e in events]
    vendors["claude"].fail("POST /v1/messages", Reply(200, chunks, chat.SSE))
    answer = send(gateway, format, ir.Request("cc/claude-sonnet-4-6", [user("Hi")], stream=True))
    assert answer.status_code == 200
    assert b"Hello" in answer.content
    assert b"OAuth token has been revoked." in answer.content
    assert len(vendors["claude"].asked) == 1


# ---- What vendors refuse ----------------------------------------------------------------------------------

RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"}
PER_MINUTE = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED"}
GOOGLE = {
    "error": {
        "code": 429,
        "message": "x",
        "status": "RESOURCE_EXHAUSTED",
        "details": [PER_MINUTE, RETRY_INFO],
    }
}
USED_UP = {
    "error": {
        "type": "usage_limit_reached",
        "message": "The usage limit has been reached",
        "resets_in_seconds": 4000,
    }
}
ROUTES = {
    "codex": "POST /backend-api/codex/responses",
    "gemini-cli": "POST /v1internal:generateContent",
    "github": "POST /chat/completions",
    "qwen": "POST /v1/chat/completions",
    "kiro": "POST /generateAssistantResponse",
}


@pytest.mark.parametrize(
    ("provider", "status", "body", "shortest", "longest", "other_model"),
    [
        ("codex", 429, USED_UP, 3900, 4000, None),
        ("gemini-cli", 429, GOOGLE, 30, 35, "gc/gemini-2.5-flash"),
        (
            "github",
            402,
            {"error": {"message": "You have no quota", "code": "quota_exceeded"}},
            1,
            31 * 86_400,
            None,
        ),
        (
            "qwen",
            403,
            {"error": {"message": "Free allocated quota exceeded.", "code": "insufficient_quota"}},
            1,
            86_400,
            None,
        ),
        ("kiro", 402, {"message": "x", "reason": "MONTHLY_REQUEST_COUNT"}, 1, 31 * 86_400, None),
        (
            "kiro",
            400,
            {"message": "x", "reason": "INSUFFICIENT_MODEL_CAPACITY"},
            50,
            60,
            "kr/claude-haiku-4.5",
        ),
    ],
)
def test_a_refusal_keeps_the_account_or_the_model_away_as_long_as_the_vendor_says(
    gateway: Gateway, vendors: dict[str, ChatApp], provider: str, status: int, body: Any, shortest: float,
    longest: float, other_model: str | None,
) -> None:  # fmt: skip
    vendor = vendors[provider]
    vendor.fail(ROUTES[provider], Reply(status, body))
    send(gateway, "openai_chat", ir.Request(name_of(vendor), [user("Hi")]))
    asked = len(vendor.asked)
    again = send(gateway, "openai_chat", ir.Request(name_of(vendor), [user("Hi")]))
    assert len(vendor.asked) == asked, again.text
    assert again.status_code in (429, 503)
    assert shortest <= int(again.headers["retry-after"]) <= longest
    if other_model:
        assert text_of(ask(gateway, "openai_chat", other_model, user("Hi"))).endswith("Hi")


def test_an_account_that_its_vendor_closed_is_switched_off(
    gateway: Gateway, vendors: dict[str, ChatApp]
) -> None:
    vendor = vendors["kiro"]
    suspended = {"message": "Your User ID (d-1) temporarily is suspended. Contact support."}
    vendor.fail(ROUTES["kiro"], Reply(403, suspended))
    answer = send(gateway, "openai_chat", ir.Request(name_of(vendor), [user("Hi")]))
    assert "suspended" in answer.text
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        rows = gateway.manage("GET", "/api/providers")["connections"]
        (row,) = (each for each in rows if each["provider"] == "kiro")
        if not row["isActive"]:
            break
        time.sleep(0.05)
    assert not row["isActive"]
    assert "suspended" in row["lastError"]
    again = "a = Account.objects.get(provider='kiro'); a.is_active = True; a.save()"
    gateway.command("shell", "-c", f"from providers.models import Account; {again}")


# ---- Plans ------------------------------------------------------------------------------------------------


def test_a_rejected_window_cools_the_account_and_tells_the_client_when(
    gateway: Gateway, vendors: dict[str, ChatApp]
) -> None:
    """Fixture 1 of the fact sheet."""
    reset = int(time.time()) + 5000
    refusal = {"type": "error", "error": {"type": "rate_limit_error", "message": "Too many"}}
    headers = {f"{UNIFIED}status": "rejected", f"{UNIFIED}reset": str(reset)}
    vendors["claude"].fail("POST /v1/messages", Reply(429, refusal, headers))
    answer = send(gateway, "openai_chat", ir.Request("cc/claude-opus-4-6", [user("Hi")]))
    assert answer.status_code == 429
    assert 4900 < int(answer.headers["retry-after"]) <= 5000
    before = len(vendors["claude"].asked)
    again = send(gateway, "openai_chat", ir.Request("cc/claude-opus-4-6", [user("Hi")]))
    assert again.status_code == 429
    assert len(vendors["claude"].asked) == before


@pytest.fixture
def second_account(gateway: Gateway, vendors: dict[str, ChatApp]) -> Iterator[ChatApp]:
    """Another Claude account, at a vendor of its own, behind the first one."""
    with vendor_running(chat.ClaudeCodeChat()) as other:
        code = account_code(other).replace("'name': 'claude'", "'name': 'second', 'priority': 2")
        gateway.command("shell", "-c", code)
        time.sleep(1.5)  # a process sees within a second what another one saved
        yield other
        gateway.command(
            "shell",
            "-c",
            "from providers.models import Account; [a.delete() for a in Account.objects.filter(name='second')]",
        )


def test_an_account_whose_plan_is_used_up_rests_until_the_real_reset(
    gateway: Gateway, vendors: dict[str, ChatApp], second_account: ChatApp
) -> None:
    """Told by an answer's headers, before any request is refused. The last test: the account stays used up."""
    reset = str(int(time.time()) + 9000)
    headers = {**chat.CLAUDE_LIMITS, f"{UNIFIED}5h-utilization": "1.0", f"{UNIFIED}5h-reset": reset}
    chat_limits, chat.CLAUDE_LIMITS = chat.CLAUDE_LIMITS, headers
    try:
        assert served(gateway) == "claude"
    finally:
        chat.CLAUDE_LIMITS = chat_limits
    assert served(gateway) == "second"
    account = next(
        row for row in gateway.manage("GET", "/api/providers")["connections"] if row["name"] == "claude"
    )
    told = gateway.manage("GET", f"/api/usage/{account['id']}")
    (window,) = (each for each in told["quotas"] if each["key"] == "five_hour")
    assert (window["usedPercent"], window["kind"], window["source"]) == (100, "session5h", "header")


def served(gateway: Gateway) -> str:
    answer = send(gateway, "openai_chat", ir.Request("cc/claude-sonnet-4-6", [user("Hi")]))
    assert answer.status_code == 200, answer.text
    return str(answer.headers["x-omniroute-account"])
