from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from billing.keys import create_api_key
from billing.models import ApiKey
from resilience.lockout import lockouts
from tests.management import ManagementClient, api  # noqa: F401

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
LOGIN = "/api/auth/login"


@pytest.fixture(autouse=True)
def _no_failures_before_and_a_cheap_hash(settings):
    lockouts.clear()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def admin() -> User:
    return User.objects.create_superuser("admin", password=PASSWORD)


@pytest.fixture
def browser() -> ManagementClient:
    return ManagementClient()


def csrf(browser: ManagementClient) -> dict[str, str]:
    return {"X-CSRFToken": browser.client.cookies["omniroute_csrf"].value}


def test_without_credentials_nothing_is_served(browser):
    for method, path in (("GET", "/api/providers"), ("POST", "/api/keys"), ("DELETE", "/api/combos/1")):
        assert browser.call(method, path)[0] == 401


def test_a_key_of_scope_manage_opens_everything_by_either_header():
    secret = create_api_key("m", "manage").secret
    for headers in (
        {"Authorization": f"Bearer {secret}"},
        {"x-api-key": secret},
        {"authorization": f"bearer {secret}"},
    ):
        assert ManagementClient().call("POST", "/api/combos", {"name": "x"}, **headers)[0] in (201, 400)
        assert ManagementClient().call("GET", "/api/keys", **headers)[0] == 200


def test_a_key_of_scope_use_is_forbidden():
    secret = create_api_key("u", "use").secret
    for headers in ({"Authorization": f"Bearer {secret}"}, {"x-api-key": secret}):
        assert ManagementClient().call("GET", "/api/keys", **headers)[0] == 403


@pytest.mark.parametrize(
    "values", [{"is_active": False}, {"expires_at": timezone.now() - timedelta(seconds=1)}]
)
def test_a_disabled_or_expired_key_is_refused(values):
    key = create_api_key("m", "manage", **values)
    assert ManagementClient(key.secret).call("GET", "/api/keys")[0] == 401


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer wrong", "Basic YTpi", "Bearer \xff\xfe", "x"]
)
def test_a_bad_authorization_header_is_refused(header):
    assert ManagementClient().call("GET", "/api/keys", Authorization=header)[0] == 401


def test_a_wrong_key_is_refused_beside_a_good_session(admin, browser):
    browser.client.force_login(admin)
    assert browser.call("GET", "/api/keys")[0] == 200
    assert browser.call("GET", "/api/keys", Authorization="Bearer wrong")[0] == 401


def test_the_last_use_of_a_key_is_noted_once_a_minute():
    secret, key = create_api_key("m", "manage")
    ManagementClient(secret).ok("GET", "/api/keys")
    first = ApiKey.objects.get(pk=key.pk).last_used_at
    assert first
    ManagementClient(secret).ok("GET", "/api/keys")
    assert ApiKey.objects.get(pk=key.pk).last_used_at == first


def test_a_session_reads_freely_and_writes_with_the_csrf_token(admin, browser):
    status, answer = browser.call("POST", LOGIN, {"password": PASSWORD})
    assert (status, answer["success"]) == (200, True)
    assert browser.call("GET", "/api/combos")[0] == 200
    assert browser.call("POST", "/api/combos", {"name": "x"})[0] == 403
    assert browser.call("POST", "/api/combos", {"name": "x"}, **{"X-CSRFToken": "wrong"})[0] == 403
    assert browser.call("POST", "/api/combos", {"name": "x"}, **csrf(browser))[0] == 201
    assert (
        browser.call("POST", "/api/combos", {"name": "y"}, **{"X-CSRFToken": answer["csrfToken"]})[0] == 201
    )


def test_logging_out_ends_the_session(admin, browser):
    browser.call("POST", LOGIN, {"password": PASSWORD})
    assert browser.call("POST", "/api/auth/logout")[0] == 403
    assert browser.call("POST", "/api/auth/logout", **csrf(browser)) == (200, {"success": True})
    assert browser.call("GET", "/api/combos")[0] == 401


def test_a_user_without_all_rights_is_forbidden(browser):
    for name, staff in (("plain", False), ("staff", True)):
        browser.client.force_login(User.objects.create_user(name, is_staff=staff))
        assert browser.call("GET", "/api/keys")[0] == 403


def test_a_login_names_a_user_or_means_the_first_superuser(admin, browser):
    User.objects.create_superuser("other", password="another password")
    assert browser.call("POST", LOGIN, {"password": "another password"})[0] == 401
    assert browser.call("POST", LOGIN, {"password": "another password", "username": "other"})[0] == 200
    assert browser.call("POST", LOGIN, {"password": PASSWORD})[0] == 200


@pytest.mark.parametrize("body", [{"password": "wrong"}, {"password": PASSWORD, "username": "nobody"}])
def test_a_wrong_login_is_refused_and_sets_no_cookie(admin, browser, body):
    status, answer = browser.call("POST", LOGIN, body)
    assert (status, answer["error"]["code"]) == (401, "invalid_credentials")
    assert "omniroute_session" not in browser.client.cookies


def test_a_login_of_one_who_may_not_manage_is_refused(admin, browser):
    User.objects.create_user("plain", password=PASSWORD)
    assert browser.call("POST", LOGIN, {"password": PASSWORD, "username": "plain"})[0] == 401


def test_without_any_user_a_login_fails_cleanly(browser):
    assert browser.call("POST", LOGIN, {"password": PASSWORD})[0] == 401


def test_five_failures_block_the_address_and_no_other(admin):
    for _ in range(5):
        assert ManagementClient().call("POST", LOGIN, {"password": "wrong"})[0] == 401
    response = Client().post(LOGIN, {"password": PASSWORD}, content_type="application/json")
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 900
    elsewhere = ManagementClient(client=Client(REMOTE_ADDR="192.0.2.9"))
    assert elsewhere.call("POST", LOGIN, {"password": PASSWORD})[0] == 200


def test_a_success_forgets_the_failures(admin):
    for _ in range(3):
        for _ in range(4):
            assert ManagementClient().call("POST", LOGIN, {"password": "wrong"})[0] == 401
        assert ManagementClient().call("POST", LOGIN, {"password": PASSWORD})[0] == 200


def test_a_forged_forwarding_header_does_not_lift_the_block(admin):
    for _ in range(5):
        ManagementClient().call("POST", LOGIN, {"password": "wrong"})
    assert (
        ManagementClient().call("POST", LOGIN, {"password": PASSWORD}, **{"X-Forwarded-For": "192.0.2.9"})[0]
        == 429
    )


def test_another_site_cannot_spend_the_attempts(admin, browser):
    for origin in ("https://evil.example", "null", "http://testserver.evil.example"):
        assert browser.call("POST", LOGIN, {"password": "wrong"}, Origin=origin)[0] == 403
    assert browser.call("POST", LOGIN, {"password": PASSWORD}, Origin="http://testserver")[0] == 200


def test_the_form_and_the_api_share_the_attempts_of_an_address(admin, client):
    form = {"username": "admin", "password": "wrong"}
    for _ in range(3):
        assert client.post("/admin/login/", form).status_code == 200
    for _ in range(2):
        assert ManagementClient().call("POST", LOGIN, {"password": "wrong"})[0] == 401
    blocked = client.post("/admin/login/", {**form, "password": PASSWORD})
    assert blocked.status_code == 429
    assert 0 < int(blocked["Retry-After"]) <= 900
    assert "Too many failed logins from this address. Try again in 15 minutes." in blocked.content.decode()
    assert "_auth_user_id" not in client.session
    assert client.get("/admin/login/").status_code == 200
    assert ManagementClient().call("POST", LOGIN, {"password": PASSWORD})[0] == 429


def test_a_success_at_the_form_forgets_the_failures(admin, client):
    for _ in range(3):
        for _ in range(4):
            assert client.post("/admin/login/", {"username": "admin", "password": "wrong"}).status_code == 200
        assert (
            client.post("/admin/login/", {"username": "admin", "password": PASSWORD})["Location"] == "/admin/"
        )


def test_a_key_cannot_be_used_to_guess_the_administrator_s_password(admin: User, api: ManagementClient):  # noqa: F811
    body = {"currentPassword": "wrong", "newPassword": "a much better one"}
    for _ in range(5):
        assert api.error("PATCH", "/api/settings", body) == (401, "currentPassword")
    status, answer = api.call("PATCH", "/api/settings", {**body, "currentPassword": PASSWORD})
    assert (status, answer["error"]["type"]) == (429, "rate_limit_error")
    admin.refresh_from_db()
    assert admin.check_password(PASSWORD)
