"""The page: begin, see, end."""

from __future__ import annotations

import pytest

from combos.models import Combo
from gateway.models import SyncSettings, SyncSpace
from gateway.sync import envelope as envelopes
from tests.gateway.sync.peers import wicked_peer

PATH = "/admin/gateway/sync/"


@pytest.fixture
def peer(monkeypatch):
    monkeypatch.setitem(envelopes.SCRYPT, "n", 2**14)
    with wicked_peer() as running:
        yield running


def form(peer, **more):
    return {
        "action": "enable",
        "url": peer.url,
        "api_key": "sk-peer",
        "space": "main",
        "device_name": "desk",
        "passphrase": "correct horse battery",
        "passphrase_again": "correct horse battery",
        "groups": ["combos", "prices"],
        "interval": "7",
        "confirmation": "share",
        **more,
    }


def messages(response):
    return [str(message) for message in response.context["messages"]]


def test_enable_sync_change_disable(admin_client, peer):
    Combo.objects.create(name="mine")
    response = admin_client.post(PATH, form(peer), follow=True)
    assert messages(response) == ["Cloud sync is on. Sent 1, took 0."]
    for text in ("In sync", "desk (this one)", "combo mine", peer.url):
        assert text in response.text
    assert "correct horse" not in response.text
    assert "sk-peer" not in response.text
    change = {"action": "change", "groups": ["combos"], "interval": "9", "device_name": "lap"}
    admin_client.post(PATH, change)
    row = SyncSettings.load()
    assert (row.groups, row.interval_minutes, row.device_name) == (["combos"], 9, "lap")
    peer.version = 0
    peer.envelope = None
    response = admin_client.post(PATH, {"action": "sync"}, follow=True)
    assert "The copy is gone" in response.text
    assert "Go on with what is there and here" in response.text
    admin_client.post(PATH, {"action": "sync", "accept": "1"})
    assert peer.version == 1
    response = admin_client.post(PATH, {"action": "disable", "delete": "1"}, follow=True)
    assert peer.version == 0
    assert "Enable cloud sync" in response.text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"passphrase_again": "another passphrase"}, "differ"),
        ({"passphrase": "short", "passphrase_again": "short"}, "at least 12"),
        ({"confirmation": "yes"}, "Type “share”"),
        ({"groups": []}, "Choose what is shared"),
        ({"interval": "²"}, "interval"),
        ({"url": "nowhere"}, "Enter an address"),
        ({"url": "http://127.0.0.1:9"}, "cannot be reached"),
    ],
)
def test_what_is_wrong_is_told_and_what_was_typed_stays(admin_client, peer, wrong, words):
    response = admin_client.post(PATH, form(peer, **wrong))
    assert words in messages(response)[0]
    assert 'value="desk"' in response.text
    assert "correct horse" not in response.text
    assert not SyncSettings.objects.exists()


def test_copies_of_others_are_listed_without_what_is_in_them(admin_client, db):
    from billing.keys import create_api_key

    key = create_api_key("laptops", "sync").record
    SyncSpace.objects.create(owner=key, name="main", envelope='{"data": "c2VhbGVk"}')
    assert "1 copy kept for others" in admin_client.get(PATH).text
    response = admin_client.get("/admin/gateway/syncspace/")
    assert "laptops" in response.text
    assert "c2VhbGVk" not in response.text


def test_who_may_not_change_it_does_not_see_it(client, django_user_model):
    django_user_model.objects.create_user("staff", password="a-password", is_staff=True)
    client.login(username="staff", password="a-password")
    assert client.get(PATH).status_code == 403
