from __future__ import annotations

import re
import time
from datetime import timedelta

import httpx
import pytest
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from billing.keys import create_api_key
from billing.models import DailyUsage, UsageRecord
from gateway.api import api as ninja_api
from gateway.in_flight import in_flight
from gateway.models import GatewaySettings
from providers.models import Account
from tests.management import ManagementClient, api  # noqa: F401

ROUTES = {
    "/api/auth/login": {"post"},
    "/api/auth/logout": {"post"},
    "/api/combos": {"get", "post"},
    "/api/combos/{id}": {"get", "put", "delete"},
    "/api/health": {"get"},
    "/api/keys": {"get", "post"},
    "/api/keys/{id}": {"get", "put", "delete"},
    "/api/models": {"get"},
    "/api/models/alias": {"get", "put", "delete"},
    "/api/models/catalog": {"get"},
    "/api/monitoring/health": {"get"},
    "/api/provider-models": {"get", "post", "delete"},
    "/api/provider-nodes": {"get", "post"},
    "/api/provider-nodes/validate": {"post"},
    "/api/provider-nodes/{id}": {"get", "put", "delete"},
    "/api/providers": {"get", "post"},
    "/api/providers/test-batch": {"post"},
    "/api/providers/validate": {"post"},
    "/api/providers/{id}": {"get", "put", "delete"},
    "/api/providers/{id}/models": {"get"},
    "/api/providers/{id}/test": {"post"},
    "/api/settings": {"get", "patch"},
    "/api/usage/history": {"get"},
    "/api/usage/logs": {"get"},
}
PUBLIC = {"/api/auth/login", "/api/health"}
CALLS = sorted(
    (method.upper(), path.replace("{id}", "1")) for path, methods in ROUTES.items() for method in methods
)
WITH_BODY = [
    (method, path) for method, path in CALLS if method not in ("GET", "DELETE") and "logout" not in path
]


def test_the_openapi_document_lists_every_route():
    document = Client().get("/api/openapi.json").json()
    assert {path: set(operations) for path, operations in document["paths"].items()} == ROUTES
    assert set(document["components"]["securitySchemes"]) == {"BearerKey", "HeaderKey", "AdminSession"}


def test_every_route_but_the_public_ones_asks_for_credentials():
    paths = ninja_api.get_openapi_schema()["paths"]
    for path, operations in paths.items():
        for operation in operations.values():
            assert ("security" in operation) is (path not in PUBLIC), path


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_stranger_gets_401_or_a_public_answer(method, path):
    if path not in PUBLIC:
        assert ManagementClient().call(method, path, {})[0] == 401


def test_the_docs_page_needs_nothing_from_the_internet():
    page = Client().get("/api/docs").content.decode()
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert addresses
    for address in addresses:
        assert address.startswith("/static/")
        assert finders.find(address.removeprefix("/static/")), address
        assert Client().get(address).status_code == 200
    assert "//" not in re.sub(r'"/static/[^"]*"', "", page).replace("<!DOCTYPE html>", "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/api/nothing", "/api/providers/1/nothing", "/api/keys/", "/api/%00", "/api//keys"]
)
def test_an_unknown_path_is_a_404_in_json(path):
    for method in ("GET", "POST", "DELETE"):
        assert ManagementClient().call(method, path)[0] == 404


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path"), [("PATCH", "/api/keys"), ("GET", "/api/auth/login"), ("PUT", "/api/health")]
)
def test_a_wrong_method_is_a_405_in_json_that_names_the_right_ones(method, path):
    client = ManagementClient()
    assert client.call(method, path)[0] == 405
    allowed = client.client.generic(method, path)["Allow"]
    assert allowed.lower().split(", ")[0] in ROUTES[path]


BAD_BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"1",
    b"\xff\xfe",
    b'{"name": NaN}',
    b'{"name": 1e999}',
    b'{"name": "\\u0000"}',
    b'{"name": "a\\ud83d"}',
    b'{"\\ud83d": 1, "name": "x"}',
    b'{"name": ' + b"9" * 5000 + b"}",
    b"[" * 100_000,
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: repr(body[:20]))
def test_a_bad_body_is_a_400(api: ManagementClient, body):  # noqa: F811
    for path in ("/api/combos", "/api/keys", "/api/providers", "/api/provider-nodes", "/api/auth/login"):
        assert api.call("POST", path, body)[0] == 400


def test_a_body_that_is_too_large_is_a_413(api: ManagementClient, settings):  # noqa: F811
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert api.call("POST", "/api/combos", b'{"name": "' + b"x" * 1000 + b'"}')[0] == 413


NAMES = st.sampled_from(
    sorted(
        {
            name
            for schema in ninja_api.get_openapi_schema()["components"]["schemas"].values()
            for name in schema.get("properties", ())
        }
    )
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**62, max_value=2**70),
    st.floats(),
    st.text(st.characters(codec=None), max_size=20),
    st.sampled_from(
        ["openai", "glm", "node-1", "http://localhost:1/v1", "http://[", "chat", "all", "manage", "x" * 600]
    ),
)
JSON = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4)
)
BODIES = st.dictionaries(NAMES, JSON, max_size=8) | JSON


@pytest.mark.django_db
@hypothesis_settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(call=st.sampled_from(WITH_BODY), body=BODIES)
def test_no_body_breaks_a_route(api: ManagementClient, call, body):  # noqa: F811
    status, _ = api.call(*call, body)
    assert status < 500


@pytest.mark.django_db
@hypothesis_settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    call=st.sampled_from([(method, path) for method, path in CALLS if method in ("GET", "DELETE")]),
    name=st.sampled_from(["provider", "model", "alias", "range"]),
    value=st.text(st.characters(codec="utf-8"), max_size=10),
)
def test_no_query_breaks_a_route(api: ManagementClient, call, name, value):  # noqa: F811
    method, path = call
    status, _ = api.call(method, f"{path}?{httpx.QueryParams({name: value})}")
    assert status < 500


@pytest.mark.django_db
def test_health_is_public_and_tells_no_more_than_the_version():
    status, answer = ManagementClient().call("GET", "/api/health")
    assert status == 200
    assert set(answer) == {"status", "version"}
    assert answer["status"] == "ok"


def test_monitoring_shows_the_system_and_the_providers(api: ManagementClient):  # noqa: F811
    Account.objects.create(
        provider="glm", name="a", api_key="sk-secret-1234567890", test_status="invalid", last_error="401"
    )
    Account.objects.create(provider="glm", name="b", api_key="k", is_active=False)
    answer = api.ok("GET", "/api/monitoring/health")
    health = answer["providerHealth"]["glm"]
    assert (health["accounts"], health["active"], health["failing"], health["lastError"]) == (2, 1, 1, "401")
    assert answer["status"] == "degraded"
    assert answer["system"]["memoryUsage"] > 10_000_000
    assert answer["setupComplete"] is False
    assert "sk-secret" not in str(answer)


def test_settings_are_shown_and_patched(api: ManagementClient):  # noqa: F811
    before = api.ok("GET", "/api/settings")
    fields = {field.name for field in GatewaySettings._meta.get_fields()} - {"id"}
    assert len(before) == len(fields) + 3
    assert before["hasPassword"] is False
    after = api.ok("PATCH", "/api/settings", {"idleTimeoutS": 7.5, "requireKeyForModels": True})
    assert after == before | {"idleTimeoutS": 7.5, "requireKeyForModels": True}
    assert GatewaySettings.load().idle_timeout_s == 7.5


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"idleTimeoutS": 0}, "idleTimeoutS"),
        ({"nonsense": 1}, "nonsense"),
        ({"idleTimeoutS": None}, "idleTimeoutS"),
    ],
)
def test_bad_settings_are_refused(api: ManagementClient, body, field):  # noqa: F811
    assert api.error("PATCH", "/api/settings", body) == (400, field)
    assert not GatewaySettings.objects.exists()


def test_a_new_password_needs_the_current_one(api: ManagementClient, admin_user):  # noqa: F811
    body = {"currentPassword": "wrong", "newPassword": "a much better one"}
    assert api.error("PATCH", "/api/settings", body) == (401, "currentPassword")
    body["currentPassword"] = "password"
    assert api.error("PATCH", "/api/settings", {**body, "newPassword": "short"}) == (400, "newPassword")
    assert api.ok("PATCH", "/api/settings", body)["hasPassword"] is True
    admin_user.refresh_from_db()
    assert admin_user.check_password("a much better one")


def test_usage_history_has_the_documented_shape(api: ManagementClient):  # noqa: F811
    account = Account.objects.create(provider="glm", name="work", api_key="k")
    key = create_api_key("ci").record
    today = timezone.now().date()
    DailyUsage.objects.create(
        day=today,
        provider="glm",
        model="glm-4.7",
        account_id=account.pk,
        api_key_id=key.pk,
        requests=3,
        input_tokens=30,
        output_tokens=6,
        cost="0.5",
    )
    DailyUsage.objects.create(
        day=today - timedelta(days=40), provider="ds", model="m", account_id=99, requests=1
    )
    UsageRecord.objects.create(created_at=timezone.now(), status=200, input_tokens=30)
    with in_flight("glm-4.7", "glm", "work"):
        stats = api.ok("GET", "/api/usage/history")
    assert (stats["totalRequests"], stats["totalPromptTokens"], stats["totalCompletionTokens"]) == (4, 30, 6)
    assert stats["totalCost"] == 0.5
    assert stats["byProvider"]["glm"]["requests"] == 3
    assert stats["byModel"]["glm/glm-4.7"]["rawModel"] == "glm-4.7"
    assert stats["byAccount"][str(account.pk)]["accountName"] == "work"
    assert stats["byAccount"]["99"]["accountName"] == "deleted"
    assert stats["byApiKey"][str(key.pk)] | {"keyName": "ci", "cost": 0.5} == stats["byApiKey"][str(key.pk)]
    assert stats["byApiKey"]["local"]["requests"] == 1
    assert [row["requests"] for row in stats["last10Minutes"]] == [0] * 9 + [1]
    assert stats["pending"] == {"byModel": {"glm-4.7": 1}, "byAccount": {"work": 1}}
    assert stats["activeRequests"] == [{"model": "glm-4.7", "provider": "glm", "account": "work", "count": 1}]
    assert api.ok("GET", "/api/usage/history")["activeRequests"] == []
    assert api.ok("GET", "/api/usage/history?range=30d")["totalRequests"] == 3
    assert api.error("GET", "/api/usage/history?range=never") == (400, "range")


def test_usage_stays_fast_with_a_long_history(api: ManagementClient):  # noqa: F811
    now = timezone.now()
    row = {"status": 200, "provider": "p"}
    UsageRecord.objects.bulk_create(
        UsageRecord(created_at=now - timedelta(seconds=second), **row) for second in range(500)
    )
    columns = ", ".join(field.column for field in UsageRecord._meta.concrete_fields if not field.primary_key)
    table = UsageRecord._meta.db_table
    with connection.cursor() as cursor:
        while UsageRecord.objects.count() < 100_000:
            cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}")  # noqa: S608
    for path in ("/api/usage/history", "/api/usage/logs"):
        started = time.perf_counter()
        answer = api.ok("GET", path)
        assert time.perf_counter() - started < 2, path
    assert len(answer) == 200


@pytest.mark.django_db(transaction=True)
def test_a_script_of_the_9router_kind_configures_the_gateway(live_server):
    """Nodes per format, their accounts, and an account that is made anew, as routers' own tools do it."""
    upstream, key = "http://127.0.0.1:9", create_api_key("script", "manage").secret
    with httpx.Client(base_url=live_server.url, headers={"Authorization": f"Bearer {key}"}) as client:

        def call(method: str, path: str, body=None):
            response = client.request(method, path, json=body)
            assert response.status_code < 400, response.text
            return response.json()

        for number, (type_, api_type) in enumerate(
            (
                ("openai-compatible", "chat"),
                ("openai-compatible", "responses"),
                ("anthropic-compatible", None),
            )
        ):
            body = {
                "name": f"oc{number}",
                "prefix": f"oc{number}",
                "baseUrl": f"{upstream}/v1",
                "type": type_,
            }
            made = call("POST", "/api/provider-nodes", body | ({"apiType": api_type} if api_type else {}))
            account = {"provider": made["node"]["id"], "apiKey": f"sk-up-{number}", "name": f"oc{number}"}
            data = {"providerSpecificData": {"baseUrl": f"{upstream}/v1"}}
            assert call("POST", "/api/providers", account | data)["connection"]["prefix"] == f"oc{number}"
        for number in range(2):
            body = {"provider": "gemini", "apiKey": f"AIza-up-{number}", "name": "gemini"}
            data = {"providerSpecificData": {"baseUrl": f"{upstream}/v1beta"}}
            made = call("POST", "/api/providers", body | data)["connection"]
            call("DELETE", f"/api/providers/{made['id']}")
        assert call("POST", "/api/keys", {"name": "fidelity"})["key"].startswith("sk-")
    assert Account.objects.count() == 3
