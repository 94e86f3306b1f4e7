"""Whether a sign-in still holds, and what its vendor lists: asked of stand-ins over sockets."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync

from omniroute.errors import UpstreamRefused
from providers import catalog
from providers.listing.sync import sync
from providers.models import Account, ModelSync
from providers.oauth.check import check
from providers.validation import list_account_models
from tests.providers.oauth.signed_in import signed_in
from tests.vendors import framework, whole
from tests.vendors.framework import Reply

pytestmark = pytest.mark.django_db(transaction=True)

ASKED = {
    "claude": "GET /api/oauth/profile",
    "codex": "GET /backend-api/wham/usage",
    "gemini-cli": "POST /v1internal:loadCodeAssist",
    "github": "GET /user",
    "iflow": "GET /api/oauth/getUserInfo",
    "qwen": "GET /v1/models",
    "kiro": "POST /profiles",
}
LISTING = ("codex", "github", "kiro")
every_vendor = pytest.mark.parametrize("provider", ASKED)


@pytest.fixture
def vendor(tmp_path, settings):
    """`vendor("claude")`: sign-in, chat and quota, and a catalog that points at them."""
    settings.PROVIDERS_FILE = tmp_path / "providers.toml"
    settings.GEMINI_CLI_OAUTH_CLIENT_SECRET = settings.IFLOW_OAUTH_CLIENT_SECRET = "a-published-secret"
    apps = whole.make()
    running = []

    def start(name):
        app = apps[name]
        running.append(framework.running(app))
        running[-1].__enter__()
        settings.PROVIDERS_FILE.write_text(app.overlay)
        catalog.load.cache_clear()
        return app

    yield start
    for each in running:
        each.__exit__(None, None, None)
    catalog.load.cache_clear()


def account_of(app, **more):
    data = {"accountId": "ws-1", "resourceUrl": app.url, "authMethod": "social"}
    return signed_in(app.grants, **{"life_s": 3600, "provider_data": data, **more})


def checked(account: Account):
    return async_to_sync(check)(account, catalog.load()[account.provider])


@every_vendor
def test_a_good_sign_in_is_confirmed_by_its_vendor(vendor, provider):
    app = vendor(provider)
    assert checked(account_of(app)).valid is True
    assert len(app.calls(ASKED[provider])) == 1


@every_vendor
def test_a_token_that_is_not_accepted_is_renewed_first(vendor, provider):
    app = vendor(provider)
    account = account_of(app)
    app.forget_access()
    assert checked(account).valid is True


@every_vendor
def test_a_dead_sign_in_is_called_that(vendor, provider):
    app = vendor(provider)
    account = account_of(app)
    app.end_sign_ins()
    assert checked(account).valid is False


@every_vendor
@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_vendor_in_trouble_says_nothing_about_the_sign_in(vendor, provider, status):
    app = vendor(provider)
    account = account_of(app)
    app.fail(ASKED[provider], Reply(status, "<html>Oops</html>"))
    assert checked(account).valid is None


def test_a_page_of_the_edge_says_nothing_about_codex(vendor):
    app = vendor("codex")
    account = account_of(app)
    app.fail(ASKED["codex"], Reply(403, "<html>Just a moment</html>"))
    assert checked(account).valid is None


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (403, {"error": {"code": 403, "message": "This client is no longer supported"}}, "no longer"),
        (200, {"ineligibleTiers": [{"reasonCode": "RESTRICTED_AGE", "reasonMessage": "Too young."}]}, "Too"),
        (200, {"currentTier": {"id": "standard-tier"}}, "needs a Google Cloud project"),
    ],
)
def test_who_is_signed_in_at_google_but_not_served_is_told_so(vendor, status, answer, said):
    app = vendor("gemini-cli")
    account = account_of(app, provider_data={})
    app.fail(ASKED["gemini-cli"], Reply(status, answer))
    found = checked(account)
    assert (found.valid, said in found.message) == (False, True)


# ---- Lists of models -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ("codex", {"gpt-9-codex": ("chat", None)}),
        ("github", {"gpt-9": ("chat", 128_000), "text-embedding-9": ("embedding", None)}),
        ("kiro", {"claude-sonnet-9": ("chat", 200_000)}),
    ],
)
def test_what_the_vendor_lists_can_be_used(vendor, provider, expected):
    account = account_of(vendor(provider))
    found = {model.id: model for model in async_to_sync(list_account_models)(account)}
    assert set(found) == set(expected)
    for id, (kind, context) in expected.items():
        assert found[id].kind == kind
        assert context is None or found[id].context_window == context


def test_a_vendor_without_a_list_has_the_catalogs(vendor):
    account = account_of(vendor("claude"))
    found = async_to_sync(list_account_models)(account)
    assert [model.id for model in found] == [model.id for model in catalog.load()["claude"].models]


@pytest.mark.parametrize("provider", LISTING)
def test_a_list_that_is_not_to_be_had_is_told_without_a_secret(vendor, provider):
    app = vendor(provider)
    account = account_of(app)
    app.end_sign_ins()
    with pytest.raises(UpstreamRefused, match="not to be had") as refused:
        async_to_sync(list_account_models)(account)
    assert account.bearer not in refused.value.message


@pytest.mark.parametrize("provider", LISTING)
@pytest.mark.parametrize(
    "body", ["<html>", {"models": "none"}, {"data": {"a": 1}}, {"models": [None, 7, {}]}]
)
def test_odd_lists_are_empty_or_refused(vendor, provider, body):
    app = vendor(provider)
    account_of(app)
    routes = {"codex": "GET /backend-api/codex/models", "github": "GET /models", "kiro": "POST /profiles"}
    app.fail(routes[provider], Reply(200, body))
    (result,) = async_to_sync(sync)([provider])
    assert result.error
    assert ModelSync.objects.get().error


def test_an_ended_token_is_renewed_before_the_list_is_asked_for(vendor):
    app = vendor("codex")
    account = account_of(app, life_s=-10)
    assert [model.id for model in async_to_sync(list_account_models)(account)] == ["gpt-9-codex"]
    assert len(app.calls("POST /oauth/token")) == 1
