from __future__ import annotations

import pytest

from resilience import classify
from resilience.cooldown import Cooldowns
from resilience.profiles import API_KEY, LOCAL, OAUTH, PROFILES
from tests.resilience.conftest import Clock


@pytest.mark.parametrize(
    ("kind", "passing", "limited"),
    [
        (OAUTH, 5, [60, 120, 120]),
        (API_KEY, 3, [1, 2, 4, 8, 16, 32, 32]),
        (LOCAL, 2, [5, 10, 20, 40, 40]),
    ],
)
def test_each_kind_has_its_own_patience(kind: str, passing: float, limited: list[float], clock: Clock):
    profile, store = PROFILES[kind], Cooldowns(clock)
    assert store.apply("a", profile.fit(classify.TRANSIENT)).until == clock.now + passing
    waits = []
    for _ in limited:
        waits.append(store.apply("b", profile.fit(classify.RATE_LIMITED)).until - clock.now)
        clock.now += waits[-1] + 1
    assert waits == limited


def test_what_is_the_account_s_fault_takes_as_long_everywhere():
    for verdict in (classify.AUTH, classify.BILLING, classify.MODEL, classify.BAD_REQUEST, classify.CONTEXT):
        assert {profile.fit(verdict) for profile in PROFILES.values()} == {verdict}
