from __future__ import annotations

from typing import Any

import pytest

from gateway.simulator import Simulator
from providers.models import Account, CustomModel, ProviderNode
from tests.management import ManagementClient, api  # noqa: F401

KEY = "sk-proj-1234567890abcdef"


def account(client: ManagementClient, **body) -> dict[str, Any]:
    body = {"provider": "openai", "apiKey": KEY, "name": "work", **body}
    connection = client.ok("POST", "/api/providers", body)["connection"]
    assert isinstance(connection, dict)
    return connection


def node(client: ManagementClient, base_url: str, **body) -> dict[str, Any]:
    body = {"name": "Local", "prefix": "local", "type": "openai-compatible", "baseUrl": base_url, **body}
    made = client.ok("POST", "/api/provider-nodes", body)["node"]
    assert isinstance(made, dict)
    return made


def test_an_account_is_made_shown_and_listed(api: ManagementClient):  # noqa: F811
    body = {"provider": "openai", "apiKey": f" {KEY}\n", "name": "work", "defaultModel": "gpt-4o"}
    status, answer = api.call("POST", "/api/providers", body)
    assert status == 201
    made = answer["connection"]
    assert isinstance(made["id"], str)
    assert Account.objects.get(pk=made["id"]).api_key == KEY
    expected = {
        "provider": "openai",
        "providerName": "OpenAI",
        "authType": "apikey",
        "name": "work",
        "priority": 1,
        "isActive": True,
        "defaultModel": "gpt-4o",
        "testStatus": "untested",
        "lastError": None,
        "providerSpecificData": {},
    }
    assert made | expected == made
    assert api.ok("GET", f"/api/providers/{made['id']}") == {"connection": made}
    assert api.ok("GET", "/api/providers") == {"connections": [made]}
    assert api.ok("GET", "/api/providers?provider=glm") == {"connections": []}


def test_no_answer_holds_a_key(api: ManagementClient):  # noqa: F811
    data = {
        "refreshToken": "rt-very-secret",
        "baseUrl": "http://me:hunter2@localhost:1/v1",
        "organization": "o",
    }
    made = account(api, providerSpecificData=data)
    route = f"/api/providers/{made['id']}"
    answers = str([made, api.ok("GET", route), api.ok("GET", "/api/providers"), api.ok("PUT", route, {})])
    for secret in (KEY, "rt-very-secret", "hunter2"):
        assert secret not in answers
    api.ok("PUT", route, {"providerSpecificData": made["providerSpecificData"]})
    row = Account.objects.get()
    assert row.provider_data == {"refreshToken": "rt-very-secret", "organization": "o"}
    assert row.base_url == "http://me:hunter2@localhost:1/v1"


def test_an_account_is_found_by_its_name_or_key_and_changed(api: ManagementClient):  # noqa: F811
    first = account(api)
    assert account(api, apiKey="sk-another")["id"] == first["id"]
    assert account(api, apiKey="sk-another", name="renamed")["id"] == first["id"]
    assert account(api, apiKey="sk-third", name="third")["id"] != first["id"]
    assert Account.objects.count() == 2


def test_priorities_are_renumbered(api: ManagementClient):  # noqa: F811
    ids = [account(api, apiKey=f"sk-{name}", name=name)["id"] for name in "abc"]
    api.ok("PUT", f"/api/providers/{ids[2]}", {"priority": 1})
    listed = api.ok("GET", "/api/providers")["connections"]
    assert [(row["name"], row["priority"]) for row in listed] == [("c", 1), ("a", 2), ("b", 3)]
    api.ok("DELETE", f"/api/providers/{ids[0]}")
    listed = api.ok("GET", "/api/providers")["connections"]
    assert [(row["name"], row["priority"]) for row in listed] == [("c", 1), ("b", 2)]


def test_an_alias_names_the_provider(api: ManagementClient):  # noqa: F811
    made = account(api, provider="ds")
    assert (made["provider"], made["prefix"]) == ("deepseek", "ds")


def test_endpoint_region_and_address_are_chosen(api: ManagementClient):  # noqa: F811
    data = {"endpoint": "coding", "region": "cn", "baseUrl": "http://localhost:1/v1/chat/completions"}
    made = account(api, provider="glm", providerSpecificData=data)
    assert made["providerSpecificData"] == {**data, "baseUrl": "http://localhost:1/v1"}
    route = f"/api/providers/{made['id']}"
    changed = api.ok(
        "PUT", route, {"providerSpecificData": {"variant": "paas", "baseUrl": None, "region": ""}}
    )
    assert changed["connection"]["providerSpecificData"] == {"endpoint": "paas"}


def test_reserve_and_plan_only_are_set_and_told(api: ManagementClient):  # noqa: F811
    made = account(api)
    route = f"/api/providers/{made['id']}"
    assert (made["reservePercent"], made["planOnly"]) == (0, False)
    changed = api.ok("PUT", route, {"reservePercent": 15, "planOnly": True})["connection"]
    assert (changed["reservePercent"], changed["planOnly"]) == (15, True)
    assert Account.objects.get().quota_reserve == 15
    assert api.error("PUT", route, {"reservePercent": 101})[0] == 400


def test_an_update_changes_only_what_it_names(api: ManagementClient):  # noqa: F811
    made = account(api, defaultModel="gpt-4o")
    changed = api.ok("PUT", f"/api/providers/{made['id']}", {"isActive": False})["connection"]
    assert {name for name in changed if changed[name] != made[name]} == {"isActive", "updatedAt"}
    assert Account.objects.get().api_key == KEY


@pytest.mark.parametrize(
    ("body", "status", "found"),
    [
        ({}, 400, "provider"),
        ({"provider": "nobody", "apiKey": "k", "name": "n"}, 400, "provider"),
        ({"provider": "node-0000000000", "apiKey": "k", "name": "n"}, 404, "provider"),
        ({"provider": "openai", "name": "n"}, 400, "apiKey"),
        ({"provider": "openai", "apiKey": "", "name": "n"}, 400, "apiKey"),
        ({"provider": "openai", "apiKey": "k"}, 400, "name"),
        ({"provider": "openai", "apiKey": "k", "name": "x" * 101}, 400, "name"),
        ({"provider": "openai", "apiKey": "k", "name": "n", "priority": 0}, 400, "priority"),
        (
            {"provider": "openai", "apiKey": "k", "name": "n", "providerSpecificData": []},
            400,
            "providerSpecificData",
        ),
        (
            {
                "provider": "openai",
                "apiKey": "k",
                "name": "n",
                "providerSpecificData": {"baseUrl": "ftp://x"},
            },
            400,
            "baseUrl",
        ),
        (
            {"provider": "openai", "apiKey": "k", "name": "n", "providerSpecificData": {"region": "cn"}},
            400,
            "region",
        ),
        (
            {"provider": "glm", "apiKey": "k", "name": "n", "providerSpecificData": {"endpoint": "x"}},
            400,
            "variant",
        ),
    ],
)
def test_a_bad_account_is_refused_with_the_field_at_fault(api: ManagementClient, body, status, found):  # noqa: F811
    assert api.error("POST", "/api/providers", body) == (status, found)
    assert not Account.objects.exists()


def test_a_key_is_tried_without_being_stored(api: ManagementClient, simulator: Simulator):  # noqa: F811
    data = {"providerSpecificData": {"baseUrl": simulator.openai_url}}
    good = api.ok("POST", "/api/providers/validate", {"provider": "openai", "apiKey": KEY, **data})
    assert (good["valid"], good["error"], good["status"]) == (True, None, "valid")
    assert good["latencyMs"] >= 0
    assert simulator.requests[0].headers["authorization"] == f"Bearer {KEY}"
    simulator.behave("401")
    bad = api.ok("POST", "/api/providers/validate", {"provider": "openai", "apiKey": KEY, **data})
    assert (bad["valid"], bad["status"]) == (False, "invalid")
    assert "401" in bad["error"]
    assert KEY not in str(bad)
    assert not Account.objects.exists()


def test_an_address_where_nobody_listens_is_told_apart_from_a_bad_key(api: ManagementClient):  # noqa: F811
    data = {"providerSpecificData": {"baseUrl": "http://127.0.0.1:9/v1"}}
    answer = api.ok("POST", "/api/providers/validate", {"provider": "openai", "apiKey": KEY, **data})
    assert (answer["valid"], answer["status"]) == (False, "unreachable")
    assert answer["error"]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"apiKey": "k"}, "provider"),
        ({"provider": "openai"}, "apiKey"),
        ({"provider": "openai", "apiKey": "k", "providerSpecificData": {"baseUrl": "http://["}}, "baseUrl"),
        ({"provider": "glm", "apiKey": "k", "providerSpecificData": {"region": "moon"}}, "region"),
    ],
)
def test_a_trial_of_nonsense_is_refused(api: ManagementClient, body, found):  # noqa: F811
    assert api.error("POST", "/api/providers/validate", body) == (400, found)


@pytest.mark.django_db(transaction=True)
def test_an_account_is_tested_and_remembers_it(api: ManagementClient, simulator: Simulator):  # noqa: F811
    made = account(api, providerSpecificData={"baseUrl": simulator.openai_url})
    result = api.ok("POST", f"/api/providers/{made['id']}/test")
    assert (result["valid"], result["error"]) == (True, None)
    assert result["testedAt"]
    shown = api.ok("GET", f"/api/providers/{made['id']}")["connection"]
    assert shown["testStatus"] == "valid"
    assert shown["lastTested"]
    simulator.behave("401")
    assert api.ok("POST", f"/api/providers/{made['id']}/test")["valid"] is False
    assert api.error("POST", "/api/providers/999/test")[0] == 404


@pytest.mark.django_db(transaction=True)
def test_a_batch_tests_the_accounts_of_a_group(api: ManagementClient, simulator: Simulator):  # noqa: F811
    data = {"providerSpecificData": {"baseUrl": simulator.openai_url}}
    account(api, **data)
    account(api, provider="groq", name="g", **data)
    account(api, provider="groq", name="off", apiKey="sk-off", isActive=False, **data)
    made = node(api, simulator.openai_url)
    account(api, provider=made["id"], apiKey="", name="n")
    simulator.behave("401", key=KEY)

    def batch(**body) -> tuple[Any, list[tuple[str, bool]]]:
        answer = api.ok("POST", "/api/providers/test-batch", body)
        return answer["summary"], sorted((row["name"], row["valid"]) for row in answer["results"])

    assert batch(mode="all") == (
        {"total": 3, "passed": 1, "failed": 2},
        [("g", False), ("n", True), ("work", False)],
    )
    assert batch(mode="compatible")[1] == [("n", True)]
    assert batch(mode="apikey")[1] == [("g", False), ("work", False)]
    assert batch(mode="provider", providerId="groq")[1] == [("g", False)]
    assert batch(mode="oauth")[0]["total"] == 0
    assert api.error("POST", "/api/providers/test-batch", {"mode": "provider"}) == (400, "providerId")
    assert api.error("POST", "/api/providers/test-batch", {"mode": "some"}) == (400, "mode")


@pytest.mark.django_db(transaction=True)
def test_the_live_models_of_an_account_are_listed(api: ManagementClient, simulator: Simulator):  # noqa: F811
    made = account(api, providerSpecificData={"baseUrl": simulator.openai_url})
    answer = api.ok("GET", f"/api/providers/{made['id']}/models")
    assert (answer["provider"], answer["connectionId"]) == ("openai", made["id"])
    assert answer["models"]
    assert {"id", "name", "type"} < set(answer["models"][0])
    simulator.behave("500")
    status, error = api.call("GET", f"/api/providers/{made['id']}/models")
    assert status in (500, 502)
    assert error["error"]["code"] == "upstream_refused"


def test_a_node_is_made_changed_and_deleted_with_its_accounts(api: ManagementClient):  # noqa: F811
    made = node(api, "http://localhost:11434/v1/chat/completions", apiType="responses")
    assert made["baseUrl"] == "http://localhost:11434/v1"
    assert (made["type"], made["apiType"], made["prefix"]) == ("openai-compatible", "responses", "local")
    account(
        api, provider=made["id"], apiKey="", providerSpecificData={"baseUrl": "http://localhost:11434/v1"}
    )
    assert Account.objects.get().base_url == ""
    api.ok("POST", "/api/provider-models", {"provider": "local", "modelId": "llama3"})
    route = f"/api/provider-nodes/{made['id']}"
    changed = api.ok("PUT", route, {"baseUrl": "http://other:1/v1", "isActive": False})["node"]
    assert (changed["baseUrl"], changed["isActive"], changed["name"]) == ("http://other:1/v1", False, "Local")
    assert api.ok("GET", "/api/provider-nodes") == {"nodes": [changed]}
    assert api.ok("GET", route) == {"node": changed}
    api.ok("DELETE", route)
    assert not any(model.objects.exists() for model in (ProviderNode, Account, CustomModel))


def test_headers_of_a_node_are_masked_and_kept(api: ManagementClient):  # noqa: F811
    made = node(
        api, "http://localhost:1/v1", headers={"Authorization": "Basic c2VjcmV0", "X-Team": "research"}
    )
    assert "c2VjcmV0" not in str(made)
    assert made["headers"]["X-Team"] == "research"
    headers = {**made["headers"], "X-Team": "sales"}
    api.ok("PUT", f"/api/provider-nodes/{made['id']}", {"headers": headers})
    assert ProviderNode.objects.get().headers == {"Authorization": "Basic c2VjcmV0", "X-Team": "sales"}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"prefix": "p", "baseUrl": "http://x/v1"}, "name"),
        ({"name": "n", "baseUrl": "http://x/v1"}, "prefix"),
        ({"name": "n", "prefix": "p"}, "baseUrl"),
        ({"name": "n", "prefix": "p", "baseUrl": "x"}, "baseUrl"),
        ({"name": "n", "prefix": "p", "baseUrl": "http://[1"}, "baseUrl"),
        ({"name": "n", "prefix": "a/b", "baseUrl": "http://x/v1"}, "prefix"),
        ({"name": "n", "prefix": "OpenAI", "baseUrl": "http://x/v1"}, "prefix"),
        ({"name": "n", "prefix": "cc", "baseUrl": "http://x/v1"}, "prefix"),
        ({"name": "n", "prefix": "Taken", "baseUrl": "http://x/v1"}, "prefix"),
        ({"name": "n", "prefix": "p", "baseUrl": "http://x/v1", "type": "other"}, "type"),
        ({"name": "n", "prefix": "p", "baseUrl": "http://x/v1", "apiType": "other"}, "apiType"),
        ({"name": "n", "prefix": "p", "baseUrl": "http://x/v1", "headers": {"X": "a\r\nY: b"}}, "headers.X"),
    ],
)
def test_a_bad_node_is_refused_with_the_field_at_fault(api: ManagementClient, body, found):  # noqa: F811
    node(api, "http://localhost:1/v1", prefix="taken")
    assert api.error("POST", "/api/provider-nodes", body) == (400, found)
    assert ProviderNode.objects.count() == 1


def test_a_node_is_tried_without_being_stored(api: ManagementClient, simulator: Simulator):  # noqa: F811
    for type_, url in (
        ("openai-compatible", simulator.openai_url),
        ("anthropic-compatible", simulator.anthropic_url),
    ):
        answer = api.ok(
            "POST", "/api/provider-nodes/validate", {"baseUrl": url, "apiKey": "k", "type": type_}
        )
        assert (answer["valid"], answer["error"]) == (True, None)
    wrong = api.ok(
        "POST", "/api/provider-nodes/validate", {"baseUrl": "http://127.0.0.1:9/v1", "apiKey": "k"}
    )
    assert wrong["valid"] is False
    assert api.error("POST", "/api/provider-nodes/validate", {"baseUrl": "nonsense"}) == (400, "baseUrl")
    assert not ProviderNode.objects.exists()


def test_models_are_added_listed_and_removed_as_in_the_guide(api: ManagementClient):  # noqa: F811
    body = {"provider": "openai", "modelId": "gpt-4.5-preview", "modelName": "GPT-4.5 Preview"}
    added = api.ok("POST", "/api/provider-models", body)["model"]
    assert added | {"id": "gpt-4.5-preview", "name": "GPT-4.5 Preview"} == added
    assert api.ok("GET", "/api/provider-models?provider=openai") == {"models": [added]}
    assert api.ok("GET", "/api/provider-models") == {"models": {"openai": [added]}}
    catalog = api.ok("GET", "/api/models/catalog")["catalog"]["openai"]["models"]
    shown = {"id": "gpt-4.5-preview", "name": "GPT-4.5 Preview", "type": "chat"}
    assert {**shown, "custom": True, "available": True, "aliasOf": None} in catalog
    api.ok("POST", "/api/provider-models", {**body, "modelName": "Other"})
    assert CustomModel.objects.get().name == "Other"
    path = "/api/provider-models?provider=openai&model=gpt-4.5-preview"
    assert api.ok("DELETE", path) == {"removed": True}
    assert api.ok("DELETE", path) == {"removed": False}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, "provider"),
        ({"provider": "openai"}, "modelId"),
        ({"modelId": "x"}, "provider"),
        ({"provider": "nobody", "modelId": "x"}, "provider"),
        ({"provider": "openai", "modelId": "x" * 201}, "modelId"),
        ({"provider": "openai", "modelId": "x", "type": "video"}, "type"),
    ],
)
def test_a_bad_model_is_refused_with_the_field_at_fault(api: ManagementClient, body, found):  # noqa: F811
    status, answer = api.call("POST", "/api/provider-models", body)
    assert (status, answer["error"]["field"], answer["error"]["type"]) == (400, found, "validation_error")
    assert api.error("DELETE", "/api/provider-models?provider=openai") == (400, "model")


def test_the_catalog_groups_models_by_prefix_and_says_who_is_connected(api: ManagementClient):  # noqa: F811
    account(api, provider="deepseek")
    catalog = api.ok("GET", "/api/models/catalog")["catalog"]
    assert catalog["ds"]["provider"] == "deepseek"
    assert (catalog["ds"]["active"], catalog["openai"]["active"]) == (True, False)
    assert {"deepseek-chat"} <= {model["id"] for model in catalog["ds"]["models"]}
    (other_name,) = (model for model in catalog["gh"]["models"] if model["id"] == "claude-4.5-sonnet")
    assert other_name["aliasOf"] == "claude-sonnet-4.5"
    types = {model["type"] for provider in catalog.values() for model in provider["models"]}
    assert {"chat", "embedding", "image"} <= types
