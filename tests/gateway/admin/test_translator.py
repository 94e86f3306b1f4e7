"""The translator's pages: who may, what they send back, and that foreign text stays text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from billing.models import UsageSettings
from billing.usage import request_logs
from billing.usage.request_logs import LogSettings
from gateway.edge.inbound import request_id
from tests.usage import recorded

pytestmark = pytest.mark.django_db
PLAY, CHAT, BENCH, MONITOR = (
    f"/admin/gateway/translator/{mode}" for mode in ("", "chat/", "bench/", "monitor/")
)
XSS = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
BODY = {"model": "gpt-5", "messages": [{"role": "user", "content": XSS}]}


@pytest.fixture
def clerk(django_user_model, client):
    """A user of the admin without any permission but those that the test gives."""
    user = django_user_model.objects.create_user("clerk", is_staff=True)
    client.force_login(user)

    def may(*names: str) -> Client:
        user.user_permissions.set(Permission.objects.filter(codename__in=names))
        return client

    return may


def post(client: Client, path: str, body: object) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post(path, data, content_type="application/json")
    return answer.status_code, answer.json() if answer["content-type"].startswith(
        "application/json"
    ) else None


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        (PLAY, "use_translator"),
        (CHAT, "send_through_translator"),
        (BENCH, "use_translator"),
        (MONITOR, "view_usagerecord"),
    ],
)
def test_each_mode_needs_its_permission(clerk, path, needed):
    others = {"use_translator", "send_through_translator", "view_usagerecord"} - {needed}
    assert clerk(*others).get(path).status_code == 403
    assert post(clerk(*others), path, {})[0] == 403
    page = clerk(needed).get(path)
    assert page.status_code == 200
    assert b'id="translator"' in page.content
    assert Client().get(path).status_code == 302


def test_a_real_provider_needs_the_right_to_send(clerk):
    asked = {"action": "real", "model": "x/y", "formats": ["gemini"], "cases": ["text"]}
    assert post(clerk("use_translator"), BENCH, asked)[0] == 403
    assert b'id="real"' not in clerk("use_translator").get(BENCH).content
    assert post(clerk("use_translator"), PLAY, {"action": "save", "name": "x", "body": "y"})[0] == 403


def test_every_post_needs_the_csrf_token(admin_user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    for path in (PLAY, CHAT, BENCH, MONITOR):
        assert post(client, path, {})[0] == 403


def test_the_playground_translates_and_tells_what_changed(admin_client):
    status, done = post(
        admin_client,
        PLAY,
        {"kind": "request", "targetFormat": "anthropic_messages", "body": json.dumps(BODY)},
    )
    assert status == 200
    assert (done["sourceFormat"], done["targetFormat"]) == ("openai_chat", "anthropic_messages")
    assert json.loads(done["steps"][-1]["text"])["messages"][0]["content"] == XSS
    assert done["changes"][0].keys() == {"path", "what", "why"}


def test_a_mistake_is_told_with_its_place(admin_client):
    status, told = post(
        admin_client, PLAY, {"kind": "request", "targetFormat": "gemini", "body": '{\n"a" 1}'}
    )
    assert status == 400
    assert (told["error"]["line"], told["error"]["column"]) == (2, 5)


ODD = b'{"action": "cell", "body": {"a": []}, "model": [], "case": {}}'
HALF = b'{"action": "cell", "body": "\\ud800", "case": "\\ud800", "client": "gemini", "provider": "gemini"}'


@pytest.mark.parametrize("path", [PLAY, CHAT, BENCH, MONITOR])
@pytest.mark.parametrize("body", [b"", b"[]", b"nothing", ODD, HALF, b"[" * 100_000])
def test_whatever_a_script_sends_is_answered_in_words(admin_client, path, body):
    status, told = post(admin_client, path, body)
    assert status == 400
    assert told["error"]["message"]


def test_what_is_too_large_is_refused(admin_client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert post(admin_client, PLAY, {"body": "x" * 2000})[0] == 413


def test_a_body_is_kept_and_read_again(admin_client):
    assert (
        post(admin_client, PLAY, {"action": "save", "name": XSS[:50], "body": XSS, "kind": "stream"})[0]
        == 200
    )
    assert post(admin_client, PLAY, {"action": "load", "name": XSS[:50]})[1]["content"] == XSS
    assert "<script>alert(1)" not in admin_client.get(PLAY).content.decode()
    assert post(admin_client, PLAY, {"action": "load", "name": "?"})[0] == 404


@pytest.mark.parametrize("place", [UsageSettings.Place.DATABASE, UsageSettings.Place.DISK])
def test_a_logged_request_can_be_chosen(admin_client, settings, tmp_path, place):
    settings.DATA_DIR = tmp_path
    row = recorded(
        request_id=request_id(),
        created_at=timezone.now(),
        status=200,
        requested_model=XSS,
        client_format="openai_chat",
        provider_format="gemini",
        attempts=[{"model": "m", "provider": "p", "status": 200, "ms": 1, "dropped": [XSS]}],
    )
    log = {"request": {"body": BODY}, "upstream": []}
    request_logs.save([(row.request_id, log)], LogSettings(place, 1000))
    page = admin_client.get(f"{PLAY}?request={row.request_id}").content.decode()
    assert f'value="{row.request_id}"' in page
    assert "From the request log" in page
    assert "<script>alert(1)" not in page
    assert "<img src=x" not in page
    shown = admin_client.get(MONITOR).content.decode()
    assert "<script>alert(1)" not in shown
    assert "data-dropped" in shown
    assert "data-translated" in shown


def test_without_the_right_to_see_requests_none_is_offered(clerk):
    row = recorded(
        request_id=request_id(), created_at=timezone.now(), status=200, client_format="openai_chat"
    )
    request_logs.save([(row.request_id, {"request": {"body": BODY}})], LogSettings("database", 1000))
    page = clerk("use_translator").get(f"{PLAY}?request={row.request_id}").content.decode()
    assert row.request_id not in page
    assert "From the request log" not in page


def test_the_bench_answers_with_a_matrix_and_what_is_behind_a_square(admin_client):
    status, done = post(admin_client, BENCH, {"action": "run"})
    assert status == 200
    assert {cell["passed"] for cell in done["cells"]} == {True}
    asked = {
        "action": "cell",
        "case": "tools",
        "client": "gemini",
        "provider": "anthropic_messages",
        "stream": True,
    }
    status, cell = post(admin_client, BENCH, asked)
    assert (status, cell["problems"]) == (200, [])
    assert "get_weather" in cell["sent"]
    assert "functionCall" in cell["answer"]


@pytest.mark.parametrize(
    "asked",
    [
        {"model": "x/y"},
        {"model": "x/y", "text": " "},
        {"model": "x/y", "body": "{"},
        {"model": "x/y", "body": "[]"},
        {"model": "", "text": "Hi"},
        {"model": "x/y", "text": "Hi", "format": "kiro"},
        {"model": "x/y", "text": "Hi", "account": -1},
    ],
)
def test_the_chat_tester_says_what_it_needs(admin_client, asked):
    status, told = post(admin_client, CHAT, asked)
    assert status == 400
    assert told["error"]["message"]
