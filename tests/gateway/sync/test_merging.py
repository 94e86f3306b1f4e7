"""Three devices, edits, deletions and syncs in any order: they agree in the end, and nothing newer is lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.sync.merging import (
    TOMBSTONE_MS,
    Objects,
    Row,
    Shadow,
    Stamped,
    digest,
    from_json,
    merge,
    present,
    to_json,
)

PARTS = {"credential": "account"}
IDS = ("combo:a", "combo:b", "account:x", "account:y")


@dataclass
class Device:
    """Rows and what is remembered of them, as `gateway.sync.local` keeps them. `skew`: its clock's error in ms."""

    name: str
    skew: int = 0
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    shadows: dict[str, Shadow] = field(default_factory=dict)

    def note(self, id: str, now: int) -> None:
        known = self.shadows.get(id, Shadow(0, "", ""))
        self.shadows[id] = Shadow(known.at, known.device, known.digest, now + self.skew)

    def edit(self, id: str, value: int, now: int) -> None:
        self.rows[id] = {"value": value}
        self.note(id, now)
        if id.startswith("account") and f"credential:{id[8:]}" not in self.rows:
            self.edit(f"credential:{id[8:]}", value, now)

    def delete(self, id: str, now: int) -> None:
        if self.rows.pop(id, None) is not None:
            self.note(id, now)
            self.rows.pop(f"credential:{id[8:]}", None)

    def sync(self, copy: Objects, now: int) -> Objects:
        """What the copy is afterwards."""
        shadows = {  # edits are noted by the device's clock; the peer's clock counts
            id: Shadow(each.at, each.device, each.digest, each.edited_at and each.edited_at - self.skew)
            for id, each in self.shadows.items()
        }
        rows = {id: Row(fields) for id, fields in self.rows.items()}
        mine = present(rows, shadows, PARTS, device=self.name, now=now)
        merged = merge(mine, copy, PARTS, now=now)
        self.rows = {id: dict(each.fields) for id, each in merged.items() if each.fields is not None}
        self.shadows = {id: Shadow(each.at, each.device, digest(each.fields)) for id, each in merged.items()}
        return from_json(to_json(merged))


WHO = st.integers(0, 2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("edit"), WHO, st.sampled_from(IDS), st.integers(0, 9)),
        st.tuples(st.just("delete"), WHO, st.sampled_from(IDS)),
        st.tuples(st.just("renew"), WHO, st.sampled_from(("x", "y")), st.integers(10, 99)),
        st.tuples(st.just("sync"), WHO),
    ),
    max_size=30,
)
SKEWS = st.lists(st.integers(-(10**9), 10**9), min_size=3, max_size=3)


@dataclass
class Told:
    """What was said about the objects, in order: (device, object, fields or None, whether others can know)."""

    words: list[tuple[str, str, Any, bool]] = field(default_factory=list)

    def step(self, device: Device, id: str) -> None:
        """Whoever takes back what nobody saw, has said nothing."""
        self.words = [each for each in self.words if (each[0], each[1], each[3]) != (device.name, id, False)]
        fields = device.rows.get(id)
        known = device.shadows.get(id, Shadow(0, "", ""))
        if digest(fields) != known.digest:
            self.words.append((device.name, id, fields, False))

    def synced(self, device: Device) -> None:
        self.words = [(who, id, what, known or who == device.name) for who, id, what, known in self.words]

    def last(self) -> dict[str, Any]:
        return {id: fields for _, id, fields, _ in self.words}


@given(STEPS, SKEWS)
def test_devices_agree_in_the_end_and_the_latest_word_on_everything_counts(steps, skews):
    devices = [Device(name, skew) for name, skew in zip("abc", skews, strict=True)]
    copy: Objects = {}
    told = Told()
    now = 10**12
    for action, who, *more in steps:
        now += 1000
        device = devices[who]
        if action == "sync":
            copy = device.sync(copy, now)
            told.synced(device)
        elif action == "renew":
            if f"account:{more[0]}" in device.rows:
                device.edit(f"credential:{more[0]}", more[1], now)
        else:
            device.edit(*more, now) if action == "edit" else device.delete(*more, now)
            told.step(device, more[0])
    for device in devices * 2:
        now += 1000
        copy = device.sync(copy, now)
    assert devices[0].rows == devices[1].rows == devices[2].rows
    assert devices[0].rows == {id: each.fields for id, each in copy.items() if each.fields is not None}
    assert {id: devices[0].rows.get(id) for id in told.last()} == told.last()
    accounts = {id.partition(":")[2] for id in devices[0].rows if id.startswith("account:")}
    assert {f"credential:{key}" for key in accounts} == {
        id for id in devices[0].rows if id.startswith("cred")
    }


def test_a_renewed_token_and_a_new_name_of_the_same_account_do_not_undo_each_other():
    one, two = Device("a"), Device("b")
    one.edit("account:x", 1, 100)
    copy = two.sync(one.sync({}, 200), 300)
    one.edit("credential:x", 2, 400)
    two.edit("account:x", 5, 500)
    copy = one.sync(two.sync(one.sync(copy, 600), 700), 800)
    assert one.rows == two.rows == {"account:x": {"value": 5}, "credential:x": {"value": 2}}


def test_a_change_on_top_of_one_from_the_future_still_wins():
    copy = {"combo:a": Stamped(9_000_000, "b", {"value": 1})}
    device = Device("a")
    copy = device.sync(copy, 1000)
    device.edit("combo:a", 2, 1500)
    assert device.sync(copy, 2000)["combo:a"] == Stamped(9_000_001, "a", {"value": 2})


def test_who_joins_takes_what_is_shared_where_nobody_knows_what_is_newer():
    mine = present({"routing:": Row({"value": 1})}, {}, PARTS, device="a", now=50)
    assert merge(mine, {"routing:": Stamped(7, "b", {"value": 2})}, PARTS, now=50)["routing:"].fields == {
        "value": 2
    }
    assert merge(mine, {}, PARTS, now=50)["routing:"] == Stamped(50, "a", {"value": 1})


def test_what_this_version_does_not_know_is_carried_along():
    copy = {"widget:w": Stamped(5, "b", {"new": [1]})}
    assert Device("a").sync(copy, 100) == copy


def test_tombstones_end():
    copy = {"combo:a": Stamped(100, "b", None)}
    assert merge({}, copy, PARTS, now=100 + TOMBSTONE_MS - 1) == copy
    assert merge({}, copy, PARTS, now=100 + TOMBSTONE_MS) == {}
