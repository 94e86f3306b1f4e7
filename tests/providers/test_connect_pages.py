"""The pages that connect accounts by signing in."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse
from django.utils import timezone

from providers import catalog
from providers.models import Account, SignIn, SignInSettings
from tests.providers.oauth.conftest import VENDORS, vendor  # noqa: F401
from tests.providers.oauth.signed_in import signed_in
from tests.providers.oauth.test_sessions import browser

pytestmark = pytest.mark.django_db(transaction=True)


def page(provider: str) -> str:
    return reverse("admin:providers_catalog_connect", args=(provider,))


def text(response) -> str:
    return str(response.content.decode())


@pytest.mark.parametrize("provider", VENDORS)
def test_the_warning_and_the_state_are_shown_before_anything_else(provider, admin_client):
    spec = catalog.load()[provider]
    shown = text(admin_client.get(page(provider)))
    assert spec.terms_warning.split("'")[0] in shown
    assert spec.status.capitalize() in shown
    assert spec.status_note.split("'")[0] in shown


def test_nobody_connects_without_having_read_it(admin_client, vendor):  # noqa: F811
    vendor("claude")
    response = admin_client.post(page("claude"), {"action": "code"}, follow=True)
    assert "Confirm that you have read the warning" in text(response)
    assert not SignIn.objects.exists()


def test_a_discontinued_provider_is_offered_only_to_who_opted_in(admin_client, vendor):  # noqa: F811
    vendor("qwen")
    assert "Get a code" not in text(admin_client.get(page("qwen")))
    response = admin_client.post(page("qwen"), {"action": "device", "read": "1"}, follow=True)
    assert "sign-in settings" in text(response)
    assert not SignIn.objects.exists()
    SignInSettings(allow_discontinued=True).save()
    assert "Get a code" in text(admin_client.get(page("qwen")))
    admin_client.post(page("qwen"), {"action": "device", "read": "1"})
    assert SignIn.objects.get().user_code


def test_a_missing_secret_is_said_plainly(admin_client, settings):
    settings.GEMINI_CLI_OAUTH_CLIENT_SECRET = ""
    assert "<code>GEMINI_CLI_OAUTH_CLIENT_SECRET</code> is not set" in text(
        admin_client.get(page("gemini-cli"))
    )


def test_the_browser_goes_out_and_the_pasted_address_comes_back(admin_client, vendor):  # noqa: F811
    vendor("claude")
    response = admin_client.post(page("claude"), {"action": "manual", "read": "1"}, follow=True)
    row = SignIn.objects.get()
    assert row.verification_uri.replace("&", "&amp;") in text(response)
    address = browser(row.verification_uri)
    response = admin_client.post(
        page("claude"), {"action": "paste", "state": row.state, "pasted": address}, follow=True
    )
    assert "Connected as ada@example.com" in text(response)
    account = Account.objects.get()
    assert reverse("admin:providers_account_change", args=(account.pk,)) in text(response)


def test_a_device_code_is_shown_with_a_picture_of_the_address_and_followed(admin_client, vendor):  # noqa: F811
    app = vendor("github")
    response = admin_client.post(page("github"), {"action": "device", "read": "1"}, follow=True)
    row = SignIn.objects.get()
    assert row.user_code in text(response)
    assert "<svg" in text(response)
    progress = reverse("admin:providers_catalog_connect-progress", args=("github",))
    assert admin_client.post(progress, {"state": row.state}).json()["status"] == "pending"
    app.allow_all()
    app.interval_s = 0  # however slow or fast this machine is
    SignIn.objects.update(next_poll_at=timezone.now())
    answer = admin_client.post(progress, {"state": row.state}).json()
    assert (answer["status"], answer["message"]) == ("done", "Connected as ada")
    assert admin_client.get(progress).status_code == 404


def test_an_uploaded_file_becomes_an_account(admin_client, vendor):  # noqa: F811
    from django.core.files.uploadedfile import SimpleUploadedFile

    app = vendor("claude")
    access, refresh = app.pair()
    kept = {"claudeAiOauth": {"accessToken": access, "refreshToken": refresh, "expiresAt": 9_999_999_999_000}}
    file = SimpleUploadedFile(".credentials.json", json.dumps(kept).encode())
    response = admin_client.post(page("claude"), {"action": "upload", "read": "1", "file": file}, follow=True)
    assert Account.objects.get().refresh_token == refresh
    assert "with a refresh token" in text(response)
    assert access not in text(response)
    assert refresh not in text(response)


def test_what_a_key_store_prints_is_pasted_and_the_page_says_how_to_get_it(admin_client, vendor):  # noqa: F811
    app = vendor("claude")
    assert "security find-generic-password" in text(admin_client.get(page("claude")))
    access, refresh = app.pair()
    kept = {"claudeAiOauth": {"accessToken": access, "refreshToken": refresh, "expiresAt": 9_999_999_999_000}}
    pasted = {"action": "token", "read": "1", "token": json.dumps(kept)}
    response = admin_client.post(page("claude"), pasted, follow=True)
    assert Account.objects.get().refresh_token == refresh
    assert access not in text(response)


def test_an_account_of_these_is_not_added_with_a_key(admin_client):
    add = reverse("admin:providers_account_add")
    assert admin_client.get(f"{add}?provider=claude")["Location"] == page("claude")
    assert 'value="claude"' not in text(admin_client.get(add))


def test_an_account_tells_whose_it_is_and_how_long_its_token_lasts(admin_client, vendor):  # noqa: F811
    app = vendor("claude")
    account = signed_in(app, life_s=7300, plan="Max")
    change = reverse("admin:providers_account_change", args=(account.pk,))
    shown = text(admin_client.get(change))
    for said in ("Account ada@example.com", "Plan: Max", "The token ends in 2 h 1 min", "Renew token"):
        assert said in shown
    assert "id_api_key" not in shown
    renewed = admin_client.post(f"/admin/providers/account/{account.pk}/renew-token/", follow=True)
    assert "has a new token" in text(renewed)
    values = {"name": "Mine", "priority": "1", "is_active": "on", "quota_reserve": "0"}
    assert admin_client.post(change, values).status_code == 302
    row = Account.objects.get()
    assert (row.name, row.auth_type) == ("Mine", "oauth")
    assert row.access_token
    assert row.access_token != account.access_token


def test_one_that_needs_a_sign_in_is_on_the_home_page_and_leads_to_it(admin_client, vendor):  # noqa: F811
    app = vendor("claude")
    account = signed_in(app, sign_in_needed_at=timezone.now(), sign_in_reason="The refresh token is dead")
    again = f"{page('claude')}?account={account.pk}"
    home = text(admin_client.get("/admin/"))
    assert "1 account needs to be signed in again" in home
    assert "The refresh token is dead" in home
    assert again in home
    assert again in text(admin_client.get(reverse("admin:providers_account_change", args=(account.pk,))))
    assert f"again: {account.name}" in text(admin_client.get(again))


def test_who_may_not_add_accounts_may_not_connect_them(client, django_user_model):
    user = django_user_model.objects.create_user("staff", password="x", is_staff=True)
    client.force_login(user)
    assert client.get(page("claude")).status_code == 403


def test_there_is_no_such_page_for_providers_with_keys(admin_client):
    assert admin_client.get(page("openai")).status_code == 404
