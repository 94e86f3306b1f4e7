"""The management API of the cloud sync."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from combos.models import Combo
from gateway.models import SyncObject, SyncSettings
from gateway.sync import background
from gateway.sync import envelope as envelopes
from tests.gateway.sync.peers import wicked_peer
from tests.management import api as api  # the fixture

PATH = "/api/sync/cloud"
WISH = {"action": "enable", "apiKey": "sk-peer", "passphrase": "correct horse battery"}


@pytest.fixture
def peer(monkeypatch):
    monkeypatch.setitem(envelopes.SCRYPT, "n", 2**14)
    with wicked_peer() as running:
        yield running


def test_it_is_off_until_somebody_enables_it(api):
    found = api.ok("GET", PATH)
    assert (found["enabled"], found["runs"], found["devices"]) == (False, [], [])
    assert api.call("POST", PATH, {"action": "sync"})[1]["error"]["code"] == "sync_disabled"
    Combo.objects.create(name="x")
    assert not OrmQ.objects.exists()
    assert not SyncObject.objects.exists()


def test_test_enable_sync_disable(api, peer):
    Combo.objects.create(name="mine")
    assert "no copy yet" in api.ok("POST", PATH, {**WISH, "action": "test", "url": peer.url})["message"]
    assert not SyncSettings.load().is_enabled
    answer = api.ok("POST", PATH, {**WISH, "url": f"{peer.url}/", "deviceName": "One", "groups": ["combos"]})
    assert (answer["success"], answer["version"], answer["sent"]) == (True, 1, ["combo mine"])
    found = api.ok("GET", PATH)
    assert (found["url"], found["groups"], found["space"]) == (peer.url, ["combos"], "main")
    assert [each["name"] for each in found["devices"]] == ["One"]
    assert [(run["cause"], run["sent"]) for run in found["runs"]] == [("enable", ["combo mine"])]
    assert not [secret for secret in ("correct horse", "sk-peer") if secret in str(found)]
    assert api.ok("POST", PATH, {"action": "sync"})["sent"] == []
    api.ok("POST", PATH, {"action": "disable", "deleteRemote": True})
    assert peer.version == 0
    assert not api.ok("GET", PATH)["enabled"]
    assert not SyncSettings.load().passphrase
    assert Combo.objects.count() == 1


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"passphrase": "short"}, "passphrase"),
        ({"url": "ftp://x"}, "url"),
        ({"url": "x y"}, "url"),
        ({"apiKey": "\n"}, "apiKey"),
        ({"apiKey": "schlüssel"}, "apiKey"),
        ({"space": "Big"}, "space"),
        ({"space": "models"}, "space"),
        ({"intervalMinutes": 9999}, "intervalMinutes"),
        ({"groups": ["everything"]}, "groups.0"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_wrong_wishes_are_named_and_change_nothing(api, peer, wish, field):
    assert api.error("POST", PATH, {**WISH, "url": peer.url, **wish}) == (400, field)
    assert not SyncSettings.objects.exists()
    assert not peer.requests


def test_a_peer_that_fails_is_a_502_and_nothing_is_kept(api, peer):
    peer.answer = (200, "text/html", b"<html>")
    status, answer = api.call("POST", PATH, {**WISH, "url": peer.url})
    assert (status, answer["error"]["code"]) == (502, "not_a_peer")
    assert not SyncSettings.objects.exists()


def test_the_environment_says_where(api, peer, settings):
    settings.CLOUD_URL = peer.url
    api.ok("POST", PATH, {**WISH, "url": "http://127.0.0.1:9"})
    assert api.ok("GET", PATH)["urlFromEnvironment"]
    assert peer.version == 1


def test_a_change_is_synced_soon_and_once(api, peer, django_capture_on_commit_callbacks):
    api.ok("POST", PATH, {**WISH, "url": peer.url})
    with django_capture_on_commit_callbacks(execute=True):
        for number in range(3):
            Combo.objects.create(name=f"c{number}").targets.create(model="openai/x")
    assert [task.func() for task in OrmQ.objects.all()] == ["gateway.tasks.sync_soon"]
    assert background.after_change() == "sent 3, took 0"
    assert SyncSettings.load().queued_at is None


def test_the_schedule_keeps_to_the_interval_and_waits_for_a_peer_that_is_away(api, peer):
    assert background.by_schedule() == "off"
    api.ok("POST", PATH, {**WISH, "url": peer.url, "intervalMinutes": 10})
    assert background.by_schedule() == "not due"
    SyncSettings.objects.update(tried_at=timezone.now() - timedelta(minutes=10))
    assert background.by_schedule() == "sent 0, took 0"
    waits = []
    for _ in range(4):
        SyncSettings.objects.update(url="http://127.0.0.1:9", tried_at=None, next_try_at=None)
        assert "cannot be reached" in background.by_schedule()
        next_try_at = SyncSettings.load().next_try_at
        assert next_try_at
        waits.append(round((next_try_at - timezone.now()).total_seconds() / 60))
    assert waits == [10, 20, 40, 60]
    SyncSettings.objects.update(url=peer.url, tried_at=None)
    assert background.by_schedule() == "waiting for the peer"


def test_initialize_brings_back_a_schedule_that_was_deleted(api):
    Schedule.objects.filter(func="gateway.tasks.sync_by_schedule").delete()
    assert api.ok("POST", "/api/sync/initialize") == {"success": True, "enabled": False, "intervalMinutes": 5}
    assert Schedule.objects.filter(func="gateway.tasks.sync_by_schedule").count() == 1
