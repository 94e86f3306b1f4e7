"""What an operator does with the sync: test, enable, disable."""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass
from datetime import UTC, datetime

from django.core.exceptions import ValidationError

from gateway.edge.paths import canonical
from gateway.models import SyncRun, SyncSettings
from gateway.sync import local
from gateway.sync import peer as peers
from gateway.sync.envelope import MIN_PASSPHRASE
from gateway.sync.flow import address, open_copy, peer_of, synchronise
from gateway.sync.groups import ALL
from omniroute.types import JSONDict
from providers.nodes.models import validate_base_url


@dataclass(frozen=True, slots=True)
class Wish:
    """How to sync. Empty: as before, or the default."""

    url: str = ""
    api_key: str = ""
    passphrase: str = ""
    space: str = ""
    device_name: str = ""
    groups: tuple[str, ...] = ()
    interval_minutes: int = 0


def wanted(wish: Wish) -> SyncSettings:
    """The settings with the wish in them, unsaved. Raise `ValidationError`."""
    row = SyncSettings.load()
    row.url = wish.url.strip().rstrip("/") or row.url
    row.api_key = wish.api_key.strip() or row.api_key
    row.passphrase = wish.passphrase or row.passphrase
    row.space = wish.space.strip() or row.space
    row.device_name = wish.device_name.strip() or row.device_name or socket.gethostname()[:100]
    row.groups = [group for group in ALL if group in wish.groups] or row.groups or list(ALL)
    row.interval_minutes = wish.interval_minutes or row.interval_minutes
    row.device = row.device or secrets.token_hex(8)
    row.full_clean()
    if not address(row):
        raise ValidationError({"url": "Enter the address of the OmniRoute that keeps the copy."})
    try:
        validate_base_url(address(row))
    except ValidationError:
        raise ValidationError({"url": "Enter an address such as http://server:20128."}) from None
    if not row.api_key.isascii() or not row.api_key.isprintable() or not row.api_key:
        raise ValidationError({"api_key": "Enter an API key of the peer, of scope sync or manage."})
    if canonical(f"/{row.space}/v1/verify"):
        raise ValidationError({"space": "This name means something else in addresses: choose another."})
    return row


def test(wish: Wish) -> int:
    """The version of the copy at the peer; 0: there is none yet. With a passphrase, see whether it fits. Raise
    `ValidationError` or `SyncError`."""
    row = wanted(wish)
    if row.passphrase:
        copy = peers.fetch(peer_of(row))
        open_copy(row, copy)
        return copy.version
    return peers.verify(peer_of(row)).version


def enable(wish: Wish) -> SyncRun:
    """Verify, keep the settings, and sync for the first time. Nothing is kept where the peer cannot be used or the
    passphrase does not fit. Raise `ValidationError` or `SyncError`."""
    row, before = wanted(wish), SyncSettings.load()
    if len(row.passphrase) < MIN_PASSPHRASE:
        raise ValidationError({"passphrase": f"Enter at least {MIN_PASSPHRASE} characters."})
    is_same_copy = before.is_enabled and (address(before), before.space) == (address(row), row.space)
    open_copy(row, peers.fetch(peer_of(row)))
    if not is_same_copy:
        row.version, row.digest, row.devices, row.is_pending = 0, "", {}, False
        local.forget()
    local.forget_others(row.groups)
    row.is_enabled = True
    row.error, row.error_code, row.failures, row.next_try_at, row.queued_at = "", "", 0, None, None
    row.save()
    return synchronise("enable")


def change(groups: tuple[str, ...], interval_minutes: int, device_name: str) -> None:
    """Of a sync that is enabled. Raise `ValidationError`."""
    row = wanted(Wish(groups=groups, interval_minutes=interval_minutes, device_name=device_name))
    local.forget_others(row.groups)
    row.save(update_fields=["groups", "interval_minutes", "device_name"])


def disable(*, delete_remote: bool) -> None:
    """The configuration stays here, and in use. Raise `SyncError` where the copy was to be deleted and is not: then
    the sync stays enabled, so that it can be tried again."""
    row = SyncSettings.load()
    if delete_remote and row.is_enabled:
        peers.remove(peer_of(row))
    local.forget()
    row.is_enabled, row.api_key, row.passphrase = False, "", ""
    row.version, row.digest, row.devices, row.is_pending, row.kdf = 0, "", {}, False, {}
    row.error, row.error_code, row.failures = "", "", 0
    row.next_try_at = row.queued_at = row.synced_at = None
    row.save()


def devices(row: SyncSettings) -> list[JSONDict]:
    """As the copy names them, the one seen last first."""
    found = [
        {
            "id": id,
            "name": str(each.get("name", id)),
            "seen_at": datetime.fromtimestamp(each.get("at", 0), UTC),
            "is_this": id == row.device,
        }
        for id, each in row.devices.items()
    ]
    return sorted(found, key=lambda each: each["seen_at"], reverse=True)


def sync_now(*, accept_older: bool = False) -> SyncRun:
    """Raise `SyncError`."""
    return synchronise("now", accept_older=accept_older)
