from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from combos.models import Combo
from providers.models import Account, ProxyRule
from tests.management import ManagementClient, api  # noqa: F401
from tests.proxies import StandInProxy, running

PATH = "/api/settings/proxy"
HTTP = {"type": "http", "host": "proxy.example.com", "port": 8080}


@pytest.fixture(autouse=True)
def _no_environment(settings: Any) -> None:
    settings.ENVIRONMENT_PROXIES = {}


def test_the_guides_examples_work(api: ManagementClient) -> None:  # noqa: F811
    api.ok("PUT", PATH, {"global": {"type": "http", "host": "proxy.example.com", "port": "8080"}})
    socks = {"type": "socks5", "host": "proxy.example.com", "port": "1080"}
    found = api.ok("PUT", PATH, {"providers": {"openai": socks}})
    assert found == {
        "global": HTTP,
        "providers": {"openai": {**socks, "port": 1080}},
        "combos": {},
        "keys": {},
    }
    assert api.ok("GET", PATH) == found


def test_one_entry_is_written_read_and_removed_at_each_level(api: ManagementClient) -> None:  # noqa: F811
    combo = Combo.objects.create(name="fast/one")
    account = Account.objects.create(provider="openai", name="a", api_key="k")
    for level, id in (
        ("global", None),
        ("provider", "openai"),
        ("combo", "fast/one"),
        ("key", str(account.pk)),
    ):
        api.ok("PUT", PATH, {"level": level, "id": id, "proxy": HTTP})
        where = f"{PATH}?level={level}" + (f"&id={id}" if id else "")
        assert api.ok("GET", where) == {"level": level, "id": id, "proxy": HTTP}
        api.ok("DELETE", where)
        assert api.ok("GET", where)["proxy"] is None
    api.ok("PUT", PATH, {"level": "combo", "id": str(combo.pk), "proxy": HTTP})
    assert api.ok("GET", PATH)["combos"] == {"fast/one": HTTP}


def test_null_removes_and_what_is_not_named_stays(api: ManagementClient) -> None:  # noqa: F811
    api.ok("PUT", PATH, {"global": HTTP, "providers": {"openai": HTTP, "groq": HTTP}})
    found = api.ok("PUT", PATH, {"providers": {"groq": None}})
    assert (found["global"], found["providers"]) == (HTTP, {"openai": HTTP})
    assert api.ok("PUT", PATH, {"global": None})["global"] is None


def test_a_providers_prefix_means_the_provider(api: ManagementClient) -> None:  # noqa: F811
    assert api.ok("PUT", PATH, {"providers": {"ds": "direct"}})["providers"] == {
        "deepseek": {"type": "direct"}
    }


def test_a_password_is_masked_and_a_masked_one_keeps_it(api: ManagementClient) -> None:  # noqa: F811
    entry = {**HTTP, "username": "me", "password": "a-long-secret-password"}
    shown = api.ok("PUT", PATH, {"global": entry})["global"]
    assert "secret" not in json.dumps(shown)
    assert shown["username"] == "me"
    api.ok("PUT", PATH, {"global": {**shown, "port": 9090}})
    row = ProxyRule.objects.get()
    assert (row.port, row.password) == (9090, "a-long-secret-password")
    api.ok("PUT", PATH, {"global": {**entry, "password": "********"}})
    assert ProxyRule.objects.get().password == "a-long-secret-password"
    api.ok("PUT", PATH, {"global": {**entry, "password": ""}})
    assert ProxyRule.objects.get().password == ""


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"global": {"type": "ftp", "host": "a", "port": 1}},
        {"global": {"type": "http", "host": "a"}},
        {"global": {"type": "http", "host": "", "port": 1}},
        {"global": {"type": "http", "host": "a", "port": 0}},
        {"global": {"type": "http", "host": "a", "port": 65536}},
        {"global": {"type": "http", "host": "http://a", "port": 1}},
        {"global": {"type": "http", "host": "a", "port": "x"}},
        {"providers": {"nobody": HTTP}},
        {"combos": {"nothing": HTTP}},
        {"keys": {"999": HTTP}},
        {"level": "key", "proxy": HTTP},
        {"level": "house", "proxy": HTTP},
        {"global": "sideways"},
    ],
)
def test_what_is_no_entry_is_refused_and_changes_nothing(api: ManagementClient, body: Any) -> None:  # noqa: F811
    assert api.error("PUT", PATH, body)[0] == 400
    assert not ProxyRule.objects.exists()


def test_a_body_of_another_shape_is_told_so(api: ManagementClient) -> None:  # noqa: F811
    status, body = api.call("PUT", PATH, [])
    assert (status, body["error"]["message"]) == (400, "expected a JSON object")


def test_resolve_tells_what_decides(api: ManagementClient, settings: Any) -> None:  # noqa: F811
    account = Account.objects.create(provider="openai", name="a", api_key="k")
    Combo.objects.create(name="c")
    where = f"{PATH}?resolve={account.pk}"
    assert api.ok("GET", where) == {"proxy": None, "level": "direct", "levelId": None}
    settings.ENVIRONMENT_PROXIES = {"https": "http://env:1"}
    assert api.ok("GET", where)["level"] == "environment"
    api.ok("PUT", PATH, {"global": HTTP})
    assert api.ok("GET", where) == {"proxy": HTTP, "level": "global", "levelId": None}
    api.ok("PUT", PATH, {"providers": {"openai": HTTP}})
    assert api.ok("GET", where) == {"proxy": HTTP, "level": "provider", "levelId": "openai"}
    api.ok("PUT", PATH, {"combos": {"c": HTTP}})
    assert api.ok("GET", f"{where}&combo=c") == {"proxy": HTTP, "level": "combo", "levelId": "c"}
    api.ok("PUT", PATH, {"keys": {str(account.pk): "direct"}})
    found = api.ok("GET", f"{where}&combo=c")
    assert found == {"proxy": {"type": "direct"}, "level": "key", "levelId": str(account.pk)}
    assert api.error("GET", f"{PATH}?resolve=999")[0] == 404


def test_entries_go_with_what_they_are_for(api: ManagementClient) -> None:  # noqa: F811
    account = Account.objects.create(provider="openai", name="a", api_key="k")
    combo = Combo.objects.create(name="c")
    api.ok("PUT", PATH, {"keys": {str(account.pk): HTTP}, "combos": {"c": HTTP}})
    account.delete()
    combo.delete()
    assert not ProxyRule.objects.exists()


@pytest.fixture
def mirror(settings: Any) -> Iterator[None]:
    """Answers with an address, like the service that is asked by default."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"ip": "203.0.113.9"}'
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    settings.PROXY_TEST_URL = f"http://mirror.test:{server.server_port}/"
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_a_proxy_can_be_tried_before_it_is_stored(api: ManagementClient, mirror: None, kind: str) -> None:  # noqa: F811
    stand_in = StandInProxy(kind, "me", "a-long-secret-password", {"mirror.test": "127.0.0.1"})
    with running(stand_in) as proxy:
        entry = {"type": kind, "host": "127.0.0.1", "port": proxy.port, "username": "me"}
        tested = api.ok("POST", f"{PATH}/test", {"proxy": {**entry, "password": stand_in.password}})
        assert (tested["success"], tested["publicIp"]) == (True, "203.0.113.9")
        assert tested["latencyMs"] >= 0
        assert "secret" not in tested["proxyUrl"]
        assert not ProxyRule.objects.exists()
        assert api.ok("POST", f"{PATH}/test", {"proxy": {**entry, "password": "wrong"}})["success"] is False
        shown = api.ok("PUT", PATH, {"global": {**entry, "password": stand_in.password}})["global"]
        assert api.ok("POST", f"{PATH}/test", {"proxy": shown})["success"] is True


def test_a_proxy_that_is_down_fails_with_a_reason(api: ManagementClient, mirror: None) -> None:  # noqa: F811
    tested = api.ok("POST", f"{PATH}/test", {"proxy": {"type": "http", "host": "127.0.0.1", "port": 1}})
    assert tested["success"] is False
    assert "127.0.0.1:1 cannot be reached" in tested["error"]
