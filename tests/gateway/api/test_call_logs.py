from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.keys import create_api_key
from billing.models import UsageRecord
from billing.usage import finding
from providers.models import Account
from tests.management import ManagementClient, api  # noqa: F401
from tests.usage import recorded

PATH = "/api/usage/call-logs"


def made(minutes: int = 0, **values) -> UsageRecord:
    given = {"status": 200, "provider": "glm", "served_model": "glm-4.7", "requested_model": "glm/glm-4.7"}
    return recorded(created_at=timezone.now() - timedelta(minutes=minutes), **{**given, **values})


def ids(found) -> list[str]:
    return [each["id"] for each in found]


def test_a_call_log_has_the_documented_shape(api: ManagementClient):  # noqa: F811
    made(
        request_id="req_1", account_id=3, account_name="work", api_key_id=7, api_key_name="ci", combo="free",
        endpoint="/v1/messages", client_format="anthropic_messages", provider_format="openai_chat",
        latency_ms=900, input_tokens=30, output_tokens=6, cost="0.5", attempt_count=1,
        attempts=[{"provider": "glm", "status": 200, "ms": 800}],
    )  # fmt: skip
    (found,) = api.ok("GET", PATH)
    expected = {
        "id": "req_1", "method": "POST", "path": "/v1/messages", "status": 200, "model": "glm-4.7",
        "provider": "glm", "account": "work", "connectionId": "3", "duration": 900, "cost": 0.5,
        "sourceFormat": "anthropic_messages", "targetFormat": "openai_chat", "apiKeyId": "7",
        "apiKeyName": "ci", "comboName": "free", "error": None, "attempts": 1,
    }  # fmt: skip
    assert found | expected == found
    assert (found["tokens"]["in"], found["tokens"]["out"]) == (30, 6)
    detail = api.ok("GET", f"{PATH}/req_1")
    assert detail["trail"] == [{"provider": "glm", "status": 200, "ms": 800}]
    assert api.error("GET", f"{PATH}/req_2") == (404, "Request not found")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["good", "limited", "left"]),
        ("?status=ok", ["good"]),
        ("?status=error", ["limited", "left"]),
        ("?status=429", ["limited"]),
        ("?model=GLM-4", ["good", "limited"]),
        ("?provider=openai", ["left"]),
        ("?account=work", ["good"]),
        ("?account=3", ["good"]),
        ("?account=nobody", []),
        ("?apiKey=ci", ["limited"]),
        ("?combo=free", ["limited"]),
        ("?combo=true", ["limited"]),
        ("?search=quota", ["limited"]),
        ("?search=left", ["left"]),
        ("?limit=1", ["good"]),
        ("?provider=glm&status=ok&search=glm", ["good"]),
    ],
)
def test_filters(query, expected, api: ManagementClient):  # noqa: F811
    Account.objects.create(pk=3, provider="glm", name="work", api_key="k")
    key = create_api_key("ci").record
    made(request_id="good", account_id=3, account_name="work")
    made(1, request_id="limited", status=429, combo="free", api_key_id=key.pk, error_message="Quota exceeded")
    made(2, request_id="left", status=499, provider="openai", served_model="gpt-4o", requested_model="gpt-4o")
    assert ids(api.ok("GET", PATH + query)) == expected


@pytest.mark.parametrize(
    "query", ["?status=bad", "?limit=0", "?limit=1001", "?before=yesterday", "?status=999"]
)
def test_what_makes_no_sense_is_refused(query, api: ManagementClient):  # noqa: F811
    assert api.error("GET", PATH + query)[0] == 400


def test_pages_lead_to_one_another(api: ManagementClient, monkeypatch):  # noqa: F811
    monkeypatch.setattr(finding, "WINDOW", 3)
    for minutes in range(7):
        made(minutes, request_id=f"req_{minutes}")
    found: list[str] = []
    query = "?limit=2"
    while query:
        response = api.client.get(PATH + query, headers=api.headers)
        found += ids(response.json())
        query = f"?limit=2&before={response['X-Next']}" if "X-Next" in response else ""
    assert found == [f"req_{minutes}" for minutes in range(7)]


def test_attempts_through_a_proxy_are_listed_and_no_others(api: ManagementClient):  # noqa: F811
    attempt = {"provider": "glm", "model": "glm-4.7", "account": "work", "status": 200, "at": 0, "ms": 40}
    failed = {**attempt, "status": 502, "error": "proxy_failed", "message": "The proxy refused"}
    made(request_id="plain", attempts=[attempt])
    made(request_id="straight", attempts=[{**attempt, "proxy": "direct"}])
    proxies = [{**failed, "proxy": "socks5://me:…@10.0.0.9:1080"}, {**attempt, "proxy": "http://[::1]:8080"}]
    made(request_id="proxied", attempts=proxies)
    second, first = api.ok("GET", "/api/usage/proxy-logs")
    assert first["proxy"] == {"type": "socks5", "host": "10.0.0.9", "port": 1080}
    assert (first["id"], first["status"], first["error"]) == ("proxied", "error", "The proxy refused")
    assert (second["status"], second["proxy"]["host"], second["latencyMs"]) == ("success", "::1", 40)


def test_lines_of_text_by_either_name(api: ManagementClient):  # noqa: F811
    made()
    assert api.ok("GET", "/api/usage/request-logs") == api.ok("GET", "/api/usage/logs") != []
