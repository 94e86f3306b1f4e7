from __future__ import annotations

import json

import pytest

from gateway.sync import envelope as envelopes
from gateway.sync.envelope import keys_for, new_keys, seal, unseal
from gateway.sync.errors import SyncError

DOCUMENT = {"objects": {"combo:a": {"at": 1, "by": "d", "fields": {"name": "sk-secret"}}}}
WORDS = "correct horse battery"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setitem(envelopes.SCRYPT, "n", 2**14)


def sealed(version: int = 3, space: str = "main"):
    return seal(DOCUMENT, new_keys(WORDS), space=space, version=version)


def code(envelope, *, passphrase=WORDS, space="main", version=3) -> str:
    with pytest.raises(SyncError) as caught:
        unseal(envelope, keys_for(envelope, passphrase), space=space, version=version)
    assert WORDS not in caught.value.message
    return caught.value.code


def test_it_opens_with_the_passphrase_and_shows_nothing_without():
    envelope = sealed()
    assert unseal(envelope, keys_for(envelope, WORDS), space="main", version=3) == DOCUMENT
    assert "secret" not in json.dumps(envelope)
    assert WORDS not in json.dumps(envelope)
    assert sealed()["data"] != sealed()["data"]


def test_another_passphrase_is_told_from_damage():
    assert code(sealed(), passphrase="correct horse batterz") == "wrong_passphrase"
    envelope = sealed()
    for name in ("data", "nonce"):
        first = "B" if envelope[name][0] == "A" else "A"
        assert code({**envelope, name: first + envelope[name][1:]}) == "damaged_envelope"
        assert code({**envelope, name: "%%"}) == "damaged_envelope"
        assert code({**envelope, name: envelope[name][:8]}) == "damaged_envelope"


def test_an_older_copy_cannot_be_passed_off_as_a_newer_one_or_as_another_spaces():
    assert code(sealed(version=2), version=3) == "damaged_envelope"
    assert code(sealed(space="other")) == "damaged_envelope"


@pytest.mark.parametrize(
    "kdf",
    [{"n": 2}, {"n": 2**30}, {"n": 2**14 + 1}, {"r": 1}, {"p": 9}, {"name": "md5"}, {"salt": 5}, {"x": 1}],
)
def test_the_peer_does_not_say_how_hard_guessing_is(kdf):
    envelope = sealed()
    assert code({**envelope, "kdf": {**envelope["kdf"], **kdf}}) == "damaged_envelope"
    assert code({**envelope, "kdf": None}) == "damaged_envelope"


@pytest.mark.parametrize("envelope", [{}, {"v": 2}, {"providers": []}, {"v": None}])
def test_another_format_is_not_guessed_at(envelope):
    assert code(envelope) == "unknown_format"


def test_the_cost_of_a_guess_is_what_owasp_asks_for(monkeypatch):
    monkeypatch.undo()
    assert envelopes.SCRYPT == {"n": 2**17, "r": 8, "p": 1}
