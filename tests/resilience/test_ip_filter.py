from __future__ import annotations

import pytest

from resilience.ip_filter import IpFilter, parse_entry

NOW = 1000.0


def rules(mode: str, blacklist: str = "", whitelist: str = "") -> IpFilter:
    return IpFilter(
        True, mode, tuple(map(parse_entry, blacklist.split())), tuple(map(parse_entry, whitelist.split()))
    )


@pytest.mark.parametrize(
    ("filter", "address", "allowed"),
    [
        (rules("blacklist", "10.0.0.0/8"), "10.1.2.3", False),
        (rules("blacklist", "10.0.0.0/8"), "11.1.2.3", True),
        (rules("blacklist", "10.0.0.0/8"), "::ffff:10.1.2.3", False),
        (rules("blacklist", "10.0.*.*"), "10.0.9.9", False),
        (rules("blacklist", "10.0.*.*"), "10.1.9.9", True),
        (rules("blacklist", "2001:db8::/32"), "2001:db8:1::1", False),
        (rules("blacklist", "2001:db8::/32"), "2001:db9::1", True),
        (rules("blacklist", "fe80::/10"), "fe80::1%eth0", False),
        (rules("whitelist", "", "192.0.2.7 2001:db8::/32"), "192.0.2.7", True),
        (rules("whitelist", "", "192.0.2.7 2001:db8::/32"), "2001:db8::9", True),
        (rules("whitelist", "", "192.0.2.7"), "192.0.2.8", False),
        (rules("whitelist", "", "192.0.2.7"), "testclient", False),
        (rules("whitelist-priority", "10.0.0.0/8", "10.0.0.5"), "10.0.0.5", True),
        (rules("whitelist-priority", "10.0.0.0/8", "10.0.0.5"), "10.0.0.6", False),
        (rules("whitelist-priority", "10.0.0.0/8", "10.0.0.5"), "192.0.2.1", True),
        (IpFilter(False, "whitelist"), "192.0.2.1", True),
    ],
)
def test_modes_and_ranges(filter: IpFilter, address: str, allowed: bool):
    assert (filter.refusal(address, NOW) == "") is allowed


def test_a_ban_ends_by_itself_and_holds_without_a_filter():
    banned = IpFilter(bans={"192.0.2.1": (NOW + 10, "Scanning")})
    assert banned.refusal("192.0.2.1", NOW) == "Scanning"
    assert banned.refusal("::ffff:192.0.2.1", NOW) == "Scanning"
    assert banned.refusal("192.0.2.1", NOW + 11) == ""
    assert banned.refusal("192.0.2.2", NOW) == ""
    assert not banned.is_idle
    assert IpFilter().is_idle


@pytest.mark.parametrize("entry", ["", "10.0.0", "10.*.0.*", "300.0.0.1", "10.0.0.0/33", "host.example", "*"])
def test_what_is_no_address_is_refused(entry: str):
    with pytest.raises(ValueError, match=r"write|neither"):
        parse_entry(entry)
