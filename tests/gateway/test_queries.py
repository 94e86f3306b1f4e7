"""A warm request makes no database query before its accounting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.db.backends.utils import CursorWrapper
from django.db.models import F

from billing.models import KeptAnswer, UsageRecord
from gateway import snapshot
from gateway.affinity.sessions import sessions
from gateway.models import ConfigVersion
from gateway.records.recorder import recorder
from gateway.simulator import Simulator
from providers.models import Account, ProviderNode
from resilience.cooldown import cooldowns


@contextmanager
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """(thread name, SQL) of everything that any thread of this process asks any database."""
    seen: list[tuple[str, str]] = []
    execute, executemany = CursorWrapper.execute, CursorWrapper.executemany

    def note(original: Any) -> Any:
        def wrapper(self: CursorWrapper, sql: Any, params: Any = None) -> Any:
            seen.append((threading.current_thread().name, str(sql)))
            return original(self, sql, params)

        return wrapper

    with monkeypatch.context() as patch:
        patch.setattr(CursorWrapper, "execute", note(execute))
        patch.setattr(CursorWrapper, "executemany", note(executemany))
        yield seen


@pytest.fixture
def provider(transactional_db: None, simulator: Simulator) -> Iterator[None]:
    node = ProviderNode.objects.create(name="sim", prefix="sim", base_url=simulator.openai_url)
    Account.objects.create(provider=node.pk, name="a", api_key="sk-x")
    snapshot.reset()
    cooldowns.reset()
    yield
    snapshot.reset()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_warm_request_asks_the_database_nothing_before_its_accounting(
    provider: None, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    from omniroute.asgi import application

    body = {"model": "sim/x", "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
    app: Any = application
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await client.post("/v1/chat/completions", json=body)).status_code == 200
        with statements(monkeypatch) as seen:
            assert (await client.post("/v1/chat/completions", json=body)).status_code == 200
    assert {thread for thread, _ in seen} == {"recorder_0"}
    assert seen[0][1].startswith(("BEGIN", "INSERT INTO"))
    assert await UsageRecord.objects.acount() == 2
    close_recorder()


async def test_nor_does_a_warm_request_whose_answer_its_provider_keeps(
    provider: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is noted with the usage row. Only a request that names an answer which is not in memory looks it up."""
    from omniroute.asgi import application

    await ProviderNode.objects.aupdate(api_type="responses")
    snapshot.reset()
    app: Any = application
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:

        async def ask(**more: Any) -> str:
            answer = await client.post("/v1/responses", json={"model": "sim/x", "input": "hi", **more})
            assert answer.status_code == 200
            return str(answer.json()["id"])

        first = await ask()
        with statements(monkeypatch) as seen:
            await ask()
            await ask(previous_response_id=first)
        assert {thread for thread, _ in seen} == {"recorder_0"}
        sessions.forget()
        with statements(monkeypatch) as seen:
            await ask(previous_response_id=first)
        assert [sql for thread, sql in seen if thread != "recorder_0" and "keptanswer" in sql]
    assert await KeptAnswer.objects.acount() == 4
    close_recorder()


async def test_an_account_that_another_process_connected_serves_the_very_next_request(
    provider: None, simulator: Simulator
) -> None:
    from omniroute.asgi import application

    body = {"model": "openai/x", "messages": [{"role": "user", "content": "hi"}]}
    app: Any = application
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await client.post("/v1/chat/completions", json=body)).status_code == 404
        await asyncio.sleep(2 * snapshot.MISS_INTERVAL_S)
        await sync_to_async(connect_elsewhere)(simulator.openai_url)
        assert (await client.post("/v1/chat/completions", json=body)).status_code == 200
    close_recorder()


def connect_elsewhere(url: str) -> None:
    """As another process does it: no signal comes here, but the version has changed."""
    Account.objects.bulk_create([Account(provider="openai", name="b", api_key="sk-x", base_url=url)])
    ConfigVersion.objects.update(version=F("version") + 1)


def close_recorder() -> None:
    """Its thread holds a connection to the test database."""
    recorder()._thread.submit(connections.close_all).result()
    recorder().close()
    recorder.cache_clear()
