from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from billing.keys import hash_key
from billing.models import ApiKey
from tests.management import ManagementClient, api  # noqa: F401

SOON = (datetime.now(tz=UTC) + timedelta(days=1)).isoformat()


def test_a_new_key_is_shown_once(api: ManagementClient):  # noqa: F811
    status, made = api.call("POST", "/api/keys", {"name": "cursor"})
    assert status == 201
    secret = made["key"]
    assert ApiKey.objects.get(pk=made["id"]).key_hash == hash_key(secret)
    assert (made["scope"], made["isActive"], made["expiresAt"], made["allowedModels"]) == (
        "use",
        True,
        None,
        [],
    )
    listed = api.ok("GET", "/api/keys")
    assert listed["total"] == len(listed["keys"]) == 2
    shown = next(key for key in listed["keys"] if key["id"] == made["id"])
    assert shown == api.ok("GET", f"/api/keys/{made['id']}")
    assert secret not in str(listed)
    assert shown["key"].startswith(secret[:6])
    assert "…" in shown["key"]


def test_a_key_takes_scope_expiry_and_models(api: ManagementClient):  # noqa: F811
    body = {"name": "ci", "scope": "manage", "expiresAt": SOON, "allowedModels": ["glm/*", "premium-coding"]}
    made = api.ok("POST", "/api/keys", body)
    row = ApiKey.objects.get(pk=made["id"])
    assert (row.scope, row.allowed_models) == ("manage", ["glm/*", "premium-coding"])
    assert row.expires_at == datetime.fromisoformat(SOON)


def test_a_key_is_disabled_and_changed(api: ManagementClient):  # noqa: F811
    made = api.ok("POST", "/api/keys", {"name": "ci", "expiresAt": SOON})
    changed = api.ok("PUT", f"/api/keys/{made['id']}", {"isActive": False, "allowedModels": ["a/*"]})
    assert (changed["isActive"], changed["allowedModels"]) == (False, ["a/*"])
    assert changed["expiresAt"] is not None
    assert api.ok("PUT", f"/api/keys/{made['id']}", {"expiresAt": None})["expiresAt"] is None
    assert made["key"] not in str(changed)


def test_a_limit_that_is_misspelt_is_not_left_out_in_silence(api: ManagementClient):  # noqa: F811
    made = api.ok("POST", "/api/keys", {"name": "x"})
    assert api.error("PUT", f"/api/keys/{made['id']}", {"expiresIn": "1d"}) == (400, "expiresIn")


def test_a_key_is_deleted(api: ManagementClient):  # noqa: F811
    made = api.ok("POST", "/api/keys", {"name": "ci"})
    api.ok("DELETE", f"/api/keys/{made['id']}")
    assert api.error("DELETE", f"/api/keys/{made['id']}") == (404, "API key not found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x", "scope": "root"}, "scope"),
        ({"name": "x", "expiresAt": "soon"}, "expiresAt"),
        ({"name": "x", "expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"name": "x", "expiresAt": "0001-01-01T00:00:00+14:00"}, "expiresAt"),
        ({"name": "x", "expiresAt": 1e300}, "expiresAt"),
        ({"name": "x", "allowedModels": "glm/*"}, "allowedModels"),
        ({"name": "x", "allowedModels": [1]}, "allowedModels.0"),
        ({"name": "x", "allowed_model": ["glm/*"]}, "allowed_model"),
    ],
)
def test_a_bad_key_is_refused_with_the_field_at_fault(api: ManagementClient, body, field):  # noqa: F811
    assert api.error("POST", "/api/keys", body) == (400, field)
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("id", ["0", "-1", "abc", "9" * 30, "1.5", "²", "1%0a"])
@pytest.mark.parametrize("route", ["keys", "combos", "providers", "provider-nodes"])
def test_an_id_that_is_none_is_not_found(api: ManagementClient, route, id):  # noqa: F811
    for method in ("GET", "PUT", "DELETE"):
        assert api.error(method, f"/api/{route}/{id}", {})[0] == 404


@pytest.mark.parametrize("route", ["keys", "combos", "providers", "provider-nodes"])
def test_an_address_with_a_nul_is_a_bad_request(client: Client, route: str) -> None:
    for method in ("get", "put", "delete"):
        assert getattr(client, method)(f"/api/{route}/%00").status_code == 400
