from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.models import SyncSettings
from gateway.sync import envelope as envelopes
from tests.gateway.sync.peers import WickedPeer, wicked_peer


@pytest.fixture(autouse=True)
def _quick_keys(monkeypatch):
    monkeypatch.setitem(envelopes.SCRYPT, "n", 2**14)


@pytest.fixture
def peer() -> Iterator[WickedPeer]:
    with wicked_peer() as running:
        yield running


@pytest.fixture
def enabled(db, peer) -> SyncSettings:
    """A sync with the peer that never was."""
    row = SyncSettings(
        is_enabled=True,
        url=peer.url,
        api_key="sk-peer",
        passphrase="correct horse battery",
        device="d1",
        device_name="One",
        groups=["accounts", "providers", "combos", "routing", "settings", "prices", "proxies", "keys"],
    )
    row.save()
    return row
