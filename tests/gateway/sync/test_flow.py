"""One device and a peer: what is sent and taken, and that whatever the peer does, what is here stays in use."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Price
from combos.models import Combo, RoutingSettings
from gateway.models import SyncObject, SyncRun, SyncSettings
from gateway.sync import background, flow
from gateway.sync import peer as peers
from gateway.sync.envelope import digest, keys_for, new_keys, seal, unseal
from gateway.sync.errors import SyncError
from omniroute import crypto
from omniroute.models import AuditEntry
from providers.models import Account, ProviderNode

PASSPHRASE = "correct horse battery"


def sync(**options: Any) -> SyncRun:
    return flow.synchronise("now", **options)


def document(peer: Any) -> dict[str, Any]:
    keys = keys_for(peer.envelope, PASSPHRASE)
    return unseal(peer.envelope, keys, space="main", version=peer.version)


def elsewhere(peer: Any, **objects: tuple[int, dict[str, Any] | None]) -> None:
    """Another device writes: objects by `kind__key`, as (seconds from now, fields)."""
    keys = keys_for(peer.envelope, PASSPHRASE) if peer.envelope else new_keys(PASSPHRASE)
    found = document(peer) if peer.envelope else {"objects": {}, "devices": {}}
    now = timezone.now().timestamp() * 1000 + peer.ahead_ms
    for name, (seconds, fields) in objects.items():
        kind, _, key = name.partition("__")
        at = round(now + seconds * 1000)
        found["objects"][f"{kind.replace('_', '-')}:{key}"] = {"at": at, "by": "d2", "fields": fields}
    peer.version += 1
    peer.envelope = seal(found, keys, space="main", version=peer.version)


def failure() -> str:
    with pytest.raises(SyncError) as caught:
        sync()
    row = SyncSettings.load()
    assert row.error_code == caught.value.code
    assert row.next_try_at
    assert not row.lease
    return caught.value.code


def combo(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "targets": [{"model": "openai/x", "weight": 1, "is_active": True}], **more}


def test_what_is_here_is_sent_and_what_is_there_is_taken(enabled, peer):
    Combo.objects.create(name="mine").targets.create(model="openai/gpt-4o")
    assert "combo mine" in sync().sent
    elsewhere(peer, combo__theirs=(1, combo("theirs")), combo__mine=(5, None))
    run = sync()
    assert set(run.taken) == {"combo theirs", "combo mine (deleted)"}
    assert not run.sent
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action) == ("cloud sync", "took over")
    assert set(entry.target.split(", ")) == set(run.taken)
    assert [each.name for each in Combo.objects.all()] == ["theirs"]
    requests = len(peer.requests)
    assert not sync().taken
    assert len(peer.requests) == requests + 1  # nothing new: asked once, and sent nothing
    assert document(peer)["devices"].keys() == {"d1"}


def test_the_later_change_wins_whatever_this_machines_clock_says(enabled, peer):
    peer.ahead_ms = 3_600_000
    Combo.objects.create(name="x", description="first")
    sync()
    Combo.objects.update(description="here")  # later than the first, by a clock that is an hour behind
    assert sync().sent == ["combo x"]
    elsewhere(peer, combo__x=(-60, combo("x", description="a minute ago")))
    assert sync().sent == ["combo x"]
    assert Combo.objects.get().description == "here"
    elsewhere(peer, combo__x=(1, combo("x", description="there")))
    sync()
    assert Combo.objects.get().description == "there"


def test_settings_are_taken_by_who_joins_and_sent_by_who_changes_them(enabled, peer):
    SyncSettings.objects.update(is_enabled=False)
    RoutingSettings(sticky_limit=9).save()
    SyncSettings.objects.update(is_enabled=True)
    elsewhere(peer, routing__=(-1000, {"sticky_limit": 4}))
    sync()
    assert RoutingSettings.load().sticky_limit == 4
    RoutingSettings(sticky_limit=5).save()
    sync()
    assert document(peer)["objects"]["routing:"]["fields"]["sticky_limit"] == 5


def test_two_devices_with_the_same_account_have_one_account(enabled, peer):
    mine = Account.objects.create(provider="openai", name="Here", api_key="sk-same")
    other = Account.objects.create(provider="openai", name="Another", api_key="sk-other")
    fields = {"uid": "u1", "provider": "openai", "name": "There", "base_url": ""}
    elsewhere(
        peer, account__u1=(5, fields), credential__u1=(5, {"auth_type": "api_key", "api_key": "sk-same"})
    )
    sync()
    assert set(Account.objects.values_list("pk", "uid", "name")) == {
        (mine.pk, "u1", "There"),
        (other.pk, other.uid, "Another"),
    }


def test_a_token_that_was_renewed_elsewhere_is_taken_and_ends_the_need_to_sign_in(enabled, peer):
    account = Account.objects.create(
        provider="claude", name="C", auth_type="oauth", refresh_token="r1", access_token="a1"
    )
    sync()
    account.sign_in_needed_at, account.sign_in_reason = timezone.now(), "the token was used elsewhere"
    account.save(update_fields=["sign_in_needed_at", "sign_in_reason"])
    tokens = {"auth_type": "oauth", "refresh_token": "r2", "access_token": "a2"}
    elsewhere(peer, **{f"credential__{account.uid}": (5, tokens)})
    sync()
    account.refresh_from_db()
    assert (account.refresh_token, account.access_token, account.needs_sign_in) == ("r2", "a2", False)


def test_a_secret_that_cannot_be_read_here_is_mended_not_spread(enabled, peer, settings):
    account = Account.objects.create(provider="openai", name="O", api_key="sk-good")
    sync()
    kept = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = ["another key"]
    broken = crypto.encrypt("sk-good")
    settings.ENCRYPTION_KEYS = kept
    Account.objects.filter(pk=account.pk).update(api_key="")
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE providers_account SET api_key = %s", [broken])
    assert Account.objects.get().api_key == ""
    run = sync()
    assert not run.sent
    assert Account.objects.get().api_key == "sk-good"


def test_what_does_not_fit_here_is_told_and_tried_again(enabled, peer):
    ProviderNode.objects.create(name="Mine", prefix="same", base_url="http://localhost:1/v1")
    theirs = {"id": "node-2", "name": "Theirs", "prefix": "same", "base_url": "http://localhost:2/v1"}
    elsewhere(peer, node__node_2=(1, theirs), widget__w=(1, {"of": "the future"}))
    peer_objects = document(peer)["objects"]
    assert "widget:w" in peer_objects
    peer_objects_id = "node:node_2"
    run = sync()
    assert [each["name"] for each in run.refused] == ["node Theirs"]
    assert "prefix" in run.refused[0]["reason"]
    assert document(peer)["objects"].keys() >= {"widget:w", peer_objects_id}
    assert not SyncObject.objects.filter(key="node_2").exists()


def test_nothing_of_a_merge_stays_when_it_is_cut_off(enabled, peer, monkeypatch):
    elsewhere(peer, combo__a=(1, combo("a")), combo__b=(1, combo("b")))

    def cut(*args: Any) -> None:
        raise RuntimeError("the process died")

    monkeypatch.setattr("gateway.sync.local.remember", cut)
    with pytest.raises(RuntimeError):
        sync()
    monkeypatch.undo()
    assert not Combo.objects.exists()
    assert not SyncSettings.load().lease


def test_another_device_that_is_faster_is_merged_with(enabled, peer):
    Combo.objects.create(name="mine")
    peer.before_push = lambda: elsewhere(peer, combo__theirs=(1, combo("theirs")))
    sync()
    assert {each.name for each in Combo.objects.all()} == {"mine", "theirs"}
    assert {"combo:mine", "combo:theirs"} <= document(peer)["objects"].keys()


def test_groups_that_are_not_shared_are_neither_sent_nor_taken_and_stay_in_the_copy(enabled, peer):
    SyncSettings.objects.update(groups=["combos"])
    Price.objects.create(provider="openai", model="x", input=1, output=1)
    elsewhere(peer, price__a=(1, {"provider": "a"}))
    Combo.objects.create(name="mine")
    sync()
    found = document(peer)["objects"]
    assert found.keys() == {"price:a", "combo:mine"}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((200, "text/html", b"<html>Hello</html>"), "not_a_peer"),
        ((200, "application/json", b"[1]"), "not_a_peer"),
        ((200, "application/json", b'{"success": true, "data": {}}'), "unknown_protocol"),
        ((200, "application/json", b'{"protocol": 2, "version": 1}'), "unknown_protocol"),
        ((200, "application/json", b'{"protocol": 1, "version": "x"}'), "unknown_protocol"),
        ((401, "application/json", b'{"error": {"message": "no"}}'), "peer_401"),
        ((404, "text/html", b"<html>"), "peer_404"),
        ((413, "text/html", b"too large"), "peer_413"),
        ((500, "text/plain", b""), "peer_500"),
    ],
)
def test_a_peer_that_answers_something_else_changes_nothing_here(enabled, peer, answer, code):
    Combo.objects.create(name="mine")
    peer.answer = answer
    assert failure() == code
    assert Combo.objects.count() == 1


def test_a_peer_that_is_slow_cut_off_or_gone_changes_nothing_here(enabled, peer, monkeypatch):
    Combo.objects.create(name="mine")
    peer.is_cut = True
    assert failure() == "peer_broken"
    peer.is_cut, peer.delay_s = False, 0.5
    monkeypatch.setattr(peers, "TIMEOUT_S", 0.2)
    assert failure() == "peer_timeout"
    SyncSettings.objects.update(url="http://127.0.0.1:9")
    assert failure() == "peer_unreachable"
    assert SyncSettings.load().failures == 3
    SyncSettings.objects.update(url=peer.url)
    peer.delay_s = 0
    assert background.by_schedule() in ("not due", "waiting for the peer")
    sync()
    assert not SyncSettings.load().error


def test_older_replaced_and_missing_copies_are_refused_until_somebody_accepts_them(enabled, peer):
    Combo.objects.create(name="mine")
    sync()
    first = peer.version, peer.envelope
    Combo.objects.create(name="second")
    sync()
    peer.version, peer.envelope = first
    assert failure() == "older_copy"
    Combo.objects.create(name="third")
    peer.version = 2
    assert failure() == "other_copy"  # relabelled
    peer.version, peer.envelope = 3, first[1]
    assert failure() == "damaged_envelope"
    peer.version, peer.envelope = 0, None
    assert failure() == "copy_gone"
    sync(accept_older=True)
    assert {"combo:mine", "combo:second"} <= document(peer)["objects"].keys()


def test_a_wrong_passphrase_and_a_damaged_copy_overwrite_nothing(enabled, peer):
    elsewhere(peer, combo__theirs=(1, combo("theirs")))
    before = digest(peer.envelope)
    SyncSettings.objects.update(passphrase="something else here")
    assert failure() == "wrong_passphrase"
    row = SyncSettings.load()
    row.passphrase = PASSPHRASE
    row.save()
    peer.envelope = {**peer.envelope, "data": peer.envelope["data"][:-8] + "AAAAAAA="}
    assert failure() == "damaged_envelope"
    peer.envelope["data"] = "AAAA"
    assert failure() == "damaged_envelope"
    assert peer.version == 1
    assert digest(peer.envelope) != before
    assert not Combo.objects.exists()


def test_one_sync_at_a_time(enabled, peer):
    SyncSettings.objects.update(lease="somebody", lease_until=timezone.now() + timedelta(minutes=1))
    with pytest.raises(SyncError, match="under way"):
        sync()
    assert not peer.requests
    SyncSettings.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
    sync()
