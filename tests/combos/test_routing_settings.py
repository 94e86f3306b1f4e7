"""Routing settings, provider rules and fallback chains: by the API and in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from combos import config
from combos.models import FallbackChain, ProviderRouting, RoutingSettings
from providers.models import ProviderNode
from tests.management import ManagementClient, api  # noqa: F401

pytestmark = pytest.mark.django_db


def test_routing_settings_are_shown_and_patched(api: ManagementClient):  # noqa: F811
    before = api.ok("GET", "/api/settings/routing")
    assert (before["accountStrategy"], before["stickyLimit"]) == ("fill_first", 3)
    assert "quota_aware" in before["accountStrategies"]
    after = api.ok(
        "PATCH",
        "/api/settings/routing",
        {
            "accountStrategy": "round-robin",
            "sessionAffinity": False,
            "errorTexts": ["Out of credits"],
            "providers": {"ds": {"accountStrategy": "p2c", "blockedModels": ["*-old"]}},
        },
    )
    assert after["providers"]["deepseek"] == {
        "accountStrategy": "p2c",
        "stickyLimit": None,
        "isBlocked": False,
        "blockedModels": ["*-old"],
    }
    made = config.load()
    assert made.order_of("openai").strategy == "round_robin"
    assert made.order_of("deepseek").strategy == "p2c"
    assert made.blocks("deepseek", "chat-OLD")
    assert (made.affinity_s, made.error_texts) == (0, ("out of credits",))
    api.ok("PATCH", "/api/settings/routing", {"providers": {"deepseek": None}})
    assert not ProviderRouting.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"accountStrategy": "best"}, "accountStrategy"),
        ({"stickyLimit": 0}, "stickyLimit"),
        ({"providers": {"nobody": {}}}, "providers"),
        ({"providers": {"ds": {"accountStrategy": "best"}}}, "accountStrategy"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_bad_routing_settings_are_refused(api: ManagementClient, body, field):  # noqa: F811
    assert api.error("PATCH", "/api/settings/routing", body) == (400, field)


def test_rules_of_a_provider_that_the_overlay_named_can_be_sent_back_and_taken_back(api: ManagementClient):  # noqa: F811
    ProviderRouting.objects.create(provider="gone", is_blocked=True, sticky_limit=2)
    shown = api.ok("GET", "/api/settings/routing")
    same = {"providers": shown["providers"], "blockedProviders": shown["blockedProviders"]}
    assert api.ok("PATCH", "/api/settings/routing", same) == shown
    assert api.ok("PATCH", "/api/settings/routing", {"providers": {"gone": None}})["providers"] == {}


NAMES = ["openai", "anthropic", "deepseek", "glm", "gemini"]
LONG: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/fallback/chains", {"name": "long", "models": [f"glm/m{number}" for number in range(5)]}),
    ("PATCH", "/api/settings/routing", {"blockedProviders": NAMES}),
    ("PATCH", "/api/settings/routing", {"providers": {name: {"stickyLimit": 2} for name in NAMES}}),
    (
        "PATCH",
        "/api/settings/combo-defaults",
        {"providerOverrides": {name: {"maxRetries": 1} for name in NAMES}},
    ),
    ("PATCH", "/api/pricing", {name: {"m": {"input": 1, "output": 1}} for name in NAMES}),
    ("PUT", "/api/settings/proxy", {"providers": dict.fromkeys(NAMES, "direct")}),
]


@pytest.mark.parametrize(("method", "path", "body"), LONG)
def test_the_configuration_is_not_read_while_writers_wait(api: ManagementClient, method, path, body):  # noqa: F811
    """It takes a while, SQLite has one writer, so everybody's usage would wait."""
    with CaptureQueriesContext(connection) as captured:
        api.ok(method, path, body)
    queries = [query["sql"] for query in captured]
    begin = next(place for place, sql in enumerate(queries) if sql.startswith("SAVEPOINT"))
    end = queries.index(f"RELEASE {queries[begin]}")
    assert end > begin + 5
    assert not [sql for sql in queries[begin:end] if 'FROM "providers_listedmodel"' in sql]


def test_rules_go_with_a_custom_provider(api: ManagementClient):  # noqa: F811
    node = ProviderNode.objects.create(prefix="local", name="Local", base_url="http://127.0.0.1:9/v1")
    api.ok("PATCH", "/api/settings/routing", {"providers": {"local": {"stickyLimit": 2}}})
    assert ProviderRouting.objects.get().provider == node.pk
    api.ok("DELETE", f"/api/provider-nodes/{node.pk}")
    assert api.ok("GET", "/api/settings/routing")["providers"] == {}


def test_blocked_providers_are_a_list(api: ManagementClient):  # noqa: F811
    api.ok("PATCH", "/api/settings/routing", {"blockedProviders": ["ds", "openai"]})
    assert config.load().blocks("openai", "anything")
    after = api.ok("PATCH", "/api/settings/routing", {"blockedProviders": ["openai"]})
    assert after["blockedProviders"] == ["openai"]


def test_combo_defaults_and_overrides_cascade(api: ManagementClient):  # noqa: F811
    assert api.ok("GET", "/api/settings/combo-defaults") == {"comboDefaults": {}, "providerOverrides": {}}
    body = {
        "comboDefaults": {"maxRetries": 1, "timeoutMs": 30_000, "hedge": "p95", "trackMetrics": True},
        "providerOverrides": {"ds": {"targetTimeoutMs": 5000}},
    }
    after = api.ok("PATCH", "/api/settings/combo-defaults", body)
    assert after == {
        "comboDefaults": {"maxRetries": 1, "targetTimeoutMs": 30_000, "hedge": "p95"},
        "providerOverrides": {"deepseek": {"targetTimeoutMs": 5000}},
    }
    made = config.load()
    assert made.defaults.max_retries == 1
    assert made.defaults.queue_depth == 20
    assert made.settings_for("deepseek", made.defaults.__class__()).target_timeout_s == 5
    gone = api.ok("PATCH", "/api/settings/combo-defaults", {"providerOverrides": {"deepseek": None}})
    assert gone["providerOverrides"] == {}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"comboDefaults": {"maxRetries": -1}}, "comboDefaults.maxRetries"),
        ({"comboDefaults": {"trackMetrics": False}}, "comboDefaults.trackMetrics"),
        ({"providerOverrides": {"ds": {"comboTimeoutMs": 5}}}, "comboTimeoutMs"),
    ],
)
def test_bad_combo_defaults_are_refused(api: ManagementClient, body, field):  # noqa: F811
    assert api.error("PATCH", "/api/settings/combo-defaults", body) == (400, field)


def test_chains_come_in_both_shapes(api: ManagementClient):  # noqa: F811
    chain = [
        {"provider": "openai", "priority": 2},
        {"provider": "ds", "priority": 1},
        {"provider": "glm", "priority": 3, "enabled": False},
    ]
    api.ok("POST", "/api/fallback/chains", {"model": "gpt-4o", "chain": chain})
    api.ok("POST", "/api/fallback/chains", {"name": "production", "models": ["glm/glm-4.7"]})
    listed = api.ok("GET", "/api/fallback/chains")
    assert listed["chains"]["gpt-4o"] == [
        {"provider": "ds", "priority": 1, "enabled": True},
        {"provider": "openai", "priority": 2, "enabled": True},
        {"provider": "glm", "priority": 3, "enabled": False},
    ]
    assert [each["name"] for each in listed["named"]] == ["gpt-4o", "production"]
    made = config.load()
    assert (made.chains, made.last_resorts) == ({"gpt-4o": ("ds", "openai")}, ("glm/glm-4.7",))
    api.ok("POST", "/api/fallback/chains", {"model": "gpt-4o", "chain": chain[:1]})
    assert FallbackChain.objects.count() == 2
    api.ok("DELETE", "/api/fallback/chains", {"model": "gpt-4o"})
    api.ok("DELETE", "/api/fallback/chains?name=production")
    assert api.error("DELETE", "/api/fallback/chains", {"name": "production"})[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        {"chain": [{"provider": "ds"}]},
        {"model": "x", "chain": []},
        {"model": "x", "chain": [{"provider": "nobody"}]},
        {"name": "x", "models": ["nobody/y"]},
    ],
)
def test_a_bad_chain_is_refused(api: ManagementClient, body):  # noqa: F811
    assert api.error("POST", "/api/fallback/chains", body)[0] == 400
    assert not FallbackChain.objects.exists()


# ---- In the admin ----------------------------------------------------------------------------------------------------


def test_the_routing_form_saves(admin_client):
    url = "/admin/combos/routingsettings/1/change/"
    form = admin_client.get(url).context["adminform"].form
    values = {name: form.initial.get(name) for name in form.fields}
    data = {name: value for name, value in values.items() if value not in (None, "", [], False)}
    answer = admin_client.post(url, {**data, "account_strategy": "p2c", "error_texts": "one\ntwo"})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    row = RoutingSettings.load()
    assert (row.account_strategy, row.error_texts) == ("p2c", ["one", "two"])
    refused = admin_client.post(url, {**data, "sticky_limit": "0"})
    assert "sticky_limit" in refused.context["adminform"].form.errors


def test_a_provider_rule_is_made(admin_client):
    data = {"provider": "openai", "blocked_models": "gpt-3*", "account_strategy": "", "hedge": ""}
    answer = admin_client.post("/admin/combos/providerrouting/add/", data)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert ProviderRouting.objects.get().blocked_models == ["gpt-3*"]
    listed = admin_client.get("/admin/combos/providerrouting/")
    assert b"1 of its models blocked" in listed.content


def test_a_chain_is_made_and_an_unknown_target_is_refused(admin_client):
    def data(*targets: str) -> dict[str, str]:
        lines = {f"entries-{n}-target": target for n, target in enumerate(targets)}
        places = {f"entries-{n}-position": "0" for n in range(len(targets))}
        places |= {f"entries-{n}-is_active": "on" for n in range(len(targets))}
        totals = {"entries-TOTAL_FORMS": str(len(targets)), "entries-INITIAL_FORMS": "0"}
        return {"name": "production", "is_active": "on", **totals, **lines, **places}

    url = "/admin/combos/fallbackchain/add/"
    assert admin_client.post(url, data("nobody/x")).status_code == 200
    assert admin_client.post(url, data()).status_code == 200
    assert admin_client.post(url, data("ds/deepseek-chat", "openai")).status_code == 302
    assert b"ds/deepseek-chat" in admin_client.get("/admin/combos/fallbackchain/").content
