"""Signing in through the management API."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from providers.models import Account, SignIn, SignInSettings
from tests.management import api  # noqa: F401
from tests.providers.oauth.conftest import vendor  # noqa: F401
from tests.providers.oauth.signed_in import signed_in
from tests.providers.oauth.test_sessions import browser

pytestmark = pytest.mark.django_db(transaction=True)


def let_time_pass() -> None:
    SignIn.objects.update(next_poll_at=timezone.now() - timedelta(seconds=1))


def test_the_browser_and_back(api, vendor):  # noqa: F811
    vendor("claude")
    begun = api.ok("GET", "/api/oauth/cc/authorize?manual=1")
    assert begun["flow"] == "code"
    assert "Anthropic reserves" in begun["termsWarning"]
    came_back = browser(begun["authUrl"])
    done = api.ok("POST", "/api/oauth/cc/exchange", {"state": begun["state"], "code": came_back})
    (connection,) = api.ok("GET", "/api/providers")["connections"]
    assert (done["status"], done["connectionId"]) == ("done", connection["id"])
    shown = (connection["authType"], connection["email"], connection["plan"], connection["signInNeeded"])
    assert shown == ("oauth", "ada@example.com", "Max", None)
    assert connection["tokenExpiresAt"]


def test_a_code_and_a_phone(api, vendor):  # noqa: F811
    app = vendor("github")
    begun = api.ok("GET", "/api/oauth/github/device-code")
    assert begun["userCode"]
    assert begun["verificationUri"].startswith(app.url)
    poll = {"state": begun["state"]}
    assert api.ok("POST", "/api/oauth/github/poll", poll)["status"] == "pending"
    app.allow_all()
    app.interval_s = 0  # however slow or fast this machine is
    let_time_pass()
    assert api.ok("POST", "/api/oauth/github/poll", poll)["status"] == "done"
    assert Account.objects.get().email == "ada"


def test_kiro_by_google(api, vendor):  # noqa: F811
    vendor("kiro")
    begun = api.ok("GET", "/api/oauth/kr/authorize?idp=Google")
    assert begun["authUrl"].split("?")[0].endswith("/signin")


def test_a_file_and_a_token(api, vendor):  # noqa: F811
    app = vendor("claude")
    access, refresh = app.pair()
    content = json.dumps(
        {"claudeAiOauth": {"accessToken": access, "refreshToken": refresh, "expiresAt": 1000}}
    )
    assert api.ok("POST", "/api/oauth/cc/import", {"content": content})["status"] == "done"
    assert Account.objects.get().refresh_token == refresh
    assert api.ok("POST", "/api/oauth/cc/import", {"token": app.pair()[0]})["status"] == "done"
    assert api.error("POST", "/api/oauth/cc/import", {"token": "hello"})[0] == 400


def test_the_gateways_own_machine(api, vendor, tmp_path, monkeypatch):  # noqa: F811
    app = vendor("claude")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert api.ok("GET", "/api/oauth/cc/import") == {
        "paths": [f"{tmp_path}/.claude/.credentials.json"],
        "found": None,
        "problem": None,
    }
    assert api.error("POST", "/api/oauth/cc/import", {})[0] == 404
    access, refresh = app.pair()
    (tmp_path / ".claude").mkdir()
    file = tmp_path / ".claude" / ".credentials.json"
    file.write_text(json.dumps({"claudeAiOauth": {"accessToken": access, "refreshToken": refresh}}))
    found = api.ok("GET", "/api/oauth/cc/import")["found"]
    assert (found["path"], found["summary"]) == (str(file), ["with a refresh token"])
    assert api.ok("POST", "/api/oauth/cc/import", {})["status"] == "done"


def test_signing_in_again_keeps_the_connection(api, vendor):  # noqa: F811
    app = vendor("claude")
    account = signed_in(app, sign_in_needed_at=timezone.now(), sign_in_reason="dead")
    begun = api.ok("GET", f"/api/oauth/claude/authorize?manual=1&connection={account.pk}")
    body = {"state": begun["state"], "code": browser(begun["authUrl"])}
    assert api.ok("POST", "/api/oauth/claude/exchange", body)["connectionId"] == str(account.pk)
    assert api.error("GET", "/api/oauth/codex/authorize?connection=1")[0] == 400


def test_what_is_discontinued_needs_an_opt_in(api, vendor):  # noqa: F811
    vendor("qwen")
    assert api.error("GET", "/api/oauth/qw/device-code")[0] == 403
    SignInSettings(allow_discontinued=True).save()
    assert api.ok("GET", "/api/oauth/qw/device-code")["userCode"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/oauth/openai/authorize", None, 404),
        ("GET", "/api/oauth/nobody/authorize", None, 404),
        ("GET", "/api/oauth/claude/device-code", None, 400),
        ("GET", "/api/oauth/codex/authorize?idp=Google", None, 400),
        ("GET", "/api/oauth/kiro/authorize?idp=Evil", None, 400),
        ("POST", "/api/oauth/claude/exchange", {"state": "x", "code": "y"}, 404),
        ("POST", "/api/oauth/claude/poll", {"state": ""}, 404),
        ("GET", "/api/oauth/kiro/device-code?region=..%2F", None, 400),
    ],
)
def test_what_cannot_be_is_refused_in_words(api, method, path, body, status):  # noqa: F811
    assert api.error(method, path, body)[0] == status


def test_an_account_with_a_sign_in_gets_no_key_and_one_with_keys_no_sign_in(api, vendor):  # noqa: F811
    account = signed_in(vendor("claude"))
    assert api.error("PUT", f"/api/providers/{account.pk}", {"apiKey": "sk-1"})[0] == 400
    assert api.error("POST", "/api/providers", {"provider": "cc", "apiKey": "sk-1", "name": "x"})[0] == 400
    assert (
        api.ok("PUT", f"/api/providers/{account.pk}", {"name": "Renamed"})["connection"]["name"] == "Renamed"
    )
    assert Account.objects.get().access_token == account.access_token


def test_trying_an_account_asks_its_vendor(api, vendor):  # noqa: F811
    app = vendor("claude")
    account = signed_in(app, life_s=3600)
    assert api.ok("POST", f"/api/providers/{account.pk}/test")["valid"] is True
    app.access_tokens.clear()
    assert api.ok("POST", f"/api/providers/{account.pk}/test")["valid"] is True
    assert Account.objects.get().access_token in app.access_tokens
    app.access_tokens.clear()
    app.kill_all()
    assert api.ok("POST", f"/api/providers/{account.pk}/test")["valid"] is False
    assert Account.objects.get().needs_sign_in
