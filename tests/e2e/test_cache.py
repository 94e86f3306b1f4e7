"""The response cache in a real process: what is a hit, and above all what is not."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.simulator import Simulator
from tests.e2e.server import Gateway

HEADER = "x-omniroute-cache"
BASE: dict[str, Any] = {
    "model": "sim1/cached",
    "messages": [{"role": "user", "content": "Hi"}],
    "temperature": 0,
}


@pytest.fixture(autouse=True)
def _empty(gateway: Gateway) -> None:
    gateway.manage("DELETE", "/api/cache")


def chat(gateway: Gateway, path: str = "/v1/chat/completions", **request: Any) -> httpx.Response:
    headers = request.pop("headers", {})
    return gateway.http.post(path, json={**BASE, **request}, headers=headers)


def key(gateway: Gateway, name: str, **values: Any) -> tuple[str, dict[str, str]]:
    made = gateway.manage("POST", "/api/keys", {"name": name, **values})
    return made["id"], {"authorization": f"Bearer {made['key']}"}


def test_a_repeated_request_is_answered_without_asking_and_costs_nothing(
    gateway: Gateway, simulator: Simulator
) -> None:
    first, second = chat(gateway), chat(gateway)
    assert (first.headers[HEADER], second.headers[HEADER]) == ("MISS", "HIT")
    assert first.json() == second.json()
    assert second.headers["x-omniroute-provider"] == first.headers["x-omniroute-provider"]
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    assert len(simulator.requests) == 1
    row = gateway.rows("SELECT * FROM billing_usagerecord ORDER BY id DESC LIMIT 1")[0]
    assert (row["cache_hit"], float(row["cost"]), row["input_tokens"], row["attempt_count"]) == (1, 0.0, 0, 0)
    assert (row["served_model"], row["account_name"], row["status"]) == ("cached", "sim1 account", 200)


def test_the_spelling_of_the_body_does_not_matter(gateway: Gateway, simulator: Simulator) -> None:
    chat(gateway)
    body = (
        b'{ "temperature": 0.0,\n "messages": [{"content": "Hi", "role": "user"}], "model": "sim1/cached" }'
    )
    body = body.replace(b"0.0", b"0")
    answer = gateway.http.post("/v1/chat/completions", content=body)
    assert answer.headers[HEADER] == "HIT"


@pytest.mark.parametrize(
    "change",
    [
        {"messages": [{"role": "user", "content": "Hi!"}]},
        {"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "Hi"}]},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]},
        {"n": 2},
        {"response_format": {"type": "json_object"}},
        {"max_tokens": 7},
        {"seed": 1},
        {"stop": ["x"]},
        {"top_p": 0.5},
        {"user": "somebody"},
        {"model": "sim2/cached"},
        {"an_unknown_field": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_may_change_an_answer_is_a_miss(
    gateway: Gateway, simulator: Simulator, change: dict[str, Any]
) -> None:
    chat(gateway)
    assert chat(gateway, **change).headers[HEADER] == "MISS"
    assert len(simulator.requests) == 2


@pytest.mark.parametrize(
    "change",
    [{"temperature": 0.1}, {"temperature": None}, {"temperature": False}, {"stream": True}],
    ids=str,
)
def test_other_requests_are_not_for_the_cache(
    gateway: Gateway, simulator: Simulator, change: dict[str, Any]
) -> None:
    answers = [chat(gateway, **change) for _ in range(2)]
    assert all(HEADER not in answer.headers for answer in answers)
    assert len(simulator.requests) == 2


def test_the_bypass_header_asks_anew(gateway: Gateway, simulator: Simulator) -> None:
    chat(gateway)
    assert HEADER not in chat(gateway, headers={"X-OmniRoute-No-Cache": "true"}).headers
    assert chat(gateway, headers={"X-OmniRoute-No-Cache": "false"}).headers[HEADER] == "HIT"
    assert len(simulator.requests) == 2


def test_no_key_gets_anothers_answer_unless_both_share(gateway: Gateway, simulator: Simulator) -> None:
    keys = {name: key(gateway, name) for name in ("one", "two")}
    for _, headers in keys.values():
        assert chat(gateway, headers=headers).headers[HEADER] == "MISS"
        assert chat(gateway, headers=headers).headers[HEADER] == "HIT"
    for id, _ in keys.values():
        gateway.manage("PUT", f"/api/keys/{id}", {"cache": "shared"})
    assert chat(gateway, headers=keys["one"][1]).headers[HEADER] == "MISS"
    assert chat(gateway, headers=keys["two"][1]).headers[HEADER] == "HIT"
    gateway.manage("PUT", f"/api/keys/{keys['two'][0]}", {"cache": "off"})
    assert HEADER not in chat(gateway, headers=keys["two"][1]).headers


@pytest.mark.parametrize("fault", ["empty", "error200", "500", "finish-length"])
def test_what_is_no_whole_answer_is_not_kept(gateway: Gateway, simulator: Simulator, fault: str) -> None:
    request: dict[str, Any] = {"max_tokens": 1} if fault == "finish-length" else {}
    if fault == "finish-length":
        simulator.reply(
            {
                "id": "1",
                "choices": [{"message": {"role": "assistant", "content": "cut"}, "finish_reason": "length"}],
            }
        )
        chat(gateway, **request)
    else:
        simulator.behave(fault, times=1)
        assert chat(gateway).status_code >= 500
    gateway.manage("POST", "/api/resilience/reset")
    simulator.reset()
    assert chat(gateway, **request).headers[HEADER] == "MISS"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "/v1/messages",
            {"model": "sim1/cached", "max_tokens": 9, **{k: BASE[k] for k in ("messages", "temperature")}},
        ),
        ("/v1/responses", {"model": "sim1/cached", "input": "Hi", "temperature": 0}),
        ("/v1/completions", {"model": "sim1/cached", "prompt": "Hi", "temperature": 0}),
        (
            "/v1beta/models/sim1/cached:generateContent",
            {"contents": [{"parts": [{"text": "Hi"}]}], "generationConfig": {"temperature": 0.0}},
        ),
    ],
    ids=["messages", "responses", "completions", "gemini"],
)
def test_every_format_has_a_cache_of_its_own(
    gateway: Gateway, simulator: Simulator, path: str, body: dict[str, Any]
) -> None:
    chat(gateway)
    first, second = (gateway.http.post(path, json=body) for _ in range(2))
    assert (first.headers[HEADER], second.headers[HEADER]) == ("MISS", "HIT")
    assert first.content == second.content


def test_a_system_prompt_and_a_combos_change_make_other_requests(
    gateway: Gateway, simulator: Simulator
) -> None:
    gateway.add_combo("cached-combo", "sim1/a")
    assert chat(gateway, model="cached-combo").headers[HEADER] == "MISS"
    combo = next(
        each for each in gateway.manage("GET", "/api/combos")["combos"] if each["name"] == "cached-combo"
    )
    gateway.manage("PUT", f"/api/combos/{combo['id']}", {"models": ["sim2/a"]})
    assert chat(gateway, model="cached-combo").headers[HEADER] == "MISS"
    gateway.manage("PUT", "/api/settings/system-prompt", {"enabled": True, "prompt": "Be brief."})
    try:
        assert chat(gateway, model="cached-combo").headers[HEADER] == "MISS"
    finally:
        gateway.manage("PUT", "/api/settings/system-prompt", {"enabled": False, "prompt": "Be brief."})
    assert chat(gateway, model="cached-combo").headers[HEADER] == "HIT"


def test_the_api_tells_what_the_cache_holds_and_forgets(gateway: Gateway, simulator: Simulator) -> None:
    before = gateway.manage("GET", "/api/cache")["semanticCache"]
    for model in ("sim1/a", "sim1/b", "sim1/b"):
        chat(gateway, model=model)
    found = gateway.manage("GET", "/api/cache")
    now = found["semanticCache"]
    assert (now["memorySize"], now["hits"] - before["hits"], now["misses"] - before["misses"]) == (2, 1, 2)
    assert now["tokensSaved"] > before["tokensSaved"]
    assert 0 < now["hitRate"] < 100
    assert found["idempotency"]["windowMs"] == 5000
    assert gateway.manage("DELETE", "/api/cache?model=sim1/a") == {
        "ok": True, "invalidated": 1, "cleared": 1, "scope": "model",
    }  # fmt: skip
    assert gateway.manage("DELETE", "/api/cache?staleMs=3600000")["invalidated"] == 0
    assert chat(gateway, model="sim1/b").headers[HEADER] == "HIT"
    assert gateway.manage("DELETE", "/api/cache")["scope"] == "all"
    assert chat(gateway, model="sim1/b").headers[HEADER] == "MISS"
    with pytest.raises(RuntimeError, match="400"):
        gateway.manage("DELETE", "/api/cache?model=a&signature=b")
    stats = gateway.manage("GET", "/api/cache/stats")
    assert stats["size"] == 1
    assert gateway.manage("DELETE", "/api/cache/stats")["success"] is True


def test_the_settings_take_effect_on_the_next_request(gateway: Gateway, simulator: Simulator) -> None:
    try:
        gateway.manage("PUT", "/api/settings/cache", {"anyTemperature": True})
        assert [chat(gateway, temperature=1).headers[HEADER] for _ in range(2)] == ["MISS", "HIT"]
        gateway.manage("PUT", "/api/settings/cache", {"anyTemperature": False, "enabled": False})
        assert HEADER not in chat(gateway).headers
    finally:
        gateway.manage("PUT", "/api/settings/cache", {"anyTemperature": False, "enabled": True})
    assert chat(gateway).headers[HEADER] == "MISS"


def test_similar_prompts_are_answered_for_keys_that_allow_it(gateway: Gateway, simulator: Simulator) -> None:
    id, headers = key(gateway, "alike", similarAnswers=True)
    said = [
        "what is the capital of france",
        "What is the capital of France?",
        "what is the capital of peru 5",
    ]
    gateway.manage(
        "PUT", "/api/settings/cache", {"similarityModel": "sim1/embedder", "similarityThreshold": 0.9}
    )
    try:
        ask = [chat(gateway, messages=[{"role": "user", "content": text}], headers=headers) for text in said]
        assert [answer.headers[HEADER] for answer in ask] == ["MISS", "HIT", "MISS"]
        assert float(ask[1].headers["x-omniroute-cache-similarity"]) > 0.9
        assert ask[1].content == ask[0].content
        system = [{"role": "system", "content": "Be rude."}, {"role": "user", "content": said[1]}]
        assert chat(gateway, messages=system, headers=headers).headers[HEADER] == "MISS"
        assert chat(gateway, messages=[{"role": "user", "content": said[1]}]).headers[HEADER] == "MISS"
        gateway.manage("PUT", f"/api/keys/{id}", {"similarAnswers": False})
        other = [{"role": "user", "content": "what is the capital of France"}]
        assert chat(gateway, messages=other, headers=headers).headers[HEADER] == "MISS"
    finally:
        gateway.manage("PUT", "/api/settings/cache", {"similarityModel": ""})
    rows = gateway.rows(
        "SELECT * FROM billing_usagerecord WHERE endpoint = '/v1/embeddings' AND api_key_name = 'alike'"
    )
    assert len(rows) == 4


def test_a_model_that_cannot_embed_costs_no_answer(gateway: Gateway, simulator: Simulator) -> None:
    _, headers = key(gateway, "unlucky", similarAnswers=True)
    gateway.manage("PUT", "/api/settings/cache", {"similarityModel": "nobody/nothing"})
    try:
        assert [chat(gateway, headers=headers).headers[HEADER] for _ in range(2)] == ["MISS", "HIT"]
    finally:
        gateway.manage("PUT", "/api/settings/cache", {"similarityModel": ""})
