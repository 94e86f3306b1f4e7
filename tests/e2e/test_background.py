"""Answers that a provider keeps, through the running gateway and OpenAI's own SDK: fetched, cancelled, deleted."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

from tests.e2e.server import Gateway, running
from tests.vendors.background import Background
from tests.vendors.framework import running as vendor_running

PRICE = 10.0
"""USD per million tokens: an answer of the vendor's costs 0.05."""


@pytest.fixture(scope="module")
def vendor() -> Iterator[Background]:
    with vendor_running(Background()) as vendor:
        yield vendor


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, vendor: Background) -> Iterator[Gateway]:
    """Three accounts, by turns."""
    with running(tmp_path_factory.mktemp("background")) as gateway:
        node = gateway.add_provider("deep", f"{vendor.url}/v1", api="responses", key="k1")
        for key in ("k2", "k3"):
            gateway.manage("POST", "/api/providers", {"provider": node, "apiKey": key, "name": key})
        rule = {"accountStrategy": "round-robin", "stickyLimit": 1}
        gateway.manage("PATCH", "/api/settings/routing", {"providers": {"deep": rule}})
        gateway.manage("PATCH", "/api/pricing", {node: {"*": {"input": PRICE, "output": PRICE}}})
        gateway.add_combo("research", "deep/o3-deep-research")
        yield gateway


@pytest.fixture
def client(gateway: Gateway) -> openai.OpenAI:
    return client_of(gateway, gateway.manage("POST", "/api/keys", {"name": "researcher"})["key"])


def client_of(gateway: Gateway, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0, timeout=30)


def begin(client: openai.OpenAI, **more: Any) -> Any:
    return client.responses.create(model="research", input="Why?", background=True, **more)


def row_of(gateway: Gateway) -> dict[str, Any]:
    return gateway.rows("SELECT * FROM billing_usagerecord WHERE NOT is_extra ORDER BY id DESC LIMIT 1")[0]


def day_of(gateway: Gateway) -> dict[str, Any]:
    query = "SELECT * FROM billing_usagetotal WHERE span = 'day' AND dimension = 'all'"
    return next(iter(gateway.rows(query)), {"requests": 0, "output_tokens": 0, "cost": 0})


def test_an_answer_made_in_the_background_is_fetched_from_its_account_and_counted_once(
    gateway: Gateway, vendor: Background, client: openai.OpenAI
) -> None:
    begun = begin(client)
    assert begun.status == "queued"
    owner = vendor.owners[begun.id]
    row = row_of(gateway)
    assert (row["status"], row["input_tokens"], row["cost"], row["usage_estimated"]) == (200, 0, None, 0)
    assert client.responses.retrieve(begun.id).status == "queued"
    before = day_of(gateway)
    vendor.finish(begun.id)
    with ThreadPoolExecutor(8) as threads:
        fetched = list(threads.map(lambda _: client.responses.retrieve(begun.id), range(8)))
    assert {(answer.status, answer.output_text) for answer in fetched} == {
        ("completed", "one two three four")
    }
    assert {asked.bearer for asked in vendor.asked if begun.id in asked.path} == {owner}
    settled = row_of(gateway)
    assert settled["id"] == row["id"]
    assert (settled["input_tokens"], settled["output_tokens"], float(settled["cost"])) == (1000, 4000, 0.05)
    assert (settled["combo"], settled["api_key_name"]) == ("research", "researcher")
    after = day_of(gateway)
    assert after["output_tokens"] - before["output_tokens"] == 4000
    assert float(after["cost"]) - float(before["cost"]) == pytest.approx(0.05)
    assert after["requests"] == before["requests"]


def test_it_is_cancelled_listed_and_deleted(vendor: Background, client: openai.OpenAI) -> None:
    begun = begin(client)
    assert client.responses.cancel(begun.id).status == "cancelled"
    items = client.responses.input_items.list(begun.id, order="asc", limit=5)
    assert [item.type for item in items.data] == ["message"]
    assert vendor.asked[-1].query == {"order": "asc", "limit": "5"}
    client.responses.delete(begun.id)
    assert begun.id not in vendor.owners
    with pytest.raises(openai.NotFoundError, match=f"Response with id '{begun.id}' not found."):
        client.responses.retrieve(begun.id)


def test_what_is_deleted_has_been_counted_before(
    gateway: Gateway, vendor: Background, client: openai.OpenAI
) -> None:
    begun = begin(client)
    vendor.finish(begun.id)
    client.responses.delete(begun.id)
    assert row_of(gateway)["output_tokens"] == 4000


def test_a_stream_that_broke_off_is_resumed_where_it_was(
    gateway: Gateway, vendor: Background, client: openai.OpenAI
) -> None:
    vendor.cut_after = 3
    seen = list(begin(client, stream=True))
    assert [event.type for event in seen[2:]] == ["response.output_text.delta", "error"]
    id = seen[0].response.id
    assert [event.sequence_number for event in seen[:3]] == [0, 1, 2]
    assert row_of(gateway)["output_tokens"] == 0
    vendor.finish(id)
    rest = list(client.responses.retrieve(id, stream=True, starting_after=2))
    assert [event.sequence_number for event in rest] == [3, 4, 5, 6]
    assert rest[-1].type == "response.completed"
    assert row_of(gateway)["output_tokens"] == 4000
    assert list(client.responses.retrieve(id, stream=True, starting_after=6)) == []
    assert row_of(gateway)["output_tokens"] == 4000


def test_a_stream_that_is_watched_to_its_end_is_counted_once(
    gateway: Gateway, vendor: Background, client: openai.OpenAI
) -> None:
    id = f"resp_{next(vendor.numbers) + 1}"
    before = day_of(gateway)
    events = begin(client, stream=True)
    first = next(iter(events))
    assert (first.type, first.response.id) == ("response.created", id)
    list(events)
    vendor.finish(id)
    client.responses.retrieve(id)
    client.responses.retrieve(id)
    assert row_of(gateway)["output_tokens"] == 4000
    assert day_of(gateway)["output_tokens"] - before["output_tokens"] == 4000


def test_bytes_pass_as_they_are_but_for_the_key(gateway: Gateway, vendor: Background) -> None:
    begun = gateway.http.post("/v1/responses", json={"model": "research", "input": "x", "background": True})
    id = begun.json()["id"]
    answer = gateway.http.get(f"/v1/responses/{id}?include[]=a.b&include%5B%5D=c&key=")
    assert answer.text.startswith('{\n "id": "resp_')
    assert vendor.asked[-1].body == b""
    assert (vendor.asked[-1].query, "content-type" in vendor.asked[-1].headers) == ({"include[]": "c"}, False)
    assert {"x-omniroute-provider", "x-request-id"} <= answer.headers.keys()


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_another_key_gets_what_it_would_get_for_an_id_that_nobody_knows(
    gateway: Gateway, vendor: Background, client: openai.OpenAI, method: str
) -> None:
    begun = begin(client)
    asked = len(vendor.asked)
    stranger = gateway.manage("POST", "/api/keys", {"name": "stranger"})["key"]
    headers = {"authorization": f"Bearer {stranger}"}
    answers = [
        gateway.http.request(method, f"/v1/responses/{id}", headers=headers) for id in (begun.id, "resp_no")
    ]
    for answer, id in zip(answers, (begun.id, "resp_no"), strict=True):
        error = answer.json()["error"]
        assert (answer.status_code, error["type"]) == (404, "invalid_request_error")
        assert error["message"] == f"Response with id '{id}' not found."
    assert len(vendor.asked) == asked
    wrong = gateway.http.request(method, f"/v1/responses/{begun.id}", headers={"authorization": "Bearer no"})
    assert wrong.status_code in (401, 404)


def test_a_provider_s_own_refusal_is_told_and_puts_nobody_aside(
    gateway: Gateway, vendor: Background, client: openai.OpenAI
) -> None:
    begun = begin(client)
    del vendor.owners[begun.id]
    with pytest.raises(openai.NotFoundError, match="not found"):
        client.responses.retrieve(begun.id)
    assert {begin(client).status for _ in range(3)} == {"queued"}


def test_a_restart_forgets_no_answer(gateway: Gateway, vendor: Background, client: openai.OpenAI) -> None:
    kept = [client.responses.create(model="research", input="Hi") for _ in range(3)]
    dropped = client.responses.create(model="research", input="Hi", store=False)
    assert {vendor.owners[each.id] for each in kept} == {"k1", "k2", "k3"}
    gateway.stop()
    gateway.start()
    for each in reversed(kept):
        assert client.responses.retrieve(each.id).id == each.id
        client.responses.create(model="research", input="And?", previous_response_id=each.id)
        assert vendor.asked[-1].bearer == vendor.owners[each.id]
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(dropped.id)


def test_a_budget_is_charged_what_was_reserved_and_then_the_rest(
    gateway: Gateway, vendor: Background
) -> None:
    made = gateway.manage("POST", "/api/keys", {"name": "saver"})
    client = client_of(gateway, made["key"])
    budget = {"apiKeyId": made["id"], "limit": 0.06, "period": "monthly", "unit": "usd"}
    gateway.manage("POST", "/api/usage/budget", budget)
    begun = begin(client, max_output_tokens=1000)
    spent = "SELECT usd FROM billing_budgetspend"
    assert 0.01 <= gateway.rows(spent)[-1]["usd"] / 10**10 < 0.011
    vendor.finish(begun.id)
    client.responses.retrieve(begun.id)
    assert gateway.rows(spent)[-1]["usd"] / 10**10 == pytest.approx(0.05)
    begin(client, max_output_tokens=1000)
    with pytest.raises(openai.RateLimitError):
        begin(client)
    assert client.responses.retrieve(begun.id).status == "completed"
