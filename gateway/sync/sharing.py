"""One renewal of a token, across devices: a refresh token that works once must not be used by two of them.

Before a device asks the vendor, it takes a lease at the peer and whatever another device renewed; afterwards it sends
the new pair, and only then gives the lease back. The peer knows the lease by a name that says nothing.

Where the peer cannot be reached, the device renews alone: its requests go before the others' sign-in. If two do so at
once, the vendor takes the token of one of them back; that one asks for a new sign-in, or gets the pair of the other
with the next sync.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from django.db import close_old_connections

from gateway.models import SyncObject, SyncSettings
from gateway.sync import peer as peers
from gateway.sync.envelope import keys_of
from gateway.sync.errors import SyncError
from gateway.sync.flow import peer_of, synchronise
from gateway.sync.peer import Conflict, Peer
from omniroute.errors import UpstreamUnreachable
from providers.models import Account

logger = logging.getLogger(__name__)

LEASE_S = 90.0
"""Longer than a renewal takes, with the sync after it."""
PATIENCE_S = 20.0
"""How long another device's renewal is waited for."""
STEP_S = 1.0


@dataclass(frozen=True, slots=True)
class Claim:
    peer: Peer
    name: str


@asynccontextmanager
async def shared(account: Account) -> AsyncIterator[None]:
    """`providers.oauth.renewal.Sharing`."""
    # In a thread of its own: the thread of the database calls would be blocked for everybody.
    claim = await asyncio.to_thread(_before, account.uid, account.name)
    try:
        yield
    finally:
        if claim is not None:
            await asyncio.shield(asyncio.to_thread(_after, claim))


def _before(uid: str, name: str) -> Claim | None:
    """None: nobody shares the account, or the peer is away. Raise `UpstreamUnreachable`."""
    close_old_connections()
    row = SyncSettings.load()
    if not row.is_enabled or "accounts" not in row.groups or not row.kdf or not row.passphrase:
        return None
    if not SyncObject.objects.filter(kind="credential", key=uid, at__gt=0).exists():
        return None
    claim = Claim(peer_of(row), keys_of(row.kdf, row.passphrase).name(f"credential:{uid}"))
    deadline = time.monotonic() + PATIENCE_S
    try:
        while not peers.lease(claim.peer, claim.name, LEASE_S):
            if time.monotonic() > deadline:
                raise UpstreamUnreachable(f"Another device is renewing the token of {name}", retry_after=5)
            time.sleep(STEP_S)
        _take()
    except (SyncError, Conflict) as error:
        logger.warning("The token of %s is renewed without asking the other devices: %s", name, error)
        return None
    return claim


def _after(claim: Claim) -> None:
    """The lease stays where the new pair could not be sent: nobody shall use the old one in the meantime."""
    close_old_connections()
    try:
        _take()
        peers.lease(claim.peer, claim.name, 0)
    except (SyncError, Conflict) as error:
        logger.warning("A new token is not with the other devices yet: %s", error)


def _take() -> None:
    """Sync, after the one that may be under way."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            synchronise("token")
        except SyncError as error:
            if error.code != "sync_running" or time.monotonic() > deadline:
                raise
            time.sleep(STEP_S / 4)
        else:
            return
