"""Tests of accounts, lists of models and whatever else uses `outgoing.client`, through real proxies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from providers import catalog, outgoing
from providers.listing import list_models
from providers.models import Account, ProxyRule
from providers.validation import validate, validate_account
from tests.providers.conftest import Upstream
from tests.proxies import StandInProxy, running

pytestmark = pytest.mark.django_db(transaction=True)
HOSTS = {"provider.test": "127.0.0.1"}


@pytest.fixture(params=["http", "socks5"])
def proxy(request: pytest.FixtureRequest) -> Iterator[StandInProxy]:
    with running(StandInProxy(request.param, "user", "p@ss:word", HOSTS)) as running_proxy:
        yield running_proxy


async def through(proxy: StandInProxy, level: str = "global", target: str = "", **changes: Any) -> None:
    values = {"kind": proxy.kind, "host": "127.0.0.1", "port": proxy.port, "username": "user"}
    await ProxyRule.objects.acreate(
        level=level, target=target, **{**values, "password": "p@ss:word", **changes}
    )


def named(upstream: Upstream) -> str:
    """The address under a name that only the proxy knows."""
    return upstream.url.replace("127.0.0.1", "provider.test")


async def test_a_key_is_checked_through_the_proxy_which_resolves_the_name(
    proxy: StandInProxy, upstream: Upstream
) -> None:
    await through(proxy)
    upstream.on("GET /v1/models", 200, {"data": [{"id": "m"}]})
    result = await validate(catalog.load()["openai"], api_key="sk-1", base_url=named(upstream))
    assert (result.valid, result.error) == (True, "")
    assert proxy.hosts_asked == {"provider.test"}
    assert proxy.numeric == 0


async def test_the_entry_of_the_account_goes_before_the_providers(
    proxy: StandInProxy, upstream: Upstream
) -> None:
    upstream.on("GET /v1/models", 200, {"data": [{"id": "m"}]})
    account = await Account.objects.acreate(
        provider="openai", name="a", api_key="sk-1", base_url=named(upstream)
    )
    await through(proxy, "provider", "openai", port=1)
    assert "The proxy did not pass the connection" in (await validate_account(account)).error
    await through(proxy, "key", str(account.pk))
    assert (await validate_account(account)).valid is True


async def test_models_are_listed_through_the_proxy(proxy: StandInProxy, upstream: Upstream) -> None:
    await through(proxy)
    upstream.on("GET /v1/models", 200, {"data": [{"id": "m"}]})
    models = await list_models(catalog.load()["openai"], api_key="sk-1", base_url=named(upstream))
    assert [model.id for model in models] == ["m"]
    assert proxy.hosts_asked == {"provider.test"}


async def test_nothing_goes_around_a_proxy_that_is_down(
    proxy: StandInProxy, upstream: Upstream, closed_port: str
) -> None:
    await through(proxy, port=int(closed_port.rpartition(":")[2]))
    async with outgoing.client(provider="openai") as http:
        with pytest.raises(httpx.ProxyError):
            await http.get(upstream.url)
    assert upstream.calls == []


async def test_wrong_credentials_reach_nobody(proxy: StandInProxy, upstream: Upstream) -> None:
    await through(proxy, password="wrong")
    async with outgoing.client() as http:
        try:
            assert (await http.get(named(upstream))).status_code == 407
        except httpx.ProxyError:
            assert proxy.kind == "socks5"
    assert proxy.refused == 1
    assert upstream.calls == []


async def test_direct_spares_a_provider_the_global_proxy(proxy: StandInProxy, upstream: Upstream) -> None:
    await through(proxy)
    await through(proxy, "provider", "ollama", kind="direct")
    async with outgoing.client(provider="ollama") as http:
        await http.get(upstream.url)
    assert proxy.asked == []
    assert len(upstream.calls) == 1


async def test_the_environments_proxy_is_asked_where_nothing_is_configured(
    upstream: Upstream, settings: Any
) -> None:
    with running(StandInProxy(hosts=HOSTS)) as proxy:
        settings.ENVIRONMENT_PROXIES = {"http": f"127.0.0.1:{proxy.port}"}
        settings.NO_PROXY = ["127.0.0.1"]
        async with outgoing.client() as http:
            await http.get(named(upstream))
            await http.get(upstream.url)
    assert proxy.hosts_asked == {"provider.test"}
    assert len(upstream.calls) == 2
