"""What was read of the management API may be sent back as it is."""

from __future__ import annotations

from typing import Any

import pytest

from providers.models import Account
from tests.management import ManagementClient, api  # noqa: F401

MADE = {
    "/api/combos": {
        "name": "c",
        "models": ["openai/a", {"model": "openai/b", "weight": 3}],
        "strategy": "weighted",
    },
    "/api/keys": {"name": "laptop", "allowedModels": ["openai/a"], "expiresAt": "2099-01-01T00:00:00Z"},
    "/api/providers": {
        "provider": "openai",
        "name": "mine",
        "apiKey": "sk-secret-of-mine-0001",
        "priority": 2,
    },
    "/api/provider-nodes": {
        "name": "n",
        "prefix": "n",
        "baseUrl": "http://127.0.0.1:9/v1",
        "headers": {"x-api-key": "s"},
    },
}
WRAPPED = {"/api/providers": "connection", "/api/provider-nodes": "node"}


@pytest.mark.parametrize("path", MADE)
def test_an_object_that_is_sent_back_stays_as_it_was(api: ManagementClient, path: str):  # noqa: F811
    made = _object(path, api.ok("POST", path, MADE[path]))
    shown = _object(path, api.ok("GET", f"{path}/{made['id']}"))
    again = _object(path, api.ok("PUT", f"{path}/{made['id']}", shown))
    assert _lasting(again) == _lasting(shown)


@pytest.mark.parametrize("path", MADE)
def test_a_misspelt_field_beside_what_was_shown_is_refused(api: ManagementClient, path: str):  # noqa: F811
    made = _object(path, api.ok("POST", path, MADE[path]))
    assert api.error("PUT", f"{path}/{made['id']}", {**made, "nmae": "x"}) == (400, "nmae")


def test_a_masked_key_that_is_sent_back_keeps_the_stored_one(api: ManagementClient):  # noqa: F811
    path = "/api/providers"
    made = _object(path, api.ok("POST", path, MADE[path]))
    api.ok("PUT", f"{path}/{made['id']}", {"apiKey": made["apiKey"], "name": "renamed"})
    account = Account.objects.get()
    assert (account.name, account.api_key) == ("renamed", "sk-secret-of-mine-0001")


def test_what_cannot_be_changed_is_refused_in_a_new_object(api: ManagementClient):  # noqa: F811
    assert api.error("POST", "/api/combos", {"name": "c", "createdAt": "2026-01-01T00:00:00Z"}) == (
        400,
        "createdAt",
    )


def _object(path: str, answer: dict[str, Any]) -> dict[str, Any]:
    return answer[WRAPPED[path]] if path in WRAPPED else answer


def _lasting(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if name != "updatedAt"}
