"""Tokens that end are renewed: once, stored before they are used, and honestly given up."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError
from django.utils import timezone

from omniroute.errors import UpstreamRefused, UpstreamUnreachable
from providers.config import account_config, load
from providers.models import Account
from providers.oauth import renewal, sessions
from providers.oauth.accounts import tokens_of
from providers.tasks import renew_tokens
from tests.providers.oauth.signed_in import signed_in
from tests.vendors.framework import Reply

pytestmark = pytest.mark.django_db(transaction=True)

REFRESH = {
    "claude": "POST /v1/oauth/token",
    "codex": "POST /oauth/token",
    "gemini-cli": "POST /token",
    "github": "GET /copilot_internal/v2/token",
    "iflow": "POST /oauth/token",
    "qwen": "POST /api/v1/oauth2/token",
    "kiro": "POST /refreshToken",
}
every_vendor = pytest.mark.parametrize("provider", REFRESH)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(renewal, "PAUSES_S", (0.01, 0.02))


def renew(account: Account):
    return async_to_sync(renewal.ready)(account_config(account))


@every_vendor
def test_a_token_that_has_ended_is_renewed_and_stored(vendor, provider):
    app = vendor(provider)
    account = signed_in(app)
    config = renew(account)
    row = Account.objects.get()
    assert config.api_key == row.bearer != account.bearer
    assert config.stale_at > time.time() + 600
    assert row.last_refresh_at
    assert row.refresh_lease == ""
    if app.rotates and provider != "github":
        assert row.refresh_token in app.refresh_tokens
        assert row.refresh_token != account.refresh_token
    else:
        assert row.refresh_token == account.refresh_token


@every_vendor
def test_many_at_once_make_one_renewal(vendor, provider):
    app = vendor(provider)
    account = signed_in(app)
    app.delay_s = 0.05

    async def ask():
        return await asyncio.gather(*(renewal.ready(account_config(account)) for _ in range(50)))

    tokens = {config.api_key for config in async_to_sync(ask)()}
    assert tokens == {Account.objects.get().bearer}
    assert len(app.calls(REFRESH[provider])) == 1


@pytest.mark.parametrize("dead", [False, True], ids=["a new pair", "a refusal"])
def test_an_account_that_is_deleted_meanwhile_is_gone_and_nothing_breaks(vendor, monkeypatch, dead):
    app = vendor("claude")
    account = signed_in(app)
    if dead:
        app.kill_all()
    ask_vendor = renewal.ask_vendor

    async def and_delete(row):
        try:
            return await ask_vendor(row)
        finally:
            await Account.objects.all().adelete()

    monkeypatch.setattr(renewal, "ask_vendor", and_delete)
    with pytest.raises((UpstreamUnreachable, UpstreamRefused), match=r"gone|signed in again"):
        renew(account)
    assert not Account.objects.exists()


def test_a_fresh_token_is_left_alone(vendor):
    app = vendor("claude")
    account = signed_in(app, life_s=3600)
    assert not renewal.is_stale(account_config(account))


def test_who_planned_with_the_old_token_gets_the_new_one_without_another_renewal(vendor):
    app = vendor("claude")
    account = signed_in(app)
    old = account_config(account)
    first = async_to_sync(renewal.renewed)(old)
    renewal._newest.clear()  # as another process
    assert async_to_sync(renewal.renewed)(old).api_key == first.api_key
    assert len(app.calls(REFRESH["claude"])) == 1


@pytest.mark.parametrize("provider", ["claude", "codex", "qwen", "kiro", "gemini-cli", "iflow"])
def test_a_dead_refresh_token_takes_the_account_out_and_says_why(vendor, provider):
    app = vendor(provider)
    account = signed_in(app)
    app.kill_all()
    with pytest.raises(UpstreamRefused) as caught:
        renew(account)
    assert caught.value.status == 503
    row = Account.objects.get()
    assert row.needs_sign_in
    assert row.sign_in_reason
    assert row.is_active
    assert load().accounts.get(provider, ()) == ()
    with pytest.raises(UpstreamRefused):
        renew(account)
    assert len(app.calls(REFRESH[provider])) == 1


def test_a_dead_github_token_and_an_account_without_copilot_need_a_sign_in(vendor):
    app = vendor("github")
    account = signed_in(app, refresh_token="ghu_dead")
    with pytest.raises(UpstreamRefused):
        renew(account)
    other = signed_in(app)
    details = {"title": "No access", "message": "Ada has no Copilot.", "url": "https://github.com/signup"}
    app.fail(REFRESH["github"], Reply(403, {"message": "See the terms", "error_details": details}))
    with pytest.raises(UpstreamRefused, match=r"Ada has no Copilot\. https://github.com/signup"):
        renew(other)


def test_a_copilot_token_lasts_as_long_as_github_says_whatever_its_clock_shows(vendor):
    app = vendor("github")
    minted = {"token": "tid=1", "expires_at": int(time.time()) - 9000, "refresh_in": 1500}
    app.fail(REFRESH["github"], Reply(200, minted))
    renew(signed_in(app))
    ends = Account.objects.get().expires_at
    assert ends
    assert 1500 < (ends - timezone.now()).total_seconds() <= 1560


def test_a_rate_limit_of_github_does_not(vendor):
    app = vendor("github")
    account = signed_in(app)
    app.fail(REFRESH["github"], Reply(403, {"message": "API rate limit exceeded for user"}))
    with pytest.raises(UpstreamUnreachable):
        renew(account)
    assert not Account.objects.get().needs_sign_in


@pytest.mark.parametrize(
    "body",
    [
        {"error": "invalid_grant"},
        {"error": {"code": "refresh_token_reused", "message": "x"}},
        {"error": {"message": '{"error": {"type": "refresh_token_expired"}}'}},
        [{"error": {"code": "refresh_token_invalidated"}}],
        {"detail": '{"code": "invalid_token"}'},
    ],
)
def test_what_cannot_be_undone_is_found_however_deep_it_is_wrapped(vendor, body):
    app = vendor("claude")
    account = signed_in(app)
    app.fail(REFRESH["claude"], Reply(400, body))
    with pytest.raises(UpstreamRefused):
        renew(account)
    assert Account.objects.get().needs_sign_in


@pytest.mark.parametrize("status", [500, 502, 503])
def test_what_passes_is_tried_three_times(vendor, status):
    app = vendor("claude")
    account = signed_in(app)
    app.fail(REFRESH["claude"], Reply(status, "<html>"), Reply(status, {"error": "server_error"}))
    renew(account)
    assert len(app.calls(REFRESH["claude"])) == 3


def test_after_a_429_no_process_asks_again_for_a_while(vendor):
    app = vendor("claude")
    account = signed_in(app)
    app.fail(REFRESH["claude"], Reply(429, {"error": "slow_down"}, {"retry-after": "77"}))
    for _ in range(3):
        with pytest.raises(UpstreamUnreachable):
            renew(account)
    assert len(app.calls(REFRESH["claude"])) == 1
    row = Account.objects.get()
    assert not row.needs_sign_in
    assert row.refresh_lease_until
    assert timedelta(seconds=60) < row.refresh_lease_until - timezone.now() < timedelta(seconds=78)


def test_a_token_that_lasts_a_little_longer_is_used_while_it_cannot_be_renewed(vendor):
    app = vendor("claude")
    account = signed_in(app, life_s=30)
    app.fail(REFRESH["claude"], *(Reply(503, "") for _ in range(3)))
    assert renew(account).api_key == account.access_token


def test_without_its_database_a_renewal_fails_like_any_other_attempt(vendor, monkeypatch):
    app = vendor("claude")
    account = signed_in(app)

    def away(account: int, owner: str) -> bool:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(renewal, "_take_lease", away)
    with pytest.raises(UpstreamUnreachable, match="no database"):
        renew(account)


def test_a_new_pair_survives_a_database_that_is_busy_for_a_moment(vendor, monkeypatch):
    app = vendor("claude")
    account = signed_in(app)
    write, tries = renewal._write, []

    def busy(*arguments):
        tries.append(1)
        if len(tries) == 1:
            raise OperationalError("database is locked")
        return write(*arguments)

    monkeypatch.setattr(renewal, "_write", busy)
    assert renew(account).api_key == Account.objects.get().access_token
    assert len(app.calls(REFRESH["claude"])) == 1


def test_a_lease_whose_holder_died_ends(vendor):
    app = vendor("claude")
    past = timezone.now() - timedelta(seconds=1)
    account = signed_in(app, refresh_lease="somebody", refresh_lease_until=past)
    assert renew(account).api_key != account.access_token


def test_who_signs_in_during_a_renewal_wins(vendor):
    app = vendor("claude")
    account = signed_in(app)
    tokens = tokens_of(account)
    Account.objects.filter(pk=account.pk).update(refresh_token="rt-of-the-sign-in", access_token="at-new")
    row = renewal._write(account.pk, account.refresh_token, tokens)
    assert (row.refresh_token, row.access_token) == ("rt-of-the-sign-in", "at-new")


def test_editing_an_account_puts_no_old_token_back(vendor):
    app = vendor("claude")
    account = signed_in(app)
    renew(account)
    account.name = "Renamed"
    account.save()
    row = Account.objects.get()
    assert row.name == "Renamed"
    assert row.access_token != account.access_token


@pytest.mark.parametrize("provider", ["codex", "github"])
def test_a_clock_that_is_wrong_makes_no_renewal_with_every_request(vendor, provider):
    """Both vendors say when a token ends by their own clock."""
    app = vendor(provider)
    app.life_s = -3 * 3600
    config = renew(signed_in(app))
    assert not renewal.is_stale(config)
    renewal._newest.clear()
    assert not renewal.is_stale(account_config(Account.objects.get()))
    assert len(app.calls(REFRESH[provider])) == 1


def test_codex_renews_what_is_older_than_eight_days(vendor):
    app = vendor("codex")
    account = signed_in(app, life_s=30 * 86_400)
    for age, renewals in ((timedelta(days=7, hours=23), 0), (timedelta(days=8), 1)):
        Account.objects.filter(pk=account.pk).update(last_refresh_at=timezone.now() - age)
        renew_tokens()
        assert len(app.calls(REFRESH["codex"])) == renewals
    renew_tokens()
    assert len(app.calls(REFRESH["codex"])) == 1


def test_kiro_registers_another_client_when_aws_has_forgotten_the_first(vendor):
    app = vendor("kiro")
    account = signed_in(app, provider_data={"authMethod": "builder-id", "region": "us-east-1"})
    account.secrets = {"clientId": "forgotten", "clientSecret": "secret"}
    account.save_whole()
    renew(account)
    row = Account.objects.get()
    assert app.clients[row.secrets["clientId"]] == row.secrets["clientSecret"]
    assert row.provider_data["authMethod"] == "builder-id"


class TestJob:
    def test_it_renews_what_ends_within_the_providers_lead(self, vendor):
        app = vendor("claude")
        signed_in(app, life_s=200)
        later = signed_in(app, life_s=3600, name="later")
        paused = signed_in(app, life_s=200, name="paused", is_active=False)
        assert renew_tokens().startswith("1 renewed")
        for account in (later, paused):
            assert Account.objects.get(pk=account.pk).access_token == account.access_token

    def test_one_that_fails_does_not_stop_the_others(self, vendor):
        app = vendor("claude")
        dead = signed_in(app)
        app.kill_all()
        signed_in(app, name="alive")
        assert renew_tokens().startswith("1 renewed")
        assert Account.objects.get(pk=dead.pk).needs_sign_in

    def test_it_forgets_old_sign_ins(self, vendor):
        vendor("claude")
        from providers import catalog

        row = sessions.begin_code(catalog.load()["claude"])
        type(row).objects.update(created_at=timezone.now() - timedelta(days=2))
        assert renew_tokens().endswith("1 old sign-ins forgotten")

    def test_it_is_in_the_schedule(self):
        from django.core.management import call_command
        from django_q.models import Schedule

        call_command("migrate", verbosity=0)
        row = Schedule.objects.get(func="providers.tasks.renew_tokens")
        assert (row.schedule_type, row.minutes) == (Schedule.MINUTES, 1)
