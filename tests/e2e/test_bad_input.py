"""Bad input: a clear error in the client's format, the right status, never a 500, and nothing written."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.simulator import Simulator
from tests.e2e.server import Gateway

USER = {"role": "user", "content": "hi"}
MESSAGES = '"messages":[{"role":"user","content":"hi"}]'
BODIES: dict[str, tuple[bytes, int, str | None]] = {
    "empty": (b"", 400, None),
    "no json": (b"hello", 400, None),
    "cut json": (b'{"model":"sim1/x"', 400, None),
    "a list": (b"[]", 400, None),
    "null": (b"null", 400, None),
    "not utf-8": (b'{"model":"\xff\xfe",%s}' % MESSAGES.encode(), 400, None),
    "nan": (b'{"model":"sim1/x","temperature":NaN,' + MESSAGES.encode() + b"}", 400, None),
    "deep": (b'{"model":"sim1/x","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, None),
    "no model": (b"{%s}" % MESSAGES.encode(), 400, "model"),
    "model null": (b'{"model":null,%s}' % MESSAGES.encode(), 400, "model"),
    "model number": (b'{"model":7,%s}' % MESSAGES.encode(), 400, "model"),
    "model object": (b'{"model":{},%s}' % MESSAGES.encode(), 400, "model"),
    "model with nul": (b'{"model":"sim1/\\u0000x",%s}' % MESSAGES.encode(), 400, "model"),
    "model with surrogate": (b'{"model":"sim1/\\ud83d",%s}' % MESSAGES.encode(), 400, "model"),
    "model too long": (b'{"model":"sim1/%s",%s}' % (b"x" * 300, MESSAGES.encode()), 400, "model"),
    "unknown model": (b'{"model":"nobody/knows",%s}' % MESSAGES.encode(), 404, "model"),
    "unknown bare model": (b'{"model":"no-such-model",%s}' % MESSAGES.encode(), 404, "model"),
    "stream text": (b'{"model":"sim1/x","stream":"yes",%s}' % MESSAGES.encode(), 400, "stream"),
    "no messages": (b'{"model":"sim1/x"}', 400, "messages"),
    "messages text": (b'{"model":"sim1/x","messages":"hi"}', 400, "messages"),
    "messages empty": (b'{"model":"sim1/x","messages":[]}', 400, "messages"),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_bad_body_is_a_clear_error_and_leaves_no_trace(
    gateway: Gateway, simulator: Simulator, case: str
) -> None:
    body, status, param = BODIES[case]
    before = len(gateway.rows())
    answer = gateway.http.post("/v1/chat/completions", content=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (status, param)
    assert error["type"] == "invalid_request_error"
    assert len(error["message"]) > 10
    assert len(gateway.rows()) == before
    assert simulator.count == 0


def test_50_mb_are_refused_with_413_and_the_client_gets_to_read_it(gateway: Gateway) -> None:
    body = b'{"model":"sim1/x","messages":[{"role":"user","content":"%s"}]}' % (b"x" * 50_000_000)
    answer = gateway.http.post("/v1/chat/completions", content=body)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "request_too_large"


def test_20_mb_pass(gateway: Gateway, simulator: Simulator) -> None:
    text = "x" * 20_000_000
    answer = gateway.http.post(
        "/v1/chat/completions", json={"model": "sim1/x", "messages": [{"role": "user", "content": text}]}
    )
    assert answer.status_code == 200
    assert len(simulator.requests[-1].body) > 20_000_000


def test_lone_surrogates_and_nul_characters_in_the_prompt_reach_the_provider_as_they_are(
    gateway: Gateway, simulator: Simulator
) -> None:
    body = rb'{"model":"sim1/x","messages":[{"role":"user","content":"cut \ud83d and \u0000"}],"big":1e400}'
    answer = gateway.http.post("/v1/chat/completions", content=body)
    assert answer.status_code == 200
    sent = simulator.requests[-1].body
    assert rb'"messages":[{"role":"user","content":"cut \ud83d and \u0000"}]' in sent
    assert b'"big":1e400' in sent


def test_unknown_fields_reach_a_provider_of_the_same_format_byte_for_byte(
    gateway: Gateway, simulator: Simulator
) -> None:
    odd = rb'"odd": {"b":0.70,"a":[1E+2, 123456789012345678901234567890], "\u00e9":"\u00e9"}'
    body = b'{"model":"sim1/x",' + odd + b',"messages":[{"role":"user","content":"hi"}]}'
    assert gateway.http.post("/v1/chat/completions", content=body).status_code == 200
    assert odd.partition(b": ")[2] in simulator.requests[-1].body


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/chat/completions", 405),
        ("PUT", "/v1/messages", 405),
        ("POST", "/v1/nothing", 404),
        ("GET", "/v1", 404),
        ("POST", "/v1beta/models/x:dance", 404),
        ("GET", "/v1beta/models/sim1/x:generateContent", 405),
        ("GET", "/v1/responses", 426),
        ("GET", "/v1/models/nobody/knows", 404),
    ],
)
def test_a_wrong_path_or_method_is_answered_in_the_family_s_format(
    gateway: Gateway, method: str, path: str, status: int
) -> None:
    answer = gateway.http.request(method, path)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["message"]
    if path.startswith("/v1beta"):
        assert error["status"] == ("NOT_FOUND" if status == 404 else "UNIMPLEMENTED")
    elif path == "/v1/messages":
        assert answer.json()["type"] == "error"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/models", 200),
        ("/v1beta/models", 200),
        ("/api/health", 200),
        ("/v1/messages", 405),
        ("/v1/nowhere", 404),
    ],
)
def test_head_is_answered_like_get_without_a_body(gateway: Gateway, path: str, status: int) -> None:
    answer = gateway.http.head(path)
    assert (answer.status_code, answer.content) == (status, b"")


def test_what_is_refused_before_any_view_is_a_line_in_the_log(gateway: Gateway) -> None:
    assert gateway.http.get("/api/health?q=%00").status_code == 400
    assert "The address holds a NUL character" in gateway.log
    assert "Traceback" not in gateway.log.partition("The address holds a NUL character")[2]


def test_an_unknown_path_is_told_the_paths_that_there_are(gateway: Gateway) -> None:
    assert "/v1/messages" in gateway.http.post("/v1/message", json={}).json()["error"]["message"]


def test_a_model_without_an_account_is_nothing_to_try_again(gateway: Gateway) -> None:
    answer = gateway.http.post(
        "/v1/messages", json={"model": "cohere/command-a", "max_tokens": 9, "messages": [USER]}
    )
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")
    assert "Cohere" in answer.json()["error"]["message"]


TURN = {"role": "user", "content": "hi"}
ENDPOINTS: dict[str, dict[str, Any]] = {
    "chat/completions": {"model": "sim1/x", "messages": [TURN]},
    "completions": {"model": "sim1/x", "prompt": "hi"},
    "responses": {"model": "sim1/x", "input": "hi"},
    "responses/input_tokens": {"model": "sim1/x", "input": "hi"},
    "messages": {"model": "sim1/x", "max_tokens": 9, "messages": [TURN]},
    "messages/count_tokens": {"model": "sim1/x", "messages": [TURN]},
}


@pytest.mark.parametrize("spelling", ["/v1/{}", "/{}", "/v1/v1/{}", "/v1/{}/", "/v1/{}?beta=true"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_all_spellings_of_an_endpoint_work(gateway: Gateway, endpoint: str, spelling: str) -> None:
    answer = gateway.http.post(spelling.format(endpoint), json=ENDPOINTS[endpoint])
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1beta/models/sim1/x:generateContent",
        "/v1beta/models/sim1/x:generateContent/",
        "/v1/models/sim1/x:generateContent",
        "/v1/v1beta/models/sim1/x:countTokens",
        "/v1beta/models/sim1/x:streamGenerateContent?alt=sse",
    ],
)
def test_all_spellings_of_geminis_endpoints_work(gateway: Gateway, path: str) -> None:
    body = {"contents": [{"parts": [{"text": "hi"}]}]}
    assert gateway.http.post(path, json=body).status_code == 200


def test_a_client_that_tries_a_websocket_is_told_to_use_http(gateway: Gateway) -> None:
    upgrade = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    for path in ("/v1/responses", "/responses"):
        answer = gateway.http.get(path, headers={**upgrade, "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="})
        assert answer.status_code == 426


def ask(gateway: Gateway, headers: dict[str, str], path: str = "/v1/chat/completions") -> httpx.Response:
    body: dict[str, Any] = {"model": "sim1/x", "messages": [{"role": "user", "content": "hi"}]}
    return gateway.http.post(path, json=body, headers=headers)


class TestApiKeys:
    def make(self, gateway: Gateway, **values: Any) -> tuple[str, str]:
        made = gateway.manage("POST", "/api/keys", {"name": "k", **values})
        return made["id"], made["key"]

    def test_a_key_works_in_every_place_that_clients_put_it(self, gateway: Gateway) -> None:
        _, key = self.make(gateway)
        for headers in ({"authorization": f"Bearer {key}"}, {"x-api-key": key}, {"x-goog-api-key": key}):
            assert ask(gateway, headers).status_code == 200
        assert ask(gateway, {}, f"/v1/chat/completions?key={key}").status_code == 200

    def test_a_key_is_named_in_the_usage_row_and_marked_as_used(self, gateway: Gateway) -> None:
        key_id, key = self.make(gateway)
        ask(gateway, {"authorization": f"Bearer {key}"})
        assert gateway.rows("SELECT * FROM billing_usagerecord ORDER BY id DESC LIMIT 1")[0][
            "api_key_id"
        ] == int(key_id)
        assert gateway.rows(f"SELECT * FROM billing_apikey WHERE id = {int(key_id)}")[0]["last_used_at"]

    def test_a_disabled_an_expired_and_a_limited_key_are_refused_with_the_reason(
        self, gateway: Gateway
    ) -> None:
        disabled_id, disabled = self.make(gateway)
        gateway.manage("PUT", f"/api/keys/{disabled_id}", {"isActive": False})
        soon = datetime.now(UTC) + timedelta(seconds=0.3)
        _, expired = self.make(gateway, expiresAt=soon.isoformat())
        time.sleep(0.4)
        _, limited = self.make(gateway, allowedModels=["sim2/*"])
        for key, status, word in (
            (disabled, 401, "disabled"),
            (expired, 401, "expired"),
            (limited, 403, "may not"),
        ):
            answer = ask(gateway, {"authorization": f"Bearer {key}"})
            assert answer.status_code == status
            assert word in answer.json()["error"]["message"]
            assert key not in answer.text

    def test_web_pages_of_other_origins_need_a_key(self, gateway: Gateway) -> None:
        _, key = self.make(gateway)
        foreign = {"origin": "https://evil.example"}
        assert ask(gateway, foreign).status_code == 403
        assert ask(gateway, {"host": "rebound.example"}).status_code == 403
        allowed = ask(gateway, {**foreign, "authorization": f"Bearer {key}"})
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == "*"
        assert ask(gateway, {"origin": f"http://localhost:{gateway.port}"}).status_code == 200

    def test_a_key_made_on_the_command_line_works_at_once(self, gateway: Gateway) -> None:
        key = gateway.command("create_api_key", "shell").strip()
        assert key.startswith("sk-or-")
        assert "\n" not in key
        answer = ask(gateway, {"authorization": f"Bearer {key}"})
        assert answer.status_code == 200
        assert json.loads(answer.text)["choices"]


OPENAI, ANTHROPIC, GEMINI = "openai", "anthropic", "gemini"
PLACES = {
    "/v1/chat/completions": OPENAI,
    "/chat/completions": OPENAI,
    "/v1/responses": OPENAI,
    "/v1/completions": OPENAI,
    "/v1/embeddings": OPENAI,
    "/v1/images/generations": OPENAI,
    "/v1/audio/speech": OPENAI,
    "/v1/rerank": OPENAI,
    "/v1/providers/sim1/chat/completions": OPENAI,
    "/v1/messages": ANTHROPIC,
    "/v1/messages/count_tokens": ANTHROPIC,
    "/v1beta/models/nobody-knows:generateContent": GEMINI,
    "/v1beta/models/nobody-knows:streamGenerateContent": GEMINI,
}
GOOD = (
    b'{"model":"nobody/knows","messages":[{"role":"user","content":"hi"}],"input":"hi","prompt":"hi","max_tokens":9,'
    b'"contents":[{"parts":[{"text":"hi"}]}]}'
)
EARLY = {
    "bad json": ("POST", b"{", {}, 400),
    "unknown model": ("POST", GOOD, {}, 404),
    "unknown encoding": ("POST", GOOD, {"content-encoding": "br2"}, 415),
    "method": ("PUT", GOOD, {}, 405),
    "too large": ("POST", b"x" * 34_000_000, {}, 413),
}


def shape_of(error: dict[str, Any]) -> str:
    if error.get("type") == "error":
        return ANTHROPIC if isinstance(error["error"]["message"], str) else "?"
    inner = error["error"]
    if isinstance(inner["code"], int):
        return GEMINI if inner["status"].isupper() else "?"
    return OPENAI if {"message", "type", "param", "code"} <= set(inner) else "?"


@pytest.mark.parametrize("case", EARLY)
@pytest.mark.parametrize("path", PLACES)
def test_an_early_error_is_in_the_client_s_format_and_has_an_id(
    gateway: Gateway, path: str, case: str
) -> None:
    method, body, headers, status = EARLY[case]
    if path.startswith("/v1/providers/"):
        body = body.replace(b"nobody/knows", b"sim2/other")
        status = 400 if case == "unknown model" else status
    answer = gateway.http.request(method, path, content=body, headers=headers)
    told = answer.json()
    assert answer.status_code == status
    assert shape_of(told[0] if isinstance(told, list) else told) == PLACES[path]
    assert answer.headers["x-request-id"].startswith("req_")
    assert "request_id" not in told or told["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("path", "shape"),
    [("/v1/nowhere", OPENAI), ("/v1/messages/nowhere", ANTHROPIC), ("/v1beta/nowhere", GEMINI)],
)
def test_a_path_that_is_none_is_told_in_its_family_s_format(gateway: Gateway, path: str, shape: str) -> None:
    answer = gateway.http.post(path, json={})
    assert (answer.status_code, shape_of(answer.json())) == (404, shape)
    assert answer.headers["x-request-id"].startswith("req_")
