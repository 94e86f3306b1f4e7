"""Live requests inside of one process: who may watch, what is told, and what it costs when nobody does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from billing.models import UsageRecord
from gateway.records import consumers
from gateway.records import live as module
from gateway.records.live import FIELDS, PATH, ROWS, TRANSLATIONS_PATH, Live, live, translations
from gateway.records.recorder import Recorder
from omniroute.asgi import application
from tests.usage import usage_row

pytestmark = pytest.mark.django_db(transaction=True)

HOST = "gateway.example"
OWN = f"http://{HOST}"


@pytest.fixture(autouse=True)
def _quickly(monkeypatch):
    monkeypatch.setattr(module, "INTERVAL_S", 0.02)
    yield
    assert not live.watched


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return str(client.cookies["omniroute_session"].value)


@sync_to_async
def administrator() -> str:
    return session_of(User.objects.create_superuser("boss"))


class Knock(WebsocketCommunicator):
    """Waits longer than a second for what has to come: machines that test are busy."""

    async def receive_output(self, timeout: float = 1) -> Any:
        return await super().receive_output(max(timeout, 20))


def knock(cookie: str = "", origin: str = OWN, path: str = PATH) -> WebsocketCommunicator:
    headers = [(b"host", HOST.encode()), (b"cookie", f"omniroute_session={cookie}".encode())]
    if origin:
        headers.append((b"origin", origin.encode()))
    return Knock(application, path, headers=headers)


@asynccontextmanager
async def watching(cookie: str) -> AsyncIterator[WebsocketCommunicator]:
    """Connected, and told what is there."""
    socket = knock(cookie)
    assert (await socket.connect())[0]
    try:
        yield socket
    finally:
        await socket.disconnect()


async def test_it_tells_a_finished_request():
    async with watching(await administrator()) as socket:
        first = await socket.receive_json_from()
        assert (first["replace"], first["requests"], first["html"].strip()) == (True, [], "")
        created = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
        live.publish([
            usage_row(request_id="req_1", created_at=created, status=200, requested_model="fast", served_model="gpt-4o",
                attempt_count=2, input_tokens=1200, output_tokens=30, cost=Decimal("0.0042"), latency_ms=840)
        ])  # fmt: skip
        told = await socket.receive_json_from(
            timeout=10
        )  # the first one compiles templates and every address
    assert told["replace"] is False
    assert told["requests"] == [{
        "request_id": "req_1", "created_at": "2026-05-04T03:02:01+00:00", "status": 200, "error_code": "",
        "requested_model": "fast", "served_model": "gpt-4o", "attempt_count": 2, "input_tokens": 1200,
        "output_tokens": 30, "priced_apart": {}, "cost": "0.0042", "latency_ms": 840,
    }]  # fmt: skip
    for text in ("03:02:01", "after 2 attempts", "1.2k / 30", "$0.0042", "840 ms", "/req_1/change/"):
        assert text in told["html"]


async def test_what_a_client_writes_is_text_on_the_page():
    async with watching(await administrator()) as socket:
        await socket.receive_json_from()
        live.publish(
            [usage_row(request_id="req_2", requested_model="<img src=x onerror=alert(1)>", status=404)]
        )
        html = (await socket.receive_json_from())["html"]
    assert "<img" not in html
    assert "&lt;img" in html


async def test_a_page_that_comes_back_is_told_what_it_missed():
    await UsageRecord.objects.abulk_create(
        UsageRecord(created_at=timezone.now(), status=200, request_id=f"req_{n}", cost=Decimal(n))
        for n in range(ROWS + 3)
    )
    async with watching(await administrator()) as socket:
        first = await socket.receive_json_from()
    newest = [f"req_{n}" for n in range(ROWS + 2, 2, -1)]
    assert first["replace"] is True
    assert [each["request_id"] for each in first["requests"]] == newest
    assert first["html"].count("<tr ") == ROWS


async def test_a_burst_is_one_message_of_the_newest():
    async with watching(await administrator()) as socket:
        await socket.receive_json_from()
        for number in range(500):
            live.publish([usage_row(request_id=f"req_{number}", status=200)])
        told = await socket.receive_json_from()
        assert [each["request_id"] for each in told["requests"]] == [
            f"req_{n}" for n in range(499, 499 - ROWS, -1)
        ]
        assert await socket.receive_nothing(0.1)


async def test_two_pages_are_told_and_each_may_leave():
    cookie = await administrator()
    async with watching(cookie) as one:
        async with watching(cookie) as two:
            for socket in (one, two):
                await socket.receive_json_from()
            live.publish([usage_row(request_id="req_1", status=200)])
            for socket in (one, two):
                assert (await socket.receive_json_from())["requests"]
        assert live.watched
    assert not live.watched


async def refused(socket: WebsocketCommunicator) -> bool:
    connected, code = await socket.connect()
    if connected:
        await socket.disconnect()
    return not connected and code in (1000, None)


@pytest.mark.parametrize(
    "origin", ["", "null", "https://evil.example", f"{OWN}.evil.example", "http://localhost:1"]
)
async def test_another_sites_page_is_refused(origin):
    assert await refused(knock(await administrator(), origin))


async def test_a_trusted_origin_is_welcome(settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://public.example"]
    socket = knock(await administrator(), "https://public.example")
    assert (await socket.connect())[0]
    await socket.disconnect()


async def test_who_may_not_see_requests_is_refused():
    @sync_to_async
    def sessions() -> list[str]:
        plain = User.objects.create_user("plain")
        plain.user_permissions.add(Permission.objects.get(codename="view_usagerecord"))
        guest = User.objects.create_user("guest", is_staff=True)
        gone = User.objects.create_superuser("gone")
        cookies = [session_of(user) for user in (plain, guest, gone)]
        User.objects.filter(username="gone").update(is_active=False)
        return ["", "made-up", *cookies]

    for cookie in await sessions():
        assert await refused(knock(cookie)), cookie


async def test_staff_with_the_permission_may_watch():
    @sync_to_async
    def viewer() -> str:
        user = User.objects.create_user("viewer", is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename="view_usagerecord"))
        return session_of(user)

    async with watching(await viewer()) as socket:
        assert await socket.receive_json_from()


@pytest.mark.parametrize("path", ["/", "/ws", "/ws/live/", "/ws/live/x", "/v1/responses", "/admin/"])
async def test_there_is_no_other_socket(path):
    assert await refused(knock(await administrator(), path=path))


async def test_a_session_is_looked_at_anew(monkeypatch):
    """Whoever was logged out meanwhile learns nothing more."""
    monkeypatch.setattr(consumers, "SESSION_S", -1.0)
    socket = knock(await administrator())
    assert (await socket.connect())[0]
    await socket.receive_json_from()
    live.publish([usage_row(request_id="req_1", status=200)])
    closed = await socket.receive_output()
    assert (closed["type"], closed["code"]) == ("websocket.close", consumers.EXPIRED)
    await socket.disconnect()


async def test_what_a_page_sends_is_ignored():
    async with watching(await administrator()) as socket:
        await socket.receive_json_from()
        for text in ("{", "[]", json.dumps({"type": "live.requests"})):
            await socket.send_to(text_data=text)
        await socket.send_to(bytes_data=b"\xff")
        live.publish([usage_row(request_id="req_1", status=200)])
        assert (await socket.receive_json_from())["requests"]


async def test_nobody_is_told_when_nobody_watches(monkeypatch):
    """The recorder looks at one attribute, and goes on."""
    told: list[Any] = []
    monkeypatch.setattr(Live, "publish", lambda self, rows: told.extend(rows))
    recorder = Recorder()
    await recorder.record(usage_row(request_id="req_quiet", status=200))
    assert told == []
    watcher = object()
    live.watch(watcher)
    try:
        await recorder.record(usage_row(request_id="req_told", status=200))
        await asyncio.sleep(0)
    finally:
        live.unwatch(watcher)
        recorder.close()
    assert [each.request_id for each in told] == ["req_told"]
    assert await UsageRecord.objects.filter(request_id="req_told").aexists()


async def test_a_layer_that_fails_or_hangs_hinders_nobody(monkeypatch, caplog):
    class Broken:
        async def group_send(self, group: str, message: Any) -> None:
            raise ConnectionError("gone")

    monkeypatch.setattr(module, "get_channel_layer", Broken)
    own = Live("live", ROWS, FIELDS)
    own.publish([usage_row(request_id="req_1", status=200)])
    await asyncio.sleep(0.1)
    assert "Live requests were not sent: gone" in caplog.text
    monkeypatch.setattr(module, "get_channel_layer", get_channel_layer)
    channel = await get_channel_layer().new_channel()
    await get_channel_layer().group_add(live.group, channel)
    own.publish([usage_row(request_id="req_2", status=200)])
    message = await asyncio.wait_for(get_channel_layer().receive(channel), 1)
    assert [each["request_id"] for each in message["requests"]] == ["req_2"]
    await get_channel_layer().group_discard(live.group, channel)


async def test_processes_learn_of_each_others_pages(monkeypatch):
    monkeypatch.setattr(module, "_FOLLOW_S", 0.02)
    here, there = Live("live", ROWS, FIELDS), Live("live", ROWS, FIELDS)
    tasks = [asyncio.create_task(each.follow()) for each in (here, there)]
    try:
        await asyncio.sleep(0.1)
        assert [here.watched, there.watched] == [False, False]
        here.watch(here)
        await asyncio.sleep(0.1)
        assert there.watched
        here.unwatch(here)
        await asyncio.sleep(0.2)
        assert not there.watched
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@sync_to_async
def clerk(permission: str) -> str:
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename=permission))
    return session_of(user)


async def test_the_translators_monitor_is_told_of_formats_and_of_what_was_left_out():
    socket = knock(await clerk("view_usagerecord"), path=TRANSLATIONS_PATH)
    assert (await socket.connect())[0]
    try:
        await socket.receive_json_from(timeout=10)
        assert (translations.watched, live.watched) == (True, False)
        tried = {"provider": "p", "model": "m", "status": 200, "ms": 1, "dropped": ["top_k", "<script>"]}
        translations.publish([
            usage_row(request_id="req_1", status=200, client_format="openai_chat", provider_format="gemini",
                attempts=json.dumps([tried]), account_name="mine", combo="fast")
        ])  # fmt: skip
        told = await socket.receive_json_from(timeout=10)
    finally:
        await socket.disconnect()
    assert not translations.watched
    (request,) = told["requests"]
    assert (request["client_format"], request["provider_format"]) == ("openai_chat", "gemini")
    assert request["attempts"] == [tried]
    assert "top_k, &lt;script&gt;" in told["html"]
    assert "<script>" not in told["html"]
    assert "combo fast" in told["html"]


async def test_the_monitor_is_for_those_who_may_see_requests():
    assert not (await knock(await clerk("use_translator"), path=TRANSLATIONS_PATH).connect())[0]
