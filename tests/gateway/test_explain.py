"""Explaining a route: by the API and on its page. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from billing.keys import create_api_key
from combos.models import Combo, ComboTarget, FallbackChain, FallbackEntry, ModelAlias
from gateway import snapshot
from providers.models import Account
from resilience.classify import RATE_LIMITED
from resilience.cooldown import cooldowns
from tests.management import ManagementClient, api  # noqa: F401

pytestmark = pytest.mark.django_db

PAGE = "/admin/gateway/route/"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    snapshot.reset()
    yield
    snapshot.reset()
    cooldowns.reset()


@pytest.fixture
def accounts() -> dict[str, Account]:
    made = {
        name: Account.objects.create(provider=provider, name=name, api_key="k", priority=priority)
        for name, provider, priority in (("one", "openai", 1), ("two", "openai", 2), ("ds", "deepseek", 1))
    }
    combo = Combo.objects.create(name="best")
    ComboTarget.objects.create(combo=combo, model="openai/gpt-4o")
    ComboTarget.objects.create(combo=combo, model="gone/model", position=1)
    ModelAlias.objects.create(pattern="fast", target="best")
    chain = FallbackChain.objects.create(name="last")
    FallbackEntry.objects.create(chain=chain, target="ds/deepseek-chat")
    return made


def test_it_tells_the_order_the_skips_and_what_is_left_out(api: ManagementClient, accounts):  # noqa: F811
    cooldowns.apply(f"account:{accounts['one'].pk}", RATE_LIMITED, 60)
    told = api.ok("POST", "/api/route/explain", {"model": "fast", "stream": True})
    assert (told["combo"], told["via"], told["error"]) == ("best", ["fast"], None)
    assert [(each["account"], each["isFallback"]) for each in told["attempts"]] == [
        ("two", False),
        ("ds", True),
    ]
    (skipped,) = told["skipped"]
    assert (skipped["account"], skipped["connectionId"]) == ("one", str(accounts["one"].pk))
    assert [each["name"] for each in told["leftOut"]] == ["gone/model"]


def test_an_ambiguous_name_is_answered_with_the_candidates(api: ManagementClient):  # noqa: F811
    from providers.models import CustomModel

    for provider in ("openai", "deepseek"):
        CustomModel.objects.create(provider=provider, model_id="shared-model")
    error = api.ok("POST", "/api/route/explain", {"model": "shared-model"})["error"]
    assert (error["errorType"], error["status"]) == ("ambiguous_model", 400)
    assert sorted(error["candidateProviders"]) == ["deepseek", "openai"]


def test_a_key_sees_what_it_may_use(api: ManagementClient, accounts):  # noqa: F811
    key = create_api_key("narrow", allowed_models=["!ds/*"]).record
    body = {"model": "best", "apiKeyId": str(key.pk)}
    told = api.ok("POST", "/api/route/explain", body)
    assert [each["account"] for each in told["attempts"]] == ["one", "two"]
    assert [each["reason"] for each in told["skipped"]] == ["blocked_for_key"]
    refused = api.ok("POST", "/api/route/explain", {**body, "model": "ds/deepseek-chat"})
    assert refused["error"]["status"] == 403
    assert api.error("POST", "/api/route/explain", {"model": "best", "apiKeyId": "x"})[0] == 400


def test_the_page_shows_it(admin_client, accounts):
    assert b"Nothing is sent" in admin_client.get(PAGE).content
    cooldowns.apply(f"account:{accounts['one'].pk}", RATE_LIMITED, 60)
    html = admin_client.get(PAGE, {"model": "fast"}).content.decode()
    assert html.index("· two") < html.index("· ds") < html.index("· one")
    assert "rate limited" in html
    unknown = admin_client.get(PAGE, {"model": "<b>nobody</b>/knows"}).content.decode()
    assert "404" in unknown
    assert "<b>nobody" not in unknown
