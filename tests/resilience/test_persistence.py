from __future__ import annotations

import pytest
from django.db import DatabaseError

from resilience import classify, persistence
from resilience.breaker import Breakers
from resilience.cooldown import Cooldowns
from resilience.models import StoredState
from resilience.profiles import PROFILES
from tests.resilience.conftest import Clock

pytestmark = pytest.mark.django_db


def test_state_survives_a_restart(clock: Clock):
    before = Breakers(clock), Cooldowns(clock)
    for _ in range(5):
        before[0].fail("a", PROFILES["apikey"])
    before[1].apply("account:1", classify.RATE_LIMITED, hint=60)
    persistence.save(before)
    after = Breakers(clock), Cooldowns(clock)
    persistence.restore(after)
    assert after[0].get("a") == before[0].get("a")
    assert after[1].remaining("account:1") == 60


def test_what_was_taken_back_does_not_come_back(clock: Clock):
    store = Cooldowns(clock)
    store.apply("account:1", classify.AUTH)
    persistence.save([store])
    store.clear()
    persistence.save([store])
    assert not StoredState.objects.exists()


def test_what_is_over_is_deleted_at_the_next_start(clock: Clock):
    store = Cooldowns(clock)
    store.apply("account:1", classify.AUTH)
    persistence.save([store])
    clock.now += 500
    persistence.restore([Cooldowns(clock)])
    assert not StoredState.objects.exists()


def test_what_could_not_be_written_is_written_later(clock: Clock, monkeypatch):
    store = Cooldowns(clock)
    store.apply("account:1", classify.AUTH)
    with monkeypatch.context() as patch:
        patch.setattr(persistence, "_write", lambda *arguments: (_ for _ in ()).throw(DatabaseError("busy")))
        persistence.save([store])
    persistence.save([store])
    assert StoredState.objects.get().key == "account:1"
