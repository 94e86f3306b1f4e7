from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from providers.models import ProxyRule
from providers.proxies import Environment, Proxy, ProxyTable, environment, parse_proxy
from providers.proxies.models import load_proxies

KEY, COMBO, PROVIDER, GLOBAL, ENV = (
    Proxy("http", name, 8080) for name in ("key", "combo", "prov", "glob", "env")
)
DIRECT = Proxy("direct")
URL = "https://api.example.com/v1"


@pytest.mark.parametrize("present", list(product([False, True], repeat=5)))
def test_the_most_specific_entry_wins(present: tuple[bool, ...]) -> None:
    key, combo, provider, everywhere, env = present
    table = ProxyTable(
        accounts={7: KEY} if key else {},
        combos={3: COMBO} if combo else {},
        providers={"openai": PROVIDER} if provider else {},
        everywhere=GLOBAL if everywhere else None,
        environment=Environment({"https": ENV}) if env else None,
    )
    order = [
        proxy for proxy, there in zip((KEY, COMBO, PROVIDER, GLOBAL, ENV), present, strict=True) if there
    ]
    assert table.find(account=7, combo=3, provider="openai", url=URL) == (order[0] if order else None)
    assert table.is_empty is (not any(present))


def test_entries_of_others_do_not_count() -> None:
    table = ProxyTable(accounts={7: KEY}, combos={3: COMBO}, providers={"openai": PROVIDER})
    assert table.find(account=8, combo=4, provider="groq", url=URL) is None
    assert table.choose(account=8, provider="groq", url=URL).level == "direct"


@pytest.mark.parametrize("level", ["accounts", "combos", "providers", "everywhere"])
def test_direct_ends_the_search_at_every_level(level: str) -> None:
    direct: Any = {
        "accounts": {7: DIRECT},
        "combos": {3: DIRECT},
        "providers": {"p": DIRECT},
        "everywhere": DIRECT,
    }
    below = {"everywhere": GLOBAL, "environment": Environment({"all": ENV})}
    table = ProxyTable(**{**below, level: direct[level]})
    assert table.find(account=7, combo=3, provider="p", url=URL) is None


@pytest.mark.parametrize(
    ("entry", "host", "fits"),
    [
        ("*", "api.example.com", True),
        ("example.com", "api.example.com", True),
        (".example.com", "api.example.com", True),
        ("*.example.com", "api.example.com", True),
        ("example.com", "example.com", True),
        ("example.com", "notexample.com", False),
        ("example.com:8080", "example.com:8080", True),
        ("example.com:8080", "example.com:9090", False),
        ("10.0.0.0/8", "10.2.3.4", True),
        ("10.0.0.0/8", "11.2.3.4", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("::1", "[::1]", True),
        ("localhost", "127.0.0.1", False),
    ],
)
def test_no_proxy_exempts_hosts_domains_and_networks(entry: str, host: str, fits: bool) -> None:
    found = Environment({"all": ENV}, (entry,)).find(f"http://{host}/v1")
    assert found == (None if fits else ENV)


def test_the_environment_is_read_by_scheme(settings: Any) -> None:
    settings.ENVIRONMENT_PROXIES = {"http": "one:81", "https": "http://u:p%40w@two", "all": "socks5://three"}
    settings.NO_PROXY = [" Internal.example ", ""]
    env = environment()
    assert env is not None
    assert env.find("http://a.b/") == Proxy("http", "one", 81)
    assert env.find("https://a.b/") == Proxy("http", "two", 80, "u", "p@w")
    assert env.find("https://internal.example/") is None
    settings.ENVIRONMENT_PROXIES = {"http": "", "https": "", "all": "socks5h://three"}
    assert environment().find("https://a.b/") == Proxy("socks5", "three", 1080)
    settings.ENVIRONMENT_PROXIES = {"http": "", "https": "", "all": ""}
    assert environment() is None


@pytest.mark.parametrize("url", ["socks4://a:1", "ftp://a", "http://", "http://a:99999"])
def test_an_address_that_is_no_proxys_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_proxy(url)


def test_the_password_shows_in_the_address_for_clients_only() -> None:
    proxy = Proxy("socks5", "::1", 1080, "me@home", "p:/@ss")
    assert proxy.url == "socks5h://me%40home:p%3A%2F%40ss@[::1]:1080"
    assert "p:/@ss" not in repr(proxy)
    assert "ss" not in proxy.shown.removeprefix("socks5")


@pytest.mark.django_db
def test_rows_become_the_table_and_passwords_are_encrypted(settings: Any) -> None:
    settings.ENVIRONMENT_PROXIES = {}
    for level, target in (("global", ""), ("provider", "openai"), ("combo", "3"), ("key", "7")):
        row = ProxyRule(level=level, target=target, kind="http", host=f"{level}.test", port=1, username="u")
        row.password = "hunter2"
        row.full_clean()
        row.save()
    table = load_proxies()
    assert table.everywhere == Proxy("http", "global.test", 1, "u", "hunter2")
    assert table.accounts[7].host == "key.test"
    assert table.combos[3].host == "combo.test"
    assert table.providers["openai"].host == "provider.test"
    stored = ProxyRule.objects.extra(select={"raw": "password"}).values_list("raw", flat=True)
    assert not any("hunter2" in raw for raw in stored)
