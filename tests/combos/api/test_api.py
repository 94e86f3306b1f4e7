from __future__ import annotations

import pytest

from combos.models import Combo, ModelAlias
from providers.models import Account
from tests.management import ManagementClient, api  # noqa: F401

BODY = {"name": "premium-coding", "models": ["glm/glm-4.7", {"model": "ds/deepseek-chat", "weight": 3}]}


def test_a_combo_is_made_shown_and_listed(api: ManagementClient):  # noqa: F811
    status, made = api.call("POST", "/api/combos", BODY)
    assert status == 201
    assert made["name"] == "premium-coding"
    assert made["models"] == [
        "glm/glm-4.7",
        {"model": "ds/deepseek-chat", "weight": 3, "isActive": True},
    ]
    assert made["strategy"] == "priority"
    assert made["config"] == {}
    assert {"createdAt", "updatedAt"} < set(made)
    assert api.ok("GET", f"/api/combos/{made['id']}") == made
    assert api.ok("GET", "/api/combos") == {"combos": [made]}


def test_a_combo_takes_names_of_other_combos(api: ManagementClient):  # noqa: F811
    api.ok("POST", "/api/combos", BODY)
    outer = api.ok(
        "POST", "/api/combos", {"name": "team/outer", "models": ["premium-coding", "openai/gpt-4o"]}
    )
    assert outer["models"] == ["premium-coding", "openai/gpt-4o"]


def test_an_update_changes_only_what_it_names(api: ManagementClient):  # noqa: F811
    made = api.ok("POST", "/api/combos", {**BODY, "config": {"maxRetries": 2, "targetTimeoutMs": 1500}})
    changed = api.ok("PUT", f"/api/combos/{made['id']}", {"name": "renamed", "config": {"retryDelayMs": 0}})
    assert changed["models"] == made["models"]
    assert changed["config"] == {"maxRetries": 2, "retryDelayMs": 0, "targetTimeoutMs": 1500}
    emptied = api.ok("PUT", f"/api/combos/{made['id']}", {"models": [], "config": {"targetTimeoutMs": None}})
    assert emptied["models"] == []
    assert "targetTimeoutMs" not in emptied["config"]
    assert Combo.objects.get().name == "renamed"


def test_a_combo_is_deleted(api: ManagementClient):  # noqa: F811
    made = api.ok("POST", "/api/combos", BODY)
    assert api.ok("DELETE", f"/api/combos/{made['id']}") == {"success": True}
    assert api.error("GET", f"/api/combos/{made['id']}") == (404, "Combo not found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "has space"}, "name"),
        ({"name": 7}, "name"),
        ({"name": "taken"}, "name"),
        ({"name": "self", "models": ["self"]}, "models"),
        ({"name": "x", "models": "glm/glm-4.7"}, "models"),
        ({"name": "x", "models": [""]}, "models.0"),
        ({"name": "x", "models": [{"model": "a/b", "weight": -1}]}, "models.0"),
        ({"name": "x", "models": [{"model": "a/b", "weight": 2**63}]}, "models.0"),
        ({"name": "x", "config": {"queueSize": 1}}, "config.queueSize"),
        ({"name": "x", "config": {"maxRetries": -1}}, "config.maxRetries"),
        ({"name": "x", "strategy": ""}, "strategy"),
    ],
)
def test_a_bad_combo_is_refused_with_the_field_at_fault(api: ManagementClient, body, field):  # noqa: F811
    api.ok("POST", "/api/combos", {"name": "taken"})
    status, found = api.error("POST", "/api/combos", body)
    assert status == 400
    assert found.startswith(field)
    assert Combo.objects.count() == 1


def test_a_cycle_is_refused_on_update(api: ManagementClient):  # noqa: F811
    inner = api.ok("POST", "/api/combos", {"name": "inner", "models": ["glm/glm-4.7"]})
    api.ok("POST", "/api/combos", {"name": "outer", "models": ["inner"]})
    assert api.error("PUT", f"/api/combos/{inner['id']}", {"models": ["outer"]}) == (400, "models")


def test_models_are_listed_with_their_aliases(api: ManagementClient):  # noqa: F811
    api.ok("PUT", "/api/models/alias", {"alias": "cheap", "model": "ds/deepseek-chat"})
    Account.objects.create(provider="deepseek", name="a", api_key="sk-1")
    models = {model["fullModel"]: model for model in api.ok("GET", "/api/models")["models"]}
    assert models["ds/deepseek-chat"]["alias"] == "cheap"
    assert models["ds/deepseek-chat"]["available"] is True
    assert models["openai/gpt-4o"] | {"alias": None, "available": False} == models["openai/gpt-4o"]


def test_aliases_are_put_listed_and_deleted(api: ManagementClient):  # noqa: F811
    saved = api.ok("PUT", "/api/models/alias", {"alias": "claude-sonnet-*", "model": "glm/glm-4.7"})
    assert saved == {"success": True, "alias": "claude-sonnet-*", "model": "glm/glm-4.7"}
    assert api.ok("GET", "/api/models/alias") == {"aliases": {"claude-sonnet-*": "glm/glm-4.7"}}
    assert api.ok("DELETE", "/api/models/alias?alias=claude-sonnet-*") == {"success": True}
    assert api.error("DELETE", "/api/models/alias?alias=claude-sonnet-*")[0] == 404
    assert api.error("DELETE", "/api/models/alias") == (400, "alias")
    assert api.error("PUT", "/api/models/alias", {"alias": "x"}) == (400, "model")
    assert api.error("PUT", "/api/models/alias", {"alias": "x", "model": "x"}) == (400, "target")
    assert not ModelAlias.objects.exists()
