"""Who did what, and what else the API tells of access."""

from __future__ import annotations

import getpass
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from combos.models import ModelAlias
from omniroute import audit
from omniroute.models import AuditEntry
from providers.models import Account
from tests.management import ManagementClient, api  # noqa: F401
from tests.usage import recorded

pytestmark = pytest.mark.django_db


def entries(api: ManagementClient, query: str = "") -> list[tuple[str, str, str, str]]:  # noqa: F811
    found = api.ok("GET", f"/api/compliance/audit-log{query}")
    return [(each["actor"], each["action"], each["target"], each["details"]) for each in found]


def test_calls_that_change_something_are_noted_without_their_values(api: ManagementClient):  # noqa: F811
    api.ok("GET", "/api/keys")
    made = api.ok("POST", "/api/keys", {"name": "secret-name"})
    api.error("POST", "/api/keys", {"name": ""})
    assert entries(api) == [("API key tests", "POST", "/api/keys", f"id {made['id']}, name")]
    assert api.ok("GET", "/api/compliance/audit-log")[0]["ipAddress"] == "127.0.0.1"


def test_what_a_body_is_called_makes_no_difference(api: ManagementClient):  # noqa: F811
    form = "application/x-www-form-urlencoded"  # as curl sends it
    put = api.client.put("/api/settings/system-prompt?x=1", '{"prompt": "p"}', form, headers=api.headers)
    assert put.status_code == 200
    assert entries(api) == [("API key tests", "PUT", "/api/settings/system-prompt", "x, prompt")]


def test_commands_are_noted(api: ManagementClient, capsys: pytest.CaptureFixture[str]):  # noqa: F811
    call_command("create_api_key", "ci", scope="manage")
    recorded(created_at=timezone.now(), provider="openai", served_model="gpt-4o", status=200, input_tokens=9)
    for more in (["--dry-run"], []):
        call_command("recost", "--since", "2026-01-01", *more)
    who = f"command line: {getpass.getuser()}"
    assert [entry[:3] for entry in entries(api)] == [
        (who, "recost", "1 requests"),
        (who, "added", "API key ci"),
    ]
    assert capsys.readouterr().out.split()[0] not in str(entries(api))


def test_what_is_done_in_the_admin_is_noted(api: ManagementClient, admin_user: User):  # noqa: F811
    client = Client()
    client.post(reverse("admin:login"), {"username": "admin", "password": "wrong"})
    client.post(reverse("admin:login"), {"username": "admin", "password": "password"})
    client.post(
        reverse("admin:combos_modelalias_add"),
        {"pattern": "a-*", "target": "openai/gpt-4o", "is_active": "on"},
    )
    row = ModelAlias.objects.get()
    change = reverse("admin:combos_modelalias_change", args=(row.pk,))
    client.post(change, {"pattern": "a-*", "target": "openai/gpt-5", "is_active": "on"})
    client.get(change)
    listing = reverse("admin:combos_modelalias_changelist")
    client.post(listing, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    client.post(reverse("admin:gateway_reset-all"))
    client.post(reverse("admin:logout"))
    assert not ModelAlias.objects.exists()
    assert [(actor, action) for actor, action, _, _ in reversed(entries(api))] == [
        ("admin", "failed to log in"),
        ("admin", "logged in"),
        ("admin", "added"),
        ("admin", "changed"),
        ("admin", "deleted"),
        ("admin", "delete selected"),
        ("admin", "used"),
        ("admin", "logged out"),
    ]
    assert ("admin", "changed", "model alias a-* → openai/gpt-5", "Changed target.") in entries(api)
    assert entries(api, "?action=used")[0][2] == reverse("admin:gateway_reset-all")


def test_a_long_log_is_read_in_parts_and_cut(api: ManagementClient, monkeypatch):  # noqa: F811
    for place in range(5):
        audit.note("changed", actor=f"user {place}")
    first = api.ok("GET", "/api/compliance/audit-log?limit=2")
    assert [each["actor"] for each in first] == ["user 4", "user 3"]
    rest = api.ok("GET", f"/api/compliance/audit-log?before={first[-1]['id']}")
    assert [each["actor"] for each in rest] == ["user 2", "user 1", "user 0"]
    assert [each["actor"] for each in api.ok("GET", "/api/compliance/audit-log?actor=user 3")] == ["user 3"]
    assert api.error("GET", "/api/compliance/audit-log?limit=0") == (400, "limit")
    monkeypatch.setattr(audit, "KEPT", 2)
    assert audit.prune() == 3
    assert [row.actor for row in AuditEntry.objects.all()] == ["user 4", "user 3"]


def test_the_login_cannot_be_switched_off(api: ManagementClient):  # noqa: F811
    assert api.ok("GET", "/api/settings/require-login") == {"requireLogin": True}
    assert api.ok("POST", "/api/settings/require-login", {"requireLogin": True}) == {"requireLogin": True}
    assert api.error("POST", "/api/settings/require-login", {"requireLogin": False}) == (400, "requireLogin")


def test_tokens_that_run_out_are_told(api: ManagementClient):  # noqa: F811
    now = timezone.now()
    for name, left in (("good", 60), ("soon", 5), ("over", -1)):
        expires = now + timedelta(minutes=left)
        Account.objects.create(provider="codex", name=name, auth_type="oauth", expires_at=expires)
    Account.objects.create(
        provider="codex", name="out", auth_type="oauth", sign_in_needed_at=now, sign_in_reason="revoked"
    )
    Account.objects.create(provider="openai", name="key", api_key="sk-1")
    told = api.ok("GET", "/api/token-health")
    states = {token["name"]: token["state"] for token in told["tokens"]}
    assert states == {"good": "ok", "soon": "expiring", "over": "expired", "out": "sign_in_needed"}
    assert told["summary"] == {"total": 4, "ok": 1, "expiring": 1, "expired": 1, "signInNeeded": 1}
    assert [token["reason"] for token in told["tokens"] if token["reason"]] == ["revoked"]
