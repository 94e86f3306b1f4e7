from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from billing.keys import create_api_key, hash_key
from billing.models import ApiKey, Price
from combos.models import Combo, FallbackChain, ModelAlias, RoutingSettings
from gateway.backups import taking
from gateway.backups.taking import Outcome
from providers.models import Account, CustomModel, ProviderNode, ProxyRule
from tests.gateway.backups import older_database

pytestmark = pytest.mark.django_db


@pytest.fixture
def outcome(tmp_path: Path, settings) -> Outcome:
    settings.DATA_DIR = tmp_path
    Account.objects.create(provider="glm", name="before", api_key="k")
    Combo.objects.create(name="before")
    with taking.opened(older_database.write(tmp_path / "storage.sqlite")) as found:
        assert not found.is_ours
        assert found.counts == {"accounts": 6, "custom providers": 1, "combos": 2, "API keys": 2}
        return taking.take(found)


def test_accounts_come_with_their_credentials_in_their_order(outcome: Outcome):
    rows = Account.objects.filter(provider="groq")
    assert [(row.name, row.priority, row.is_active, row.api_key) for row in rows] == [
        ("spare", 1, False, ""),
        ("work", 2, True, older_database.SECRETS["key"]),
    ]
    assert rows[1].default_model == "llama-3.3-70b-versatile"
    assert not Account.objects.filter(name="before").exists()


def test_sign_ins_go_on(outcome: Outcome):
    codex = Account.objects.get(provider="codex")
    assert (codex.access_token, codex.refresh_token) == ("codex-access", older_database.SECRETS["refresh"])
    assert codex.expires_at.isoformat() == "2026-01-02T03:04:05+00:00"
    assert codex.provider_data == {"accountId": "ws-1"}
    github = Account.objects.get(provider="github")
    assert (github.refresh_token, github.access_token) == (older_database.SECRETS["access"], "")
    assert not github.needs_sign_in


def test_credentials_are_encrypted_anew(outcome: Outcome, django_db_blocker):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key, access_token, refresh_token FROM providers_account")
        stored = str(cursor.fetchall())
    assert not any(secret in stored for secret in older_database.SECRETS.values())


def test_custom_providers_keep_their_prefix_and_models(outcome: Outcome):
    node = ProviderNode.objects.get()
    assert (node.prefix, node.base_url) == ("lab", "http://lab.lan:8000/v1")
    assert Account.objects.get(provider=node.pk).api_key == older_database.SECRETS["node"]
    assert CustomModel.objects.get().provider == node.pk


def test_combos_come_with_weights_strategy_and_settings(outcome: Outcome):
    combo = Combo.objects.get(name="premium")
    assert (combo.strategy, combo.max_retries, combo.retry_delay_ms) == ("weighted", 1, 500)
    assert [(row.model, row.weight) for row in combo.targets.all()] == [
        ("cc/claude-sonnet-4-5", 1),
        ("groq/llama-3.3-70b-versatile", 3),
        ("lab/tiny", 1),
    ]
    assert Combo.objects.get(name="nested").strategy == "priority"
    assert not Combo.objects.filter(name="before").exists()


def test_clients_keep_their_keys(outcome: Outcome):
    key = ApiKey.objects.get()
    assert (key.name, key.key_hash, key.scope) == ("laptop", hash_key(older_database.CLIENT_KEY), "use")
    assert older_database.CLIENT_KEY not in str(vars(key))


def test_routing_prices_and_proxies_come_too(outcome: Outcome):
    assert dict(ModelAlias.objects.values_list("pattern", "target")) == {
        "fast": "groq/llama-3.3-70b-versatile",
        "mine": "lab/tiny",
    }
    chain = FallbackChain.objects.get(model="gpt-4o")
    assert [(row.target, row.is_active) for row in chain.entries.all()] == [("lab", False), ("groq", True)]
    price = Price.objects.get()
    assert (price.provider, price.input, price.cache_read) == ("groq", Decimal("0.5"), Decimal("0.1"))
    everything, account = ProxyRule.objects.order_by("level")
    assert (everything.port, everything.password) == (3128, older_database.SECRETS["proxy"])
    assert account.target == str(Account.objects.get(name="work").pk)
    routing = RoutingSettings.load()
    assert (routing.account_strategy, routing.sticky_limit) == ("round_robin", 5)
    assert (routing.max_retries, routing.target_timeout_s) == (2, 90)


def test_what_is_left_out_is_told_and_how_one_logs_in_is_among_it(outcome: Outcome):
    told = "\n".join(outcome.notes)
    for words in (
        "password and sign-in secrets are not taken over",
        "Account old of vanished: there is no provider",
        "The key of spare: it is encrypted in the older database",
        "API key masked",
        "the strategy “no_such” does not exist here",
        "Combo premium, healthCheckTimeoutMs: there is no such setting here",
        "Settings that are not taken over: password, requireLogin",
    ):
        assert words in told, told
    assert "older-hash" not in told


def test_what_was_there_is_in_a_backup(outcome: Outcome):
    assert outcome.saved.reason == "pre-import"
    taking.restore(outcome.saved)
    assert [row.name for row in Account.objects.all()] == ["before"]
    assert [row.name for row in Combo.objects.all()] == ["before"]


def test_who_manages_by_a_key_is_not_locked_out(tmp_path, settings):
    settings.DATA_DIR = tmp_path
    kept = create_api_key("script", "manage")
    create_api_key("client")
    with taking.opened(older_database.write(tmp_path / "storage.sqlite")) as found:
        taking.take(found)
    assert set(ApiKey.objects.values_list("key_hash", flat=True)) == {
        kept.record.key_hash,
        hash_key(older_database.CLIENT_KEY),
    }


def test_a_failure_in_the_middle_changes_nothing(tmp_path, settings, monkeypatch):
    settings.DATA_DIR = tmp_path
    Account.objects.create(provider="glm", name="before", api_key="k")

    def broken(*args: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("gateway.backups.older.taking.take_settings", broken)
    with (
        taking.opened(older_database.write(tmp_path / "storage.sqlite")) as found,
        pytest.raises(RuntimeError),
    ):
        taking.take(found)
    assert [row.name for row in Account.objects.all()] == ["before"]
