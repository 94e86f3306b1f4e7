from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.upstream.head import Place, address_of, request_head
from omniroute.errors import UpstreamBroken, UpstreamUnreachable
from omniroute.types import UpstreamRequest
from providers.proxies import Proxy

REQUEST = UpstreamRequest("POST", "https://api.test/v1/chat", {"X-Key": "sk-1"}, b"{}", "openai_chat", False)


def head(request: UpstreamRequest, proxy: Proxy | None = None) -> list[str]:
    return request_head(request, address_of(request.url), proxy).decode().split("\r\n")


@pytest.mark.parametrize(
    ("url", "place", "host", "target"),
    [
        ("https://api.test", ("https", "api.test", 443), "api.test", "/"),
        ("http://API.test:80/v1", ("http", "api.test", 80), "api.test", "/v1"),
        ("https://api.test:8443/v1?a=b&c=%20", ("https", "api.test", 8443), "api.test:8443", "/v1?a=b&c=%20"),
        ("http://[::1]:8080/v1", ("http", "::1", 8080), "[::1]:8080", "/v1"),
        ("https://[::1]/v1", ("https", "::1", 443), "[::1]", "/v1"),
        ("https://bücher.test/v1", ("https", "xn--bcher-kva.test", 443), "xn--bcher-kva.test", "/v1"),
        ("https://api.test/models/a b/ü:generate?x=ü y", ("https", "api.test", 443), "api.test",
         "/models/a%20b/%C3%BC:generate?x=%C3%BC%20y"),
        ("https://api.test/a%2Fb", ("https", "api.test", 443), "api.test", "/a%2Fb"),
    ],
)  # fmt: skip
def test_an_address_says_where_to_and_what_for(url: str, place: tuple[str, str, int], host: str, target: str):
    address = address_of(url)
    assert (address.place, address.host, address.target) == (Place(*place), host, target)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.test/v1",
        "ftp://api.test",
        "https://",
        "https://api.test:port",
        "https://a..b",
        "file:///etc",
        "http://a b/",
        "http://a\0b/",
    ],
)
def test_what_is_no_address_cannot_be_reached(url: str):
    with pytest.raises(UpstreamUnreachable, match="base URL"):
        address_of(url)


def test_a_request_is_what_it_says():
    assert head(REQUEST) == [
        "POST /v1/chat HTTP/1.1", "host: api.test", "x-key: sk-1", "content-length: 2", "", "",
    ]  # fmt: skip


def test_the_length_and_one_host_are_always_right():
    request = replace(REQUEST, headers={"Host": "other.test", "Content-Length": "999"})
    assert head(request)[1:3] == ["host: other.test", "content-length: 2"]


def test_credentials_in_an_address_are_sent_unless_there_are_others():
    request = replace(REQUEST, url="https://me:p%40ss@api.test/v1", headers={})
    assert "authorization: Basic bWU6cEBzcw==" in head(request)
    assert "authorization: mine" in head(replace(request, headers={"authorization": "mine"}))


def test_a_proxy_that_forwards_gets_the_whole_address_and_its_credentials():
    request = replace(REQUEST, url="http://api.test:8080/v1?a=b")
    lines = head(request, Proxy("http", "proxy.test", 3128, "me", "p@ss"))
    assert lines[0] == "POST http://api.test:8080/v1?a=b HTTP/1.1"
    assert "proxy-authorization: Basic bWU6cEBzcw==" in lines


@pytest.mark.parametrize(
    "value", ["a\r\nx-evil: 1", "a\nx-evil: 1", "a\rx", "a\0b", "\r\n\r\nGET / HTTP/1.1"]
)
def test_a_header_stays_one_header(value: str):
    with pytest.raises(UpstreamBroken, match="line break") as raised:
        head(replace(REQUEST, headers={"x-key": f"secret{value}"}))
    assert "secret" not in raised.value.message


@pytest.mark.parametrize("name", ["", "x key", "x:key", "schlüssel", "x\r\ny"])
def test_a_header_has_a_name(name: str):
    with pytest.raises(UpstreamBroken, match="not sent"):
        head(replace(REQUEST, headers={name: "1"}))


def test_a_target_stays_one_target():
    assert head(replace(REQUEST, url="https://api.test/a\r\nx: y"))[0] == "POST /ax:%20y HTTP/1.1"


def test_values_in_other_scripts_are_sent_as_utf_8():
    assert "x-key: schlüssel…" in head(replace(REQUEST, headers={"x-key": "schlüssel…"}))
    assert "x-key: ?" in head(replace(REQUEST, headers={"x-key": "\ud800"}))
