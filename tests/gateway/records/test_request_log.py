"""Request logs from the client's request to the API that shows them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from billing.models import RequestLog, UsageRecord, UsageSettings
from billing.usage import request_logs
from gateway import snapshot
from gateway.records import request_log
from gateway.records.recorder import recorder
from gateway.simulator import Simulator
from omniroute.redact import MASK
from providers.models import Account, ProviderNode
from resilience.cooldown import cooldowns

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "sk-upstream-secret-0123456789"
CLIENT_KEY = "sk-client-secret-0123456789"
BODY = {
    "model": "sim/x",
    "messages": [{"role": "user", "content": "hi"}],
    "metadata": {"api_key": "hidden-thing"},
}


@pytest.fixture(autouse=True)
def _provider(simulator: Simulator, settings: Any, tmp_path: Any) -> Iterator[None]:
    settings.ENABLE_REQUEST_LOGS, settings.DATA_DIR, settings.REQUIRE_API_KEY = True, tmp_path, False
    node = ProviderNode.objects.create(name="sim", prefix="sim", base_url=simulator.openai_url)
    Account.objects.create(provider=node.pk, name="a", api_key=KEY)
    request_logs._settings = None
    snapshot.reset()
    cooldowns.reset()
    yield
    request_logs._settings = None
    snapshot.reset()
    for thread in (recorder()._thread, request_log.writer()._thread):
        thread.submit(connections.close_all).result()
    recorder().close()
    recorder.cache_clear()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    from omniroute.asgi import application

    transport = httpx.ASGITransport(app=application, client=("127.0.0.1", 1))  # type: ignore[arg-type]
    headers = {"x-custom": "kept", "cookie": f"session={CLIENT_KEY}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
        yield client


@sync_to_async
def logged(response: httpx.Response) -> Any:
    request_log.writer().flush()
    return request_logs.load(response.headers["x-request-id"])


def asked(stream: bool = False) -> dict[str, Any]:
    return {**BODY, "stream": stream}


async def test_both_sides_of_a_request_are_logged_without_secrets(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/chat/completions?x=1", json=asked())
    log = await logged(response)
    assert (log["request"]["method"], log["request"]["path"]) == ("POST", "/v1/chat/completions?x=1")
    assert log["request"]["headers"]["x-custom"] == "kept"
    assert log["request"]["body"] == {**asked(), "metadata": {"api_key": MASK}}
    (sent,) = log["upstream"]
    assert sent["request"]["url"].endswith("/chat/completions")
    assert sent["request"]["headers"]["authorization"] == MASK
    assert sent["request"]["body"]["model"] == "x"
    assert (sent["response"]["status"], log["response"]["status"]) == (200, 200)
    assert log["response"]["body"] == response.json() == sent["response"]["body"]
    assert not {KEY, CLIENT_KEY, "hidden-thing"} & set(str(log).replace("'", " ").split())
    assert KEY not in str(log)


async def test_a_stream_is_logged_as_it_was_sent(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/chat/completions", json=asked(stream=True))
    log = await logged(response)
    assert log["response"]["body"] == response.text
    assert log["upstream"][0]["response"]["body"].startswith("data: ")


async def test_every_attempt_is_there_with_its_refusal(
    client: httpx.AsyncClient, simulator: Simulator
) -> None:
    simulator.behave("429", model="x", times=1)
    account = await Account.objects.aget()
    await Account.objects.acreate(provider=account.provider, name="b", api_key=KEY + "b")
    response = await client.post("/v1/chat/completions", json=asked())
    assert response.status_code == 200
    log = await logged(response)
    assert [sent["response"]["status"] for sent in log["upstream"]] == [429, 200]
    assert log["upstream"][0]["response"]["body"]["error"]


async def test_where_nobody_answers_the_log_says_why(client: httpx.AsyncClient) -> None:
    await ProviderNode.objects.aupdate(base_url="http://127.0.0.1:9/v1")
    await sync_to_async(snapshot.changed)()
    response = await client.post("/v1/chat/completions", json=asked())
    log = await logged(response)
    assert "cannot be reached" in log["upstream"][0]["error"]
    assert "response" not in log["upstream"][0]
    assert log["response"]["status"] == response.status_code == 502


async def test_long_bodies_are_cut_where_the_settings_say(client: httpx.AsyncClient) -> None:
    await sync_to_async(UsageSettings(log_body_kb=1).save)()
    long = {**asked(), "messages": [{"role": "user", "content": "word " * 1000}]}
    log = await logged(await client.post("/v1/chat/completions", json=long))
    assert log["request"]["body"]["_truncated"]
    assert log["request"]["body"]["_originalSize"] > 5000
    assert len(log["request"]["body"]["_preview"]) == 1024


async def test_logs_can_lie_on_the_disk(client: httpx.AsyncClient, tmp_path: Any) -> None:
    await sync_to_async(UsageSettings(log_place="disk").save)()
    response = await client.post("/v1/chat/completions", json=asked())
    log = await logged(response)
    assert log["response"]["body"] == response.json()
    assert await RequestLog.objects.acount() == 0
    (path,) = tmp_path.glob("request_logs/*/*.json")
    assert path.stem == response.headers["x-request-id"]
    assert path.stat().st_mode & 0o077 == 0


async def test_switched_off_nothing_is_kept(
    client: httpx.AsyncClient, settings: Any, monkeypatch: Any
) -> None:
    settings.ENABLE_REQUEST_LOGS = False
    monkeypatch.setattr(request_log, "Call", None)
    monkeypatch.setattr(request_log, "Sent", None)
    response = await client.post("/v1/chat/completions", json=asked())
    assert response.status_code == 200
    assert await logged(response) is None
    assert await UsageRecord.objects.acount() == 1


async def test_too_much_at_once_goes_unlogged_and_is_said_so(
    client: httpx.AsyncClient, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(request_log, "MAX_PENDING_BYTES", 10)
    response = await client.post("/v1/chat/completions", json=asked())
    assert response.status_code == 200
    assert await logged(response) is None
    monkeypatch.setattr(request_log, "MAX_PENDING_BYTES", 10**6)
    assert await logged(await client.post("/v1/chat/completions", json=asked()))
    assert "1 requests went unlogged" in caplog.text


async def test_a_log_that_cannot_be_written_fails_no_request(
    client: httpx.AsyncClient, monkeypatch: Any
) -> None:
    def full(*args: Any) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(request_logs, "save", full)
        response = await client.post("/v1/chat/completions", json=asked())
        assert await logged(response) is None
    assert await logged(await client.post("/v1/chat/completions", json=asked()))
