"""Strategies, budgets of time, queues, hedging, affinity, chains and rules, over real sockets."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from gateway.simulator import Simulator
from tests.e2e.server import Gateway

LONG_S = 20.0
"""What a hung target would cost without a limit; far more than any limit below."""


@pytest.fixture(autouse=True)
def _clean(gateway: Gateway) -> Iterator[None]:
    """Takes back what a test sets up for all."""
    before = {combo["id"] for combo in gateway.manage("GET", "/api/combos")["combos"]}
    yield
    for combo in gateway.manage("GET", "/api/combos")["combos"]:
        if combo["id"] not in before:
            gateway.manage("DELETE", f"/api/combos/{combo['id']}")
    for chain in gateway.manage("GET", "/api/fallback/chains")["named"]:
        gateway.manage("DELETE", "/api/fallback/chains", {"name": chain["name"]})
    rules = gateway.manage("GET", "/api/settings/routing")["providers"]
    gateway.manage("PATCH", "/api/settings/routing", {"providers": dict.fromkeys(rules), "errorTexts": []})
    for account in gateway.manage("GET", "/api/providers")["connections"]:
        if account["name"].startswith("spare"):
            gateway.manage("DELETE", f"/api/providers/{account['id']}")


def combo(gateway: Gateway, name: str, *models: Any, strategy: str = "priority", **config: Any) -> None:
    body = {"name": name, "models": list(models), "strategy": strategy, "config": config}
    gateway.manage("POST", "/api/combos", body)


def add_accounts(gateway: Gateway, prefix: str, *keys: str) -> None:
    for key in keys:
        gateway.manage("POST", "/api/providers", {"provider": prefix, "apiKey": key, "name": f"spare {key}"})


def rule(gateway: Gateway, prefix: str, **values: Any) -> None:
    gateway.manage("PATCH", "/api/settings/routing", {"providers": {prefix: values}})


def last_row(gateway: Gateway) -> dict[str, Any]:
    row = gateway.rows("SELECT * FROM billing_usagerecord ORDER BY id DESC LIMIT 1")[0]
    row["attempts"] = json.loads(row["attempts"])
    return row


def keys(simulator: Simulator) -> list[str]:
    return [request.key for request in simulator.requests]


def turn(text: str, *more: str) -> list[dict[str, str]]:
    """A conversation: user, assistant, user, ..."""
    roles = ("user", "assistant")
    return [{"role": roles[n % 2], "content": content} for n, content in enumerate((text, *more))]


def ask(gateway: Gateway, model: str, messages: list[dict[str, str]], **headers: str) -> httpx.Response:
    body = {"model": model, "messages": messages}
    return gateway.http.post("/v1/chat/completions", json=body, headers=headers)


# ---- What a provider cannot be asked ---------------------------------------------------------------------------------


def test_what_one_vendor_cannot_be_asked_is_asked_of_the_next(gateway: Gateway, simulator: Simulator) -> None:
    """A conversation that is stored at OpenAI."""
    gateway.add_provider("stored", simulator.openai_url, api="responses")
    combo(gateway, "stores", "sim1/x", "stored/gpt-5.4")
    body = {"model": "stores", "input": "Go on", "conversation": "conv_1"}
    answer = gateway.http.post("/v1/responses", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-omniroute-fallback"] == "sim1/x skipped untranslatable"
    assert [request.json["conversation"] for request in simulator.requests] == ["conv_1"]


def test_where_nobody_can_be_asked_the_client_is_told_what_is_in_the_way(gateway: Gateway) -> None:
    combo(gateway, "stores-not", "sim1/x", "sim2/x")
    for model in ("sim1/x", "stores-not"):
        body = {"model": model, "input": "Go on", "conversation": "conv_1"}
        answer = gateway.http.post("/v1/responses", json=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "conversation"


# ---- Accounts --------------------------------------------------------------------------------------------------------


def test_round_robin_sticks_three_times(gateway: Gateway, simulator: Simulator) -> None:
    add_accounts(gateway, "sim1", "k2", "k3")
    rule(gateway, "sim1", accountStrategy="round-robin")
    for _ in range(9):
        assert gateway.chat("sim1/x").status_code == 200
    used = keys(simulator)
    assert [used[n] for n in (0, 3, 6)] == [used[n + 2] for n in (0, 3, 6)]
    assert Counter(used) == {"sk-up-1": 3, "k2": 3, "k3": 3}


def test_requests_beside_each_other_rotate_evenly(gateway: Gateway, simulator: Simulator) -> None:
    add_accounts(gateway, "sim1", "k2", "k3")
    rule(gateway, "sim1", accountStrategy="round-robin", stickyLimit=1)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda number: gateway.chat("sim1/slow", f"hi {number}"), range(36)))
    assert {answer.status_code for answer in answers} == {200}
    assert Counter(keys(simulator)) == {"sk-up-1": 12, "k2": 12, "k3": 12}


def test_a_conversation_stays_on_its_account_while_others_rotate(
    gateway: Gateway, simulator: Simulator
) -> None:
    add_accounts(gateway, "sim1", "k2", "k3")
    rule(gateway, "sim1", accountStrategy="round-robin", stickyLimit=1)
    for agent in range(3):
        ask(gateway, "sim1/x", turn(f"task {agent}"))
    firsts = keys(simulator)
    assert len(set(firsts)) == 3
    for agent in (2, 0, 1):
        answer = ask(gateway, "sim1/x", turn(f"task {agent}", "yes?", "go on"))
        assert keys(simulator)[-1] == firsts[agent]
        assert answer.headers["x-omniroute-session-id"]


def test_a_session_of_the_client_s_own_stays_and_is_listed(gateway: Gateway, simulator: Simulator) -> None:
    add_accounts(gateway, "sim1", "k2", "k3")
    rule(gateway, "sim1", accountStrategy="random")
    answers = [ask(gateway, "sim1/x", turn(f"n{n}"), **{"x-session-id": "mine"}) for n in range(8)]
    assert len(set(keys(simulator))) == 1
    assert {answer.headers["x-omniroute-session-id"] for answer in answers} == {"ext:mine"}
    listed = gateway.manage("GET", "/api/sessions")
    (mine,) = [each for each in listed["sessions"] if each["sessionId"] == "ext:mine"]
    assert (mine["requestCount"], mine["connectionId"] is not None) == (8, True)


def test_what_goes_on_from_a_kept_answer_goes_to_the_account_that_keeps_it(
    gateway: Gateway, simulator: Simulator
) -> None:
    node = gateway.add_provider("keeper", simulator.openai_url, api="responses", key="k1")
    add_accounts(gateway, "keeper", "k2", "k3")
    rule(gateway, "keeper", accountStrategy="round-robin", stickyLimit=1)

    def respond(**more: Any) -> tuple[str, str]:
        body = {"model": "keeper/x", "input": "Hi", **more}
        answer = gateway.http.post("/v1/responses", json=body)
        line = next((line for line in answer.text.splitlines() if line.startswith("data:")), "data: {}")
        said = json.loads(line[5:])["response"] if more.get("stream") else answer.json()
        return said["id"], keys(simulator)[-1]

    kept = [respond(stream=stream) for stream in (False, True, False)]
    assert {key for _, key in kept} == {"k1", "k2", "k3"}
    for strategy in ("round-robin", "fill-first"):
        rule(gateway, "keeper", accountStrategy=strategy)
        assert [respond(previous_response_id=id)[1] for id, _ in reversed(kept)] == [
            k for _, k in reversed(kept)
        ]
    assert all(
        not each["sessionId"].startswith("answer")
        for each in gateway.manage("GET", "/api/sessions")["sessions"]
    )
    gateway.manage("PATCH", "/api/settings/routing", {"providers": {"keeper": None}})
    gateway.manage("DELETE", f"/api/provider-nodes/{node}")


def test_a_conversation_moves_when_its_account_fails(gateway: Gateway, simulator: Simulator) -> None:
    add_accounts(gateway, "sim1", "k2")
    rule(gateway, "sim1", accountStrategy="round-robin", stickyLimit=1)
    ask(gateway, "sim1/x", turn("failing task"))
    (first,) = keys(simulator)
    simulator.behave("429-retry60", key=first)
    for _ in range(2):
        assert ask(gateway, "sim1/x", turn("failing task", "hm", "go on")).status_code == 200
    second = next(key for key in ("sk-up-1", "k2") if key != first)
    assert keys(simulator)[1:] == [first, second, second]


# ---- Combos ----------------------------------------------------------------------------------------------------------


def test_a_combo_takes_turns(gateway: Gateway, simulator: Simulator) -> None:
    combo(gateway, "turns", "sim1/a", "sim2/b", "sim3/c", strategy="round-robin")
    for _ in range(6):
        gateway.chat("turns")
    assert [request.model for request in simulator.requests] == ["a", "b", "c", "a", "b", "c"]


def test_a_combo_s_target_keeps_the_conversation(gateway: Gateway, simulator: Simulator) -> None:
    combo(gateway, "turns", "sim1/a", "sim2/b", "sim3/c", strategy="round-robin")
    ask(gateway, "turns", turn("one"))
    ask(gateway, "turns", turn("two"))
    for _ in range(3):
        ask(gateway, "turns", turn("two", "ok", "more"))
    assert [request.model for request in simulator.requests] == ["a", "b", "b", "b", "b"]


@pytest.mark.parametrize(
    ("fault", "stream"),
    [("hang", False), ("hang", True), ("slow20000", False), ("slow20000", True), ("first20000", True)],
)
def test_a_hung_target_costs_its_limit_and_no_more(
    gateway: Gateway, simulator: Simulator, fault: str, stream: bool
) -> None:
    combo(gateway, "limited", "sim1/stuck", "sim2/fine", targetTimeoutMs=300)
    simulator.behave(fault, model="stuck")
    started = time.monotonic()
    answer = gateway.chat("limited", stream=stream)
    assert answer.status_code == 200
    assert time.monotonic() - started < LONG_S / 2
    first, second = last_row(gateway)["attempts"]
    assert (first["error"], second["status"]) == ("upstream_timeout", 200)
    assert 300 <= second["at"] < 5000


@pytest.mark.parametrize("stream", [False, True])
def test_a_hung_target_costs_its_limit_once_however_many_accounts_it_has(
    gateway: Gateway, simulator: Simulator, stream: bool
) -> None:
    add_accounts(gateway, "sim1", "s1", "s2", "s3")
    combo(gateway, "hung", "sim1/stuck", "sim2/fine", targetTimeoutMs=600)
    simulator.behave("hang", model="stuck")
    began = time.monotonic()
    answer = gateway.chat("hung", stream=stream)
    assert (answer.status_code, answer.headers["x-omniroute-attempts"]) == (200, "2")
    assert 0.6 <= time.monotonic() - began < 2 * 0.6 + 0.3


def test_the_whole_combo_has_a_limit(gateway: Gateway, simulator: Simulator) -> None:
    combo(gateway, "short", "sim1/stuck", "sim2/stuck", "sim3/stuck", targetTimeoutMs=400, comboTimeoutMs=600)
    simulator.behave("hang", model="stuck")
    answer = gateway.chat("short")
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "combo_timeout")
    assert [attempt["status"] for attempt in last_row(gateway)["attempts"]] == [504, 504]


def test_a_busy_target_lets_requests_wait_and_a_long_queue_sends_them_on(
    gateway: Gateway, simulator: Simulator
) -> None:
    combo(
        gateway,
        "busy",
        "sim1/narrow",
        "sim2/spare",
        concurrencyPerModel=1,
        queueDepth=1,
        queueTimeoutMs=20_000,
    )
    simulator.behave("slow600", model="narrow")
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda number: gateway.chat("busy", f"n{number}"), range(3)))
    assert {answer.status_code for answer in answers} == {200}
    assert Counter(request.model for request in simulator.requests) == {"narrow": 2, "spare": 1}
    narrow = [request for request in simulator.requests if request.model == "narrow"]
    assert narrow[1].at >= narrow[0].at + 0.6  # never two at a time


def test_who_waits_too_long_moves_on(gateway: Gateway, simulator: Simulator) -> None:
    combo(gateway, "busy", "sim1/narrow", "sim2/spare", concurrencyPerModel=1, queueTimeoutMs=100)
    simulator.behave("slow1500", model="narrow")
    first = threading.Thread(target=gateway.chat, args=("busy",))
    first.start()
    while simulator.count < 1:
        time.sleep(0.01)
    answer = gateway.chat("busy", "second")
    first.join()
    assert answer.status_code == 200
    rows = gateway.rows("SELECT attempts FROM billing_usagerecord ORDER BY id DESC LIMIT 2")
    entries = [entry for row in rows for entry in json.loads(row["attempts"])]
    assert [entry["skipped"] for entry in entries if "skipped" in entry] == ["queue_timeout"]


# ---- Hedging ---------------------------------------------------------------------------------------------------------


def test_a_silent_target_gets_company_and_the_first_to_speak_wins(
    gateway: Gateway, simulator: Simulator
) -> None:
    combo(gateway, "hedged", "sim1/quiet", "sim2/quick", hedge="after", hedgeAfterMs=200)
    simulator.behave("first20000", model="quiet")
    started = time.monotonic()
    answer = gateway.chat("hedged", stream=True)
    assert answer.status_code == 200
    assert time.monotonic() - started < LONG_S / 2
    assert answer.headers["x-omniroute-model"] == "quick"
    assert "quiet 499 hedge_lost" in answer.headers["x-omniroute-fallback"]
    quiet = next(request for request in simulator.requests if request.model == "quiet")
    deadline = time.monotonic() + 3
    while quiet.ended != "client_left" and time.monotonic() < deadline:
        time.sleep(0.02)
        quiet = next(request for request in simulator.requests if request.model == "quiet")
    assert quiet.ended == "client_left"
    first, second = last_row(gateway)["attempts"]
    assert (first["model"], first["error"]) == ("quiet", "hedge_lost")
    assert (second["model"], second["status"]) == ("quick", 200)
    assert second["at"] >= 200


def test_who_lost_is_paid_too(gateway: Gateway, simulator: Simulator) -> None:
    combo(gateway, "hedged", "sim1/quiet", "sim2/quick", hedge="after", hedgeAfterMs=200)
    nodes = {node["prefix"]: node["id"] for node in gateway.manage("GET", "/api/provider-nodes")["nodes"]}
    price = {"*": {"input": 1000, "output": 1000}}
    gateway.manage("PATCH", "/api/pricing", {nodes["sim1"]: price, nodes["sim2"]: price})
    made = gateway.manage("POST", "/api/keys", {"name": "hedger"})
    gateway.manage("POST", "/api/usage/budget", {"keyId": made["id"], "limit": 100, "period": "daily"})
    simulator.behave("first20000", model="quiet")
    before = gateway.manage("GET", "/api/usage/history")["totalRequests"]
    body = {"model": "hedged", "stream": True, "messages": turn("a prompt that is read twice")}
    answer = gateway.http.post(
        "/v1/chat/completions", json=body, headers={"authorization": f"Bearer {made['key']}"}
    )
    assert answer.status_code == 200
    lost, won = gateway.rows()[-2:]
    assert lost["request_id"] == won["request_id"] == answer.headers["x-request-id"]
    assert (lost["provider"], lost["served_model"], lost["is_extra"]) == (nodes["sim1"], "quiet", 1)
    assert (lost["status"], lost["error_code"], lost["usage_estimated"]) == (499, "hedge_lost", 1)
    assert lost["input_tokens"] > 0 < float(lost["cost"])
    assert (won["served_model"], won["is_extra"], won["usage_estimated"]) == ("quick", 0, 0)
    (status,) = [
        each for each in gateway.manage("GET", "/api/usage/budget")["budgets"] if each["keyId"] == made["id"]
    ]
    assert float(status["used"]) == pytest.approx(float(lost["cost"]) + float(won["cost"]))
    assert gateway.manage("GET", "/api/usage/history")["totalRequests"] == before + 1
    assert float(json.loads(won["attempts"])[0]["cost"]) == float(lost["cost"])


def test_an_answer_of_no_use_is_paid_as_far_as_its_provider_counted_it(
    gateway: Gateway, simulator: Simulator
) -> None:
    combo(gateway, "paid-twice", "sim1/void", "sim2/quick")
    usage = {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050}
    simulator.reply({"object": "chat.completion", "choices": [], "usage": usage}, model="void")
    assert gateway.chat("paid-twice").headers["x-omniroute-model"] == "quick"
    void, quick = gateway.rows()[-2:]
    assert (void["served_model"], void["is_extra"], void["status"]) == ("void", 1, 502)
    assert (void["input_tokens"], void["output_tokens"], void["usage_estimated"]) == (1000, 50, 0)
    assert (quick["served_model"], quick["is_extra"]) == ("quick", 0)


def test_a_target_that_is_slower_than_it_used_to_be_gets_company(
    gateway: Gateway, simulator: Simulator
) -> None:
    combo(gateway, "hedged", "sim1/usual", "sim2/quick", hedge="p95", hedgeAfterMs=60_000)
    for _ in range(5):
        assert gateway.chat("hedged", stream=True).headers["x-omniroute-model"] == "usual"
    simulator.behave("first20000", model="usual")
    started = time.monotonic()
    assert gateway.chat("hedged", stream=True).headers["x-omniroute-model"] == "quick"
    assert time.monotonic() - started < LONG_S / 2


def test_the_fastest_target_is_found(gateway: Gateway, simulator: Simulator) -> None:
    combo(gateway, "race", "sim1/sloth", "sim2/hare", strategy="fastest")
    simulator.behave("first400", model="sloth")
    for _ in range(5):
        assert gateway.chat("race", stream=True).status_code == 200
    assert Counter(request.model for request in simulator.requests) == {"sloth": 1, "hare": 4}


def test_a_quick_target_stays_alone(gateway: Gateway, simulator: Simulator) -> None:
    combo(gateway, "hedged", "sim1/quick", "sim2/other", hedge="after", hedgeAfterMs=5000)
    assert gateway.chat("hedged", stream=True).status_code == 200
    assert [request.model for request in simulator.requests] == ["quick"]


def test_the_first_one_may_still_win(gateway: Gateway, simulator: Simulator) -> None:
    combo(gateway, "hedged", "sim1/late", "sim2/later", hedge="after", hedgeAfterMs=100)
    simulator.behave("first900", model="late")
    simulator.behave("first20000", model="later")
    answer = gateway.chat("hedged", stream=True)
    assert answer.headers["x-omniroute-model"] == "late"
    assert [attempt["model"] for attempt in last_row(gateway)["attempts"]] == ["late", "later"]


def test_when_both_fail_the_third_is_asked(gateway: Gateway, simulator: Simulator) -> None:
    combo(gateway, "hedged", "sim1/one", "sim2/two", "sim3/three", hedge="after", hedgeAfterMs=100)
    simulator.behave("slow600+503", model="one")
    simulator.behave("slow300+503", model="two")
    answer = gateway.chat("hedged")
    assert (answer.status_code, answer.headers["x-omniroute-model"]) == (200, "three")


def test_a_client_that_leaves_takes_both_with_it(gateway: Gateway, simulator: Simulator) -> None:
    combo(gateway, "hedged", "sim1/q1", "sim2/q2", hedge="after", hedgeAfterMs=100)
    simulator.behave("first20000", model="q1")
    simulator.behave("first20000", model="q2")
    body = {"model": "hedged", "stream": True, "messages": turn("hi")}
    with (
        pytest.raises(httpx.ReadTimeout),
        httpx.Client(base_url=gateway.url, timeout=1.0, trust_env=False) as client,
    ):
        client.post("/v1/chat/completions", json=body)
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and {r.ended for r in simulator.requests} != {"client_left"}:
        time.sleep(0.02)
    assert [request.ended for request in simulator.requests] == ["client_left", "client_left"]


# ---- Chains, rules, texts --------------------------------------------------------------------------------------------


def test_a_chain_for_everybody_is_the_last_resort(gateway: Gateway, simulator: Simulator) -> None:
    gateway.manage("POST", "/api/fallback/chains", {"name": "production", "models": ["sim2/b", "sim3/c"]})
    simulator.behave("503", model="a")
    simulator.behave("503", model="b")
    assert gateway.chat("sim1/a").headers["x-omniroute-model"] == "c"
    assert [request.model for request in simulator.requests] == ["a", "b", "c"]


def test_a_chain_of_providers_keeps_the_model(gateway: Gateway, simulator: Simulator) -> None:
    chain = [{"provider": "sim3", "priority": 2}, {"provider": "sim2", "priority": 1}]
    gateway.manage("POST", "/api/fallback/chains", {"model": "sim1/a", "chain": chain})
    simulator.behave("503", key="sk-up-1")
    assert gateway.chat("sim1/a").headers["x-omniroute-provider"]
    assert [(request.key, request.model) for request in simulator.requests] == [
        ("sk-up-1", "a"),
        ("sk-up-2", "a"),
    ]


def test_a_chain_does_not_repeat_what_only_the_client_can_mend(
    gateway: Gateway, simulator: Simulator
) -> None:
    gateway.manage("POST", "/api/fallback/chains", {"name": "production", "models": ["sim2/b"]})
    simulator.behave("400", model="a")
    assert gateway.chat("sim1/a").status_code == 400
    assert [request.model for request in simulator.requests] == ["a"]
    combo(gateway, "both", "sim1/a", "sim2/b")
    assert gateway.chat("both").status_code == 200


def test_a_blocked_provider_is_refused_and_hidden_and_left_out(
    gateway: Gateway, simulator: Simulator
) -> None:
    combo(gateway, "both", "sim1/a", "sim2/b")
    rule(gateway, "sim1", isBlocked=True)
    refused = gateway.chat("sim1/a")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "model_blocked")
    assert gateway.chat("both").status_code == 200
    assert [request.model for request in simulator.requests] == ["b"]
    combo(gateway, "only", "sim1/a")
    listed = {model["id"] for model in gateway.http.get("/v1/models").json()["data"]}
    assert "both" in listed
    assert "only" not in listed


def test_a_blocked_model_leaves_the_provider_s_others_alone(gateway: Gateway, simulator: Simulator) -> None:
    rule(gateway, "sim1", blockedModels=["gpt-4*"])
    assert gateway.chat("sim1/gpt-4o").status_code == 403
    assert gateway.chat("sim1/gpt-5").status_code == 200


def test_a_key_s_blocked_models_are_no_targets_for_it_either(gateway: Gateway, simulator: Simulator) -> None:
    combo(gateway, "both", "sim1/a", "sim2/b")
    combo(gateway, "only", "sim1/a")
    key = gateway.manage("POST", "/api/keys", {"name": "narrow", "allowedModels": ["!sim1/*"]})["key"]
    bearer = {"authorization": f"Bearer {key}"}
    assert ask(gateway, "sim1/a", turn("hi"), **bearer).status_code == 403
    assert ask(gateway, "both", turn("hi"), **bearer).headers["x-omniroute-model"] == "b"
    assert ask(gateway, "only", turn("hi"), **bearer).status_code == 403
    assert [request.model for request in simulator.requests] == ["b"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_answer_that_is_an_error_in_words_falls_back(
    gateway: Gateway, simulator: Simulator, stream: bool
) -> None:
    gateway.manage("PATCH", "/api/settings/routing", {"errorTexts": ["You said: out of credits"]})
    combo(gateway, "both", "sim1/a", "sim2/b")
    answer = gateway.chat("both", "Out of credits, sorry", stream=stream)
    assert answer.status_code == 502
    assert [entry["error"] for entry in last_row(gateway)["attempts"]] == ["error_text", "error_text"]
    gateway.manage("POST", "/api/resilience/reset")
    assert gateway.chat("both", "out of luck", stream=stream).status_code == 200
    assert gateway.chat("both", "out", stream=stream).status_code == 200


# ---- Explain ---------------------------------------------------------------------------------------------------------


def test_explain_tells_what_a_request_would_do_and_does_nothing(
    gateway: Gateway, simulator: Simulator
) -> None:
    combo(gateway, "turns", "sim1/a", "sim2/b", "gone/c", strategy="round-robin")
    simulator.behave("429-retry60", model="a")
    gateway.chat("turns")
    before = simulator.count
    for _ in range(2):
        told = gateway.manage("POST", "/api/route/explain", {"model": "turns", "messages": turn("hi")})
        assert [attempt["target"] for attempt in told["attempts"]] == ["sim2/b"]
        assert (told["combo"], told["strategy"]) == ("turns", "round-robin")
        (skipped,) = told["skipped"]
        assert (skipped["target"], skipped["reason"]) == ("sim1/a", "rate_limited")
        assert 0 < skipped["waitMs"] <= 60_000
        assert [absent["name"] for absent in told["leftOut"]] == ["gone/c"]
    assert simulator.count == before
    gateway.chat("turns")
    assert simulator.requests[-1].model == "b"


def test_explain_says_what_a_client_would_be_told(gateway: Gateway) -> None:
    told = gateway.manage("POST", "/api/route/explain", {"model": "nobody/knows"})
    assert (told["attempts"], told["error"]["errorType"]) == ([], "model_not_found")
    told = gateway.manage("POST", "/api/route/explain", {"model": "deepseek-chat"})
    assert told["error"] is not None


def test_the_trail_is_in_the_headers(gateway: Gateway, simulator: Simulator) -> None:
    simulator.behave("503", model="first")
    answer = gateway.chat("three")
    assert answer.headers["x-omniroute-attempts"] == "2"
    assert answer.headers["x-omniroute-fallback"].startswith("sim1/first 503 ")
    assert "x-omniroute-fallback" not in gateway.chat("sim3/third").headers


# ---- Combos at work --------------------------------------------------------------------------------------------------


def test_a_combo_is_tried_and_measured(gateway: Gateway, simulator: Simulator) -> None:
    combo(gateway, "tried", "sim1/a", "sim2/b")
    simulator.behave("503", model="a")
    told = gateway.manage("POST", "/api/combos/test", {"comboName": "tried"})
    assert [(each["model"], each["status"]) for each in told["results"]] == [
        ("sim1/a", "error"),
        ("sim2/b", "ok"),
    ]
    assert told["resolvedBy"] == "sim2/b"
    gateway.manage("POST", "/api/resilience/reset")
    gateway.chat("tried")
    metrics = gateway.manage("GET", "/api/combos/metrics")["metrics"]["tried"]
    assert (metrics["totalRequests"], metrics["totalFallbacks"], metrics["successRate"]) == (1, 1, 100)
    assert sorted(each["failures"] for each in metrics["byModel"].values()) == [0, 1]


# ---- Nothing stops a combo but an answer -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 413, 415, 422, 425])
def test_every_refusal_goes_on_to_the_next_target(
    gateway: Gateway, simulator: Simulator, status: int
) -> None:
    simulator.behave(str(status), model="first")
    answer = gateway.chat("three")
    assert (answer.status_code, answer.headers["x-omniroute-model"]) == (200, "second")


@pytest.mark.parametrize(
    "message",
    [
        "prompt is too long: 250000 tokens > 200000 maximum",
        "Your credit balance is too low to access the Anthropic API",
        "The model `first` does not exist",
        "Unsupported parameter: 'temperature' is not supported with this model.",
        "Output blocked by content filtering policy",
        "messages.0.content: Input should be a valid string",
    ],
)
def test_a_400_that_is_one_provider_s_own_does_not_stop_the_combo(
    gateway: Gateway, simulator: Simulator, message: str
) -> None:
    body = {"error": {"message": message, "type": "invalid_request_error"}}
    simulator.reply(body, status=400, model="first")
    answer = gateway.chat("three")
    assert (answer.status_code, answer.headers["x-omniroute-model"]) == (200, "second")


@pytest.mark.parametrize("fault", ["end0", "inband0", "cut0", "empty", "stall0"])
def test_a_stream_that_never_says_anything_goes_on(
    gateway: Gateway, simulator: Simulator, fault: str
) -> None:
    combo(gateway, "limited", "sim1/first", "sim2/second", targetTimeoutMs=800)
    simulator.behave(fault, model="first")
    answer = gateway.chat("limited", stream=True)
    assert answer.status_code == 200
    assert "You " in answer.text
    assert [entry["model"] for entry in last_row(gateway)["attempts"]] == ["first", "second"]


def test_a_middle_target_without_a_free_account_is_passed_over(
    gateway: Gateway, simulator: Simulator
) -> None:
    simulator.behave("429-retry60", key="sk-up-2")
    gateway.chat("sim2/anything")
    simulator.behave("503", model="first")
    answer = gateway.chat("three")
    assert (answer.status_code, answer.headers["x-omniroute-model"]) == (200, "third")
    assert [entry.get("skipped", entry.get("status")) for entry in last_row(gateway)["attempts"]] == [
        503,
        "rate_limited",
        200,
    ]


def test_a_client_that_leaves_cools_nobody(gateway: Gateway, simulator: Simulator) -> None:
    simulator.behave("slow20000", model="first")
    with (
        pytest.raises(httpx.ReadTimeout),
        httpx.Client(base_url=gateway.url, timeout=0.5, trust_env=False) as client,
    ):
        client.post("/v1/chat/completions", json={"model": "three", "messages": turn("hi")})
    deadline = time.monotonic() + 3
    while last_row(gateway)["status"] != 499 and time.monotonic() < deadline:
        time.sleep(0.02)
    told = gateway.manage("POST", "/api/route/explain", {"model": "three"})
    assert [attempt["target"] for attempt in told["attempts"]] == ["sim1/first", "sim2/second", "sim3/third"]
    assert told["skipped"] == []
