"""Which addresses may talk to the gateway at all (docs/api.md). Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

BLACKLIST, WHITELIST, WHITELIST_PRIORITY = "blacklist", "whitelist", "whitelist-priority"
MODES = {
    BLACKLIST: "Blacklist: all but those listed",
    WHITELIST: "Whitelist: only those listed",
    WHITELIST_PRIORITY: "Whitelist first: the whitelist overrides the blacklist, others may",
}
_WILD = re.compile(r"(?:\d{1,3}\.){0,3}(?:\*\.){0,3}\*")


def parse_entry(text: str) -> Network:
    """An address, a range (`10.0.0.0/8`, `2001:db8::/32`) or `10.0.*.*`. Raise `ValueError`, saying what is wrong."""
    entry = text.strip()
    if "*" in entry:
        parts = entry.split(".")
        if len(parts) != 4 or not _WILD.fullmatch(entry):
            raise ValueError(f"{entry!r}: write stars at the end only, such as 10.0.*.*")
        fixed = [part for part in parts if part != "*"]
        entry = ".".join([*fixed, *["0"] * (4 - len(fixed))]) + f"/{8 * len(fixed)}"
    try:
        return ipaddress.ip_network(entry.removeprefix("::ffff:"), strict=False)
    except ValueError:
        raise ValueError(
            f"{text.strip()!r} is neither an address nor a range such as 10.0.0.0/8 or 2001:db8::/32"
        ) from None


def parse_address(text: str) -> Address | None:
    """None for what is no address, such as a test client's name. IPv4 within IPv6 is IPv4."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


@dataclass(frozen=True, slots=True, eq=False)
class IpFilter:
    """Compared and hashed by identity, so that its answers can be remembered."""

    enabled: bool = False
    mode: str = BLACKLIST
    blacklist: tuple[Network, ...] = ()
    whitelist: tuple[Network, ...] = ()
    bans: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    """Address: until when (epoch, seconds), and why. In force also where `enabled` is not."""

    @property
    def is_idle(self) -> bool:
        return not self.enabled and not self.bans

    def refusal(self, address: str, now: float) -> str:
        """Why the address may not talk to the gateway; "" where it may."""
        if self.bans:
            parsed = parse_address(address)
            until, reason = self.bans.get(str(parsed) if parsed else address, (0.0, ""))
            if until > now:
                return reason or "This address is banned for a while"
        return _judge(self, address) if self.enabled else ""


@lru_cache(maxsize=4096)
def _judge(rules: IpFilter, text: str) -> str:
    address = parse_address(text)
    if address is None:
        return "An unknown address is not on the whitelist" if rules.mode == WHITELIST else ""
    if rules.mode == WHITELIST:
        return "" if _listed(address, rules.whitelist) else "This address is not on the whitelist"
    if rules.mode == WHITELIST_PRIORITY and _listed(address, rules.whitelist):
        return ""
    return "This address is on the blacklist" if _listed(address, rules.blacklist) else ""


def _listed(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
