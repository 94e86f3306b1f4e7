from __future__ import annotations

import pytest

from billing.config import BillingConfig, KeyConfig
from billing.keys import hash_key
from gateway.edge.auth import Caller, Grant, authenticate, presented_key
from omniroute.errors import Forbidden, Unauthorized

KEY = KeyConfig(1, "k", "use", True, None, ())
OFF = KeyConfig(2, "off", "use", False, None, ())
BILLING = BillingConfig({hash_key("sk-or-good"): KEY, hash_key("sk-or-off"): OFF}, {})
LOCAL = {"host": "localhost:20128"}


def check(headers: dict[str, str], address: str = "127.0.0.1", query: str = "", required: bool = False):
    return authenticate(Caller(address, {**LOCAL, **headers}, query), BILLING, required=required)


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"authorization": "Bearer sk"}, ""),
        ({"authorization": "bearer  sk "}, ""),
        ({"x-api-key": "sk"}, ""),
        ({"x-goog-api-key": "sk"}, ""),
        ({}, "alt=sse&key=sk"),
    ],
)
def test_the_key_is_found_wherever_clients_put_it(headers, query):
    assert presented_key(headers, query) == "sk"


def test_a_known_key_is_the_caller():
    assert check({"authorization": "Bearer sk-or-good"}, "203.0.113.7", required=True) is KEY


def test_a_local_caller_needs_no_key_and_may_send_a_made_up_one():
    assert check({}) is None
    assert check({"authorization": "Bearer dummy"}) is None
    assert check({}, "::1") is None


@pytest.mark.parametrize(
    ("address", "required"), [("127.0.0.1", True), ("203.0.113.7", False), ("10.0.0.1", False)]
)
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}])
def test_everybody_else_needs_one(address, required, headers):
    with pytest.raises(Unauthorized):
        check(headers, address, required=required)


def test_a_disabled_key_is_refused_even_where_none_is_needed():
    with pytest.raises(Unauthorized, match="disabled"):
        check({"authorization": "Bearer sk-or-off"})


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:20128", "192.168.1.5:20128", "", "[", "localhost.evil"]
)
def test_a_rebound_host_needs_a_key(host):
    with pytest.raises(Forbidden):
        check({"host": host})
    assert check({"host": host, "x-api-key": "sk-or-good"}) is KEY


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil:20128", "http://["]
)
def test_a_page_of_another_origin_needs_a_key(origin):
    with pytest.raises(Forbidden):
        check({"origin": origin})
    assert check({"origin": origin, "x-api-key": "sk-or-good"}) is KEY


@pytest.mark.parametrize("origin", ["http://localhost:20128", "http://127.0.0.1:3000", "http://[::1]:20128"])
def test_a_page_of_this_machine_does_not(origin):
    assert check({"origin": origin}) is None


def granted(grant: Grant, **headers: str):
    caller = Caller("203.0.113.7", headers, grant=grant)
    return authenticate(caller, BILLING, required=True)


def test_a_grant_stands_for_a_key_that_is_chosen_or_for_none():
    assert granted(Grant()) is None
    assert granted(Grant(key_id=1)) is KEY
    assert granted(Grant(key_id=1), authorization="Bearer sk-or-off") is KEY


@pytest.mark.parametrize("key_id", [2, 99])
def test_a_grant_makes_no_key_usable_that_is_not(key_id):
    with pytest.raises(Unauthorized):
        granted(Grant(key_id=key_id))
