"""Every way to sign in, against stand-ins over sockets."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from providers import catalog
from providers.models import Account, SignIn
from providers.oauth import sessions
from providers.oauth.answers import SignInError
from providers.oauth.code_flow import read_callback
from tests.vendors.framework import Reply

pytestmark = pytest.mark.django_db(transaction=True)


def browser(url: str) -> str:
    """Allows at the vendor's page. Returns the address that the browser is sent back to."""
    page = httpx.get(url, trust_env=False)
    allow = page.text.partition('href="')[2].partition('"')[0]
    answer = httpx.get(httpx.URL(url).join(allow), trust_env=False)
    return answer.headers["location"]


def spec_of(provider: str):
    return catalog.load()[provider]


def come_back(row: SignIn, address: str | None = None) -> SignIn:
    address = address or browser(row.verification_uri)
    return sessions.finish(row, spec_of(row.provider), read_callback(address))


def again(row: SignIn) -> SignIn:
    """As if the vendor's interval had passed."""
    SignIn.objects.filter(pk=row.pk).update(next_poll_at=timezone.now() - timedelta(seconds=1))
    row.refresh_from_db()
    return sessions.poll(row, spec_of(row.provider))


class TestCode:
    @pytest.mark.parametrize(
        ("provider", "email", "plan"),
        [
            ("claude", "ada@example.com", "Max"),
            ("codex", "ada@example.com", "Plus"),
            ("gemini-cli", "ada@example.com", ""),
            ("iflow", "ada@example.com", ""),
        ],
    )
    def test_a_sign_in_makes_an_account(self, vendor, provider, email, plan):
        app = vendor(provider)
        row = come_back(sessions.begin_code(spec_of(provider)))
        account = Account.objects.get()
        assert (row.status, row.account) == ("done", account)
        assert (account.provider, account.auth_type, account.email) == (provider, "oauth", email)
        assert account.plan == plan
        assert account.refresh_token in app.refresh_tokens
        assert account.access_token in app.access_tokens
        assert account.expires_at
        assert account.expires_at > timezone.now() + timedelta(minutes=50)

    def test_requests_to_iflow_are_made_with_the_key_of_the_profile(self, vendor):
        app = vendor("iflow")
        come_back(sessions.begin_code(spec_of("iflow")))
        account = Account.objects.get()
        assert account.bearer == app.issued[-1]
        assert account.bearer.startswith("iflow-key-")

    def test_an_account_of_codex_knows_its_workspace(self, vendor):
        vendor("codex")
        come_back(sessions.begin_code(spec_of("codex")))
        account = Account.objects.get()
        assert account.external_id == account.provider_data["accountId"] == "ws-1"

    def test_one_email_may_have_two_workspaces(self, vendor):
        app = vendor("codex")
        come_back(sessions.begin_code(spec_of("codex")))
        app.workspace = "ws-2"
        come_back(sessions.begin_code(spec_of("codex")))
        assert set(Account.objects.values_list("external_id", flat=True)) == {"ws-1", "ws-2"}

    def test_scopes_are_separated_by_percent_20(self, vendor):
        vendor("codex")
        url = sessions.begin_code(spec_of("codex")).verification_uri
        assert "scope=openid%20profile%20email%20offline_access" in url
        assert "+" not in url

    def test_the_code_that_anthropics_page_shows_can_be_pasted(self, vendor):
        vendor("claude")
        row = sessions.begin_code(spec_of("claude"), manual=True)
        page = httpx.get(browser(row.verification_uri), trust_env=False).text
        shown = page.partition('<code id="code">')[2].partition("<")[0]
        assert come_back(row, f"  {shown}\n").status == "done"

    def test_it_works_once(self, vendor):
        vendor("claude")
        row = sessions.begin_code(spec_of("claude"))
        address = browser(row.verification_uri)
        come_back(row, address)
        with pytest.raises(SignInError, match="begin again"):
            come_back(SignIn.objects.get(), address)
        assert Account.objects.count() == 1

    def test_what_belongs_to_another_sign_in_is_refused_and_spoils_nothing(self, vendor):
        vendor("claude")
        row, other = (sessions.begin_code(spec_of("claude")) for _ in range(2))
        for address in (browser(other.verification_uri), "?error=access_denied&state=another"):
            with pytest.raises(SignInError, match="another sign-in"):
                come_back(row, address)
        assert come_back(SignIn.objects.get(pk=row.pk)).status == "done"

    def test_something_else_that_was_pasted_spoils_nothing(self, vendor):
        vendor("claude")
        row = sessions.begin_code(spec_of("claude"))
        with pytest.raises(SignInError, match="The code is not valid"):
            come_back(row, "my shopping list")
        assert come_back(SignIn.objects.get()).status == "done"

    def test_a_refusal_at_the_vendors_page_is_told(self, vendor):
        vendor("claude")
        row = sessions.begin_code(spec_of("claude"))
        row = come_back(row, f"http://localhost/callback?error=access_denied&state={row.state}")
        assert (row.status, row.message) == ("failed", "The sign-in was declined at the vendor's page")

    def test_another_refusal_is_told_in_the_vendors_words(self, vendor):
        vendor("claude")
        row = sessions.begin_code(spec_of("claude"))
        row = come_back(row, f"?error=invalid_scope&error_description=No%20such%20scope&state={row.state}")
        assert (row.status, row.message) == ("failed", "The vendor refused: No such scope")

    def test_a_vendor_that_fails_for_a_moment_takes_the_code_a_second_later(self, vendor):
        app = vendor("claude")
        row = sessions.begin_code(spec_of("claude"))
        address = browser(row.verification_uri)
        app.fail("POST /v1/oauth/token", Reply(503, "<html>"))
        with pytest.raises(SignInError, match="503"):
            come_back(row, address)
        assert come_back(SignIn.objects.get(), address).status == "done"

    def test_nobody_can_finish_what_has_expired(self, vendor):
        vendor("claude")
        row = sessions.begin_code(spec_of("claude"))
        row.expires_at = timezone.now()
        with pytest.raises(SignInError, match="begin again"):
            come_back(row)
        assert SignIn.objects.get().status == "expired"

    def test_nothing_secret_is_kept_of_a_sign_in_that_is_over(self, vendor):
        vendor("claude")
        assert sessions.begin_code(spec_of("claude")).secrets["verifier"]
        come_back(SignIn.objects.get())
        assert SignIn.objects.get().private == ""

    def test_without_the_published_secret_it_says_which_variable_is_missing(self, vendor, settings):
        vendor("gemini-cli")
        settings.GEMINI_CLI_OAUTH_CLIENT_SECRET = ""
        with pytest.raises(SignInError, match="GEMINI_CLI_OAUTH_CLIENT_SECRET is not set"):
            sessions.begin_code(spec_of("gemini-cli"))


class TestAgain:
    def test_a_dead_account_keeps_its_row(self, vendor):
        app = vendor("claude")
        first = come_back(sessions.begin_code(spec_of("claude"))).account
        Account.objects.filter(pk=first.pk).update(sign_in_needed_at=timezone.now(), sign_in_reason="dead")
        second = come_back(sessions.begin_code(spec_of("claude"), again=first)).account
        assert second.pk == first.pk
        assert not Account.objects.get().needs_sign_in
        assert Account.objects.get().refresh_token in app.refresh_tokens

    def test_somebody_elses_sign_in_leaves_the_account_alone(self, vendor):
        app = vendor("claude")
        first = come_back(sessions.begin_code(spec_of("claude"))).account
        app.user, app.organization = "bob@example.com", "another-org"
        second = come_back(sessions.begin_code(spec_of("claude"), again=first)).account
        assert second.pk != first.pk
        assert Account.objects.get(pk=first.pk).email == "ada@example.com"

    def test_who_signs_in_a_second_time_gets_no_second_account(self, vendor):
        vendor("claude")
        for _ in range(2):
            come_back(sessions.begin_code(spec_of("claude")))
        assert Account.objects.count() == 1


class TestCallback:
    def test_the_gateways_own_address_finishes_it(self, vendor):
        vendor("claude")
        row = sessions.begin_code(spec_of("claude"))
        address = httpx.URL(browser(row.verification_uri))
        response = Client().get(address.raw_path.decode())
        assert response.status_code == 200
        assert "Claude Code is connected" in response.content.decode()
        assert Account.objects.get().email == "ada@example.com"
        again = Client().get(address.raw_path.decode())
        assert (again.status_code, b"is connected" in again.content) == (200, True)

    def test_a_vendor_that_is_away_can_be_asked_again_with_the_same_code(self, vendor):
        app = vendor("claude")
        address = httpx.URL(browser(sessions.begin_code(spec_of("claude")).verification_uri))
        app.fail("POST /v1/oauth/token", Reply(503, "<html>"))
        response = Client().get(path := address.raw_path.decode())
        assert response.status_code == 400
        assert f'<a href="{escape(path)}">Try again</a>' in response.content.decode()
        assert b"is connected" in Client().get(path).content

    def test_one_that_failed_leads_back_to_the_beginning(self, vendor):
        vendor("claude")
        row = sessions.begin_code(spec_of("claude"))
        for _ in range(2):
            response = Client().get(f"/callback?error=access_denied&state={row.state}")
            assert b'<a href="/admin/providers/catalog/connect/claude/">Begin again</a>' in response.content

    def test_a_stranger_is_told_so(self):
        response = Client().get("/callback?code=x&state=y")
        assert response.status_code == 400
        assert b"not known here" in response.content

    def test_codex_comes_back_through_the_port_that_openai_knows(self, vendor):
        vendor("codex")
        row = sessions.begin_code(spec_of("codex"), home="http://127.0.0.1:20128/")
        address = browser(row.verification_uri)
        assert address.startswith(
            ("http://localhost:1455/auth/callback", "http://localhost:1457/auth/callback")
        )
        answer = httpx.get(address.replace("localhost", "127.0.0.1"), trust_env=False)
        assert answer.status_code == 302
        assert answer.headers["location"].startswith("http://127.0.0.1:20128/callback?code=")
        assert come_back(row, answer.headers["location"]).status == "done"


class TestDevice:
    @pytest.mark.parametrize("provider", ["github", "qwen", "kiro", "codex"])
    def test_it_waits_until_somebody_allows_it(self, vendor, provider):
        app = vendor(provider)
        row = sessions.begin_device(spec_of(provider))
        assert row.user_code
        assert again(row).status == "pending"
        app.allow_all()
        app.interval_s = 0
        row = again(row)
        assert row.status == "done", row.message
        account = Account.objects.get()
        assert account.access_token in app.access_tokens
        assert account.refresh_token

    def test_where_openai_gives_out_no_codes_the_browser_is_named(self, vendor):
        app = vendor("codex")
        app.fail("POST /api/accounts/deviceauth/usercode", Reply(404, "<html>"))
        with pytest.raises(SignInError, match="sign in with the browser"):
            sessions.begin_device(spec_of("codex"))

    def test_the_vendor_is_not_asked_before_its_interval_has_passed(self, vendor):
        app = vendor("github")
        row = sessions.begin_device(spec_of("github"))
        for _ in range(3):
            sessions.poll(row, spec_of("github"))
        assert app.calls("POST /login/oauth/access_token") == []

    def test_github_that_wants_it_slower_is_asked_more_slowly(self, vendor):
        vendor("github")
        row = again(sessions.begin_device(spec_of("github")))
        assert (again(row).status, again(row).interval_s >= 6) == ("pending", True)

    def test_qwen_is_asked_half_as_often_with_each_429_until_ten_seconds(self, vendor):
        app = vendor("qwen")
        row = sessions.begin_device(spec_of("qwen"))
        assert row.interval_s == 2
        app.fail("POST /api/v1/oauth2/token", *(Reply(429, {"error": "slow_down"}) for _ in range(6)))
        seen = [again(row).interval_s for _ in range(6)]
        assert seen == [3, 4.5, 6.75, 10, 10, 10]

    @pytest.mark.parametrize("provider", ["github", "qwen", "kiro"])
    def test_a_denial_and_an_expired_code_end_it(self, vendor, provider):
        app = vendor(provider)
        for answer, status in (("denied", "failed"), ("expired", "expired")):
            row = sessions.begin_device(spec_of(provider))
            for device in app.devices.values():
                device.answer = answer
            ended = again(row)
            assert ended.status in (status, "expired" if provider == "qwen" else status), ended.message
            app.devices.clear()
        assert not Account.objects.exists()

    def test_a_vendor_that_fails_for_a_moment_is_asked_again(self, vendor):
        app = vendor("kiro")
        row = sessions.begin_device(spec_of("kiro"))
        app.fail("POST /token", Reply(503, "<html>"))
        row = again(row)
        assert (row.status, "503" in row.message) == ("pending", True)
        app.allow_all()
        app.interval_s = 0
        assert again(row).status == "done"

    def test_kiro_keeps_the_client_that_aws_registered_for_it(self, vendor):
        app = vendor("kiro")
        row = sessions.begin_device(spec_of("kiro"))
        app.allow_all()
        again(row)
        account = Account.objects.get()
        assert app.clients[account.secrets["clientId"]] == account.secrets["clientSecret"]
        assert account.provider_data == {"authMethod": "builder-id", "region": "us-east-1"}
        assert account.secrets["clientSecret"] not in str(account.provider_data)

    def test_a_companys_directory_has_a_profile(self, vendor):
        app = vendor("kiro")
        app.profiles = ("arn:aws:codewhisperer:eu-central-1:1:profile/X",)
        options = {"startUrl": "https://d-1.awsapps.com/start", "region": "eu-central-1"}
        row = sessions.begin_device(spec_of("kiro"), options)
        app.allow_all()
        again(row)
        data = Account.objects.get().provider_data
        assert data == {"authMethod": "idc", "region": "eu-central-1", "profileArn": app.profiles[0]}

    @pytest.mark.parametrize("options", [{"region": "evil.example/"}, {"startUrl": "http://x"}])
    def test_what_is_no_region_and_no_portal_is_refused(self, vendor, options):
        app = vendor("kiro")
        with pytest.raises(SignInError):
            sessions.begin_device(spec_of("kiro"), options)
        assert app.asked == []

    def test_copilot_tokens_are_minted_from_the_sign_in(self, vendor):
        app = vendor("github")
        row = sessions.begin_device(spec_of("github"))
        app.allow_all()
        again(row)
        account = Account.objects.get()
        assert account.refresh_token.startswith("ghu_")
        assert account.access_token.startswith("tid=")
        assert account.provider_data["api"] == f"{app.url}/individual"
        assert account.plan == "copilot pro"


def test_kiros_google_and_github_sign_in_is_exchanged_with_what_was_chosen_at_its_page(vendor):
    vendor("kiro")
    row = sessions.begin_social(spec_of("kiro"), "Github")
    address = browser(row.verification_uri)
    assert address.startswith("http://localhost:3128/oauth/callback?login_option=github&code=")
    assert come_back(row, address).status == "done"
    account = Account.objects.get()
    assert (account.provider_data["authMethod"], account.provider_data["idp"]) == ("social", "Github")
    assert account.provider_data["profileArn"].startswith("arn:aws:")


def test_a_directorys_sign_in_at_kiros_page_is_sent_to_where_it_works(vendor):
    vendor("kiro")
    row = sessions.begin_social(spec_of("kiro"), "Google")
    with pytest.raises(SignInError, match="get a code here"):
        come_back(
            row, f"http://localhost:3128/oauth/callback?login_option=builderid&code=c&state={row.state}"
        )
    assert come_back(SignIn.objects.get()).status == "done"


def builder_id(app) -> Account:
    row = sessions.begin_device(spec_of("kiro"))
    app.allow_all()
    account = again(row).account
    assert account is not None
    return account


def test_who_signs_in_with_the_same_builder_id_gets_the_same_account(vendor):
    app = vendor("kiro")
    first = builder_id(app)
    assert first.email == "ada@example.com"
    assert builder_id(app) == first
    app.owner = "grace@example.com"
    assert builder_id(app) != first
    assert Account.objects.count() == 2


def test_a_google_sign_in_with_the_same_address_is_another_account(vendor):
    app = vendor("kiro")
    first = builder_id(app)
    assert come_back(sessions.begin_social(spec_of("kiro"), "Google")).account != first


def test_a_builder_id_that_nobody_tells_about_is_a_new_account_each_time(vendor):
    app = vendor("kiro")
    app.owner = ""
    assert builder_id(app) != builder_id(app)
