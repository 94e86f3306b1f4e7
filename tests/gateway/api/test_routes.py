from __future__ import annotations

import re
from collections import Counter

import httpx
import pytest
from django.contrib.staticfiles import finders
from django.test import Client, RequestFactory
from pydantic import BaseModel

from billing.keys import create_api_key
from gateway.api.errors import server_error
from gateway.api.root import api as ninja_api
from gateway.models import GatewaySettings
from providers.models import Account
from tests.management import ManagementClient, api  # noqa: F401

ROUTES = {
    "/api/auth/login": {"post"},
    "/api/auth/logout": {"post"},
    "/api/cache": {"get", "delete"},
    "/api/cache/stats": {"get", "delete"},
    "/api/settings/cache": {"get", "put"},
    "/api/combos": {"get", "post"},
    "/api/combos/{id}": {"get", "put", "delete"},
    "/api/combos/metrics": {"get"},
    "/api/combos/test": {"post"},
    "/api/db-backups": {"get", "put", "post", "delete"},
    "/api/db-backups/export": {"get"},
    "/api/db-backups/exportAll": {"get"},
    "/api/db-backups/import": {"post"},
    "/api/fallback/chains": {"get", "post", "delete"},
    "/api/health": {"get"},
    "/api/compliance/audit-log": {"get"},
    "/api/settings/require-login": {"get", "post"},
    "/api/token-health": {"get"},
    "/api/keys": {"get", "post"},
    "/api/keys/{id}": {"get", "put", "delete"},
    "/api/models": {"get"},
    "/api/models/alias": {"get", "put", "delete"},
    "/api/models/catalog": {"get"},
    "/api/models/sync": {"post"},
    "/api/learned-quirks": {"get", "delete"},
    "/api/learned-quirks/{id}": {"patch", "delete"},
    "/api/monitoring/health": {"get"},
    "/api/oauth/{provider}/authorize": {"get"},
    "/api/oauth/{provider}/device-code": {"get"},
    "/api/oauth/{provider}/exchange": {"post"},
    "/api/oauth/{provider}/import": {"get", "post"},
    "/api/oauth/{provider}/poll": {"post"},
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
    "/api/policies": {"get", "post"},
    "/api/pricing": {"get", "post", "patch", "delete"},
    "/api/pricing/defaults": {"get"},
    "/api/pricing/models": {"get"},
    "/api/rate-limits": {"get", "post"},
    "/api/sync/cloud": {"get", "post"},
    "/api/sync/initialize": {"post"},
    "/api/resilience": {"get", "patch"},
    "/api/resilience/cooldowns": {"get"},
    "/api/resilience/model-cooldowns": {"get", "delete"},
    "/api/resilience/reset": {"post"},
    "/api/route/explain": {"post"},
    "/api/sessions": {"get"},
    "/api/settings": {"get", "patch"},
    "/api/settings/backups": {"get", "put"},
    "/api/settings/ip-filter": {"get", "put"},
    "/api/settings/combo-defaults": {"get", "patch"},
    "/api/settings/routing": {"get", "patch"},
    "/api/settings/proxy": {"get", "put", "delete"},
    "/api/settings/proxy/test": {"post"},
    "/api/cli-tools": {"get"},
    "/api/cli-tools/backups": {"get", "post"},
    "/api/cli-tools/{tool}-settings": {"get", "post", "delete"},
    "/api/settings/system-prompt": {"get", "put"},
    "/api/settings/thinking-budget": {"get", "put"},
    "/api/storage/health": {"get"},
    "/api/telemetry/summary": {"get"},
    "/api/usage/analytics": {"get"},
    "/api/usage/budget": {"get", "post", "delete"},
    "/api/usage/budget/{id}": {"delete"},
    "/api/usage/me": {"get"},
    "/api/usage/{connection_id}": {"get"},
    "/api/usage/call-logs": {"get"},
    "/api/usage/call-logs/{id}": {"get"},
    "/api/usage/export": {"get"},
    "/api/usage/history": {"get"},
    "/api/usage/logs": {"get"},
    "/api/usage/proxy-logs": {"get"},
    "/api/usage/request-logs": {"get"},
    "/api/translator/detect": {"post"},
    "/api/translator/history": {"get"},
    "/api/translator/inspect": {"post"},
    "/api/translator/load": {"delete", "get"},
    "/api/translator/save": {"post"},
    "/api/translator/send": {"post"},
    "/api/translator/translate": {"post"},
}
PUBLIC = {"/api/auth/login", "/api/health"}
SCHEMES = {"BearerKey", "HeaderKey", "AdminSession", "BearerOwnKey", "HeaderOwnKey"}
CALLS = sorted(
    (method.upper(), path.replace("{id}", "1").replace("{connection_id}", "1"))
    for path, methods in ROUTES.items()
    for method in methods
)


def test_the_openapi_document_lists_every_route():
    document = Client().get("/api/openapi.json").json()
    assert {path: set(operations) for path, operations in document["paths"].items()} == ROUTES
    assert set(document["components"]["securitySchemes"]) == SCHEMES


def test_the_openapi_document_shows_the_shape_of_errors():
    document = Client().get("/api/openapi.json").json()
    shape = document["paths"]["/api/combos"]["post"]["responses"]["4XX"]["content"]["application/json"][
        "schema"
    ]
    example = document["components"]["schemas"][shape["$ref"].rpartition("/")[2]]["example"]
    assert Client().post("/api/combos", "{}", content_type="application/json").json() == example


def test_no_two_shapes_of_the_openapi_document_share_a_name():
    shapes, seen = set[tuple[str, str]](), [BaseModel]
    while seen:
        below = seen.pop().__subclasses__()
        seen += below
        shapes |= {(shape.__name__, shape.__module__) for shape in below if ".api." in shape.__module__}
    places = Counter(name for name, _ in shapes if not name.startswith("_"))
    assert "KeyOut" in places
    assert [name for name, count in places.items() if count > 1] == []


def test_the_document_is_made_once(api: ManagementClient, monkeypatch):  # noqa: F811
    first = api.ok("GET", "/api/openapi.json")
    monkeypatch.setattr("ninja.main.get_schema", pytest.fail)
    assert api.ok("GET", "/api/openapi.json") == first
    assert {"4XX", "5XX"} <= set(first["paths"]["/api/combos"]["post"]["responses"])


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
@pytest.mark.parametrize("path", ["/api/nothing", "/api/providers/1/nothing", "/api/keys/", "/api//keys"])
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


@pytest.mark.django_db
def test_a_foreign_host_is_refused_in_json(settings):
    settings.ALLOWED_HOSTS = ["gateway.example"]
    assert ManagementClient().call("GET", "/api/health")[0] == 400
    assert b"<html" in Client().get("/admin/").content


def test_a_failure_outside_of_any_view_is_told_in_json():
    request = RequestFactory().get("/api/keys")
    assert server_error(request)["Content-Type"] == "application/json"
    assert server_error(RequestFactory().get("/admin/"))["Content-Type"].startswith("text/html")


def test_an_unexpected_failure_is_a_500_in_json_that_gives_nothing_away(api: ManagementClient, monkeypatch):  # noqa: F811
    def broken(*args: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("billing.api.keys._shown", broken)
    status, answer = api.call("GET", "/api/keys")
    assert status == 500
    assert "secret detail" not in str(answer)


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
    assert len(before) == len(fields) + 6
    assert before["hasPassword"] is False
    after = api.ok("PATCH", "/api/settings", {"idleTimeoutS": 7.5, "requireKeyForModels": True})
    assert after == before | {"idleTimeoutS": 7.5, "requireKeyForModels": True}
    assert GatewaySettings.load().idle_timeout_s == 7.5


def test_routing_settings_are_patched_there_too_in_either_spelling(api: ManagementClient):  # noqa: F811
    after = api.ok("PATCH", "/api/settings", {"fallbackStrategy": "round-robin", "stickyRoundRobinLimit": 5})
    assert (after["accountStrategy"], after["stickyLimit"]) == ("round_robin", 5)
    assert api.ok("PATCH", "/api/settings", {"blockedProviders": ["ds"]})["blockedProviders"] == ["deepseek"]
    assert api.error("PATCH", "/api/settings", {"accountStrategy": "best"}) == (400, "accountStrategy")
    assert api.error("PATCH", "/api/settings", {"blockedProviders": ["nobody"]}) == (400, "blockedProviders")


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
