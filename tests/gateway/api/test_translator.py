"""Management API of the translator, but for what it sends (tests/e2e/test_translator.py)."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from gateway.translator import samples
from gateway.translator.models import TranslatorSample
from tests.management import ManagementClient, api  # noqa: F401
from tests.usage import recorded

pytestmark = pytest.mark.django_db
CHAT = {"model": "gpt-5", "messages": [{"role": "user", "content": "Hi"}]}


def test_it_says_which_format_a_body_has(api: ManagementClient):  # noqa: F811
    assert api.ok("POST", "/api/translator/detect", {"body": CHAT}) == {
        "success": True,
        "format": "openai_chat",
    }
    stream = 'event: ping\ndata: {"type": "ping"}\n\n'
    assert api.ok("POST", "/api/translator/detect", {"body": stream})["format"] == "anthropic_messages"
    assert api.error("POST", "/api/translator/detect", {"body": {"a": 1}}) == (400, "body")
    assert api.error("POST", "/api/translator/detect", {})[0] == 400


def test_it_translates_in_one_go_or_step_by_step(api: ManagementClient):  # noqa: F811
    asked = {"sourceFormat": "openai", "targetFormat": "claude", "body": CHAT}
    done = api.ok("POST", "/api/translator/translate", {"step": "direct", **asked})
    assert set(done) == {"success", "sourceFormat", "targetFormat", "result"}
    assert (done["sourceFormat"], done["targetFormat"]) == ("openai_chat", "anthropic_messages")
    assert done["result"]["messages"] == [{"role": "user", "content": "Hi"}]
    results = [
        api.ok("POST", "/api/translator/translate", {"step": step, **asked})["result"] for step in (1, 2, "3")
    ]
    assert results[0] == CHAT
    assert results[1]["messages"][0]["parts"] == [{"is": "text", "text": "Hi"}]
    assert results[2] == done["result"]


def test_a_provider_brings_its_format_address_and_quirks(api: ManagementClient):  # noqa: F811
    asked = {"step": 4, "provider": "groq", "model": "llama-3.3-70b-versatile", "body": CHAT}
    done = api.ok("POST", "/api/translator/translate", asked)
    assert done["targetFormat"] == "openai_chat"
    assert set(done["result"]) == {"method", "url", "headers", "body"}
    assert done["result"]["body"]["model"] == "llama-3.3-70b-versatile"


def test_it_tells_what_was_lost(api: ManagementClient):  # noqa: F811
    body = {**CHAT, "logit_bias": {"1": 2}}
    done = api.ok("POST", "/api/translator/inspect", {"targetFormat": "gemini", "body": body})
    assert {"path": "logit_bias", "what": "left out"}.items() <= done["changes"][0].items()
    assert [step["number"] for step in done["steps"]] == [1, 2, 3]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"body": CHAT}, "targetFormat"),
        ({"body": CHAT, "targetFormat": "esperanto"}, "targetFormat"),
        ({"body": CHAT, "targetFormat": "gemini", "step": 5}, "step"),
        ({"body": CHAT, "targetFormat": "gemini", "kind": "reply"}, "body"),
        ({"body": '{"a": ', "targetFormat": "gemini"}, "body"),
        ({"body": 5, "targetFormat": "gemini"}, None),
        ({"body": CHAT, "provider": "groq", "connectionId": "x"}, "connectionId"),
        (
            {
                "body": {"messages": [3]},
                "sourceFormat": "openai",
                "kind": "request",
                "targetFormat": "gemini",
            },
            None,
        ),
    ],
)
def test_bad_input_is_a_400(api: ManagementClient, body, field):  # noqa: F811
    status, said = api.error("POST", "/api/translator/translate", body)
    assert status == 400
    assert field is None or said == field


def test_a_body_that_is_too_large_is_refused(api: ManagementClient):  # noqa: F811
    body = {**CHAT, "messages": [{"role": "user", "content": "x" * 5_000_000}]}
    status, _ = api.error("POST", "/api/translator/translate", {"targetFormat": "gemini", "body": body})
    assert status == 413


def test_a_body_can_be_kept_under_a_name(api: ManagementClient):  # noqa: F811
    saved = {"name": "greeting", "body": CHAT, "format": "openai_chat"}
    assert api.ok("POST", "/api/translator/save", saved) == {"success": True, "name": "greeting"}
    api.ok("POST", "/api/translator/save", {"file": "greeting", "content": "data: {}\n\n", "kind": "stream"})
    found = api.ok("GET", "/api/translator/load?name=greeting")
    assert (found["content"], found["kind"]) == ("data: {}\n\n", "stream")
    assert TranslatorSample.objects.count() == 1
    assert [each["name"] for each in api.ok("GET", "/api/translator/load")["samples"]] == ["greeting"]
    api.ok("DELETE", "/api/translator/load?name=greeting")
    assert api.error("GET", "/api/translator/load?name=greeting")[0] == 404
    assert api.error("DELETE", "/api/translator/load?name=greeting")[0] == 404
    assert api.error("POST", "/api/translator/save", {"name": "", "body": "x"})[0] == 400


def test_the_last_translations_are_listed(api: ManagementClient):  # noqa: F811
    for number in range(3):
        recorded(
            request_id=f"req_{number}",
            created_at=timezone.now(),
            status=200 if number else 503,
            endpoint="/v1/x",
            client_format="openai_chat",
            provider_format="gemini",
            provider="gemini",
            served_model="flash",
            combo="c",
            account_id=7,
            latency_ms=12,
        )
    found = api.ok("GET", "/api/translator/history?limit=2")
    assert (found["success"], found["total"], len(found["events"])) == (True, 3, 2)
    event = found["events"][0]
    timestamp = event.pop("timestamp")
    assert timestamp
    assert event == {
        "provider": "gemini", "model": "flash", "sourceFormat": "openai_chat", "targetFormat": "gemini",
        "status": "success", "statusCode": 200, "latency": 12, "endpoint": "/v1/x", "connectionId": "7",
        "comboName": "c",
    }  # fmt: skip
    assert api.error("GET", "/api/translator/history?limit=0")[0] == 400


def test_sending_needs_an_active_connection(api: ManagementClient):  # noqa: F811
    status, answer = api.call("POST", "/api/translator/send", {"provider": "groq", "body": CHAT})
    assert status == 400
    assert "No active connection" in answer["error"]["message"]
    assert api.error("POST", "/api/translator/send", {"provider": "groq", "body": {"a": 1}}) == (400, "body")
    reply = json.loads(samples.answer(samples.request("text", "gemini"), "gemini", stream=False)[1])
    assert api.error("POST", "/api/translator/send", {"provider": "groq", "body": reply}) == (400, "body")
    assert api.error("POST", "/api/translator/send", {"provider": "", "body": CHAT}) == (400, "provider")


def test_it_is_for_administrators(db):
    assert ManagementClient().call("POST", "/api/translator/detect", {"body": CHAT})[0] == 401
