"""How a process takes over what others wrote."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction

from combos.models import Combo
from gateway import snapshot, versions
from resilience.link import Link, link
from tests.processes import running, until


@pytest.fixture(autouse=True)
def _nothing_known(transactional_db: None) -> None:
    snapshot.reset()


@asynccontextmanager
async def following(replaced: Callable[[], object] = list) -> AsyncIterator[None]:
    await snapshot.current()
    task = asyncio.create_task(snapshot.follow(replaced))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        snapshot.reset()


def elsewhere(*counts: str) -> None:
    """As another process writes it: no signal comes here."""
    with transaction.atomic():
        Combo.objects.bulk_create([Combo(name="new")])
        versions.raise_version(*counts)


def is_known() -> bool:
    return snapshot._current is not None and "new" in snapshot._current.combos.combos


async def test_what_another_process_wrote_is_seen_at_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "POLL_S", 0.02)
    replaced: list[bool] = []
    async with following(lambda: replaced.append(True)):
        await sync_to_async(elsewhere)("version")
        await until(is_known)
    assert replaced == []


async def test_when_a_backup_replaced_everything_what_was_remembered_is_dropped_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshot, "POLL_S", 0.02)
    replaced: list[bool] = []
    async with following(lambda: replaced.append(is_known())):
        await sync_to_async(elsewhere)("version", "epoch")
        await until(lambda: bool(replaced))
        await sync_to_async(versions.raise_version)("version")
        await until(lambda: snapshot.version() == 2)
    assert replaced == [True]


@pytest.mark.cluster
async def test_with_redis_nobody_waits_for_the_next_look(
    shared: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "POLL_S", 3600.0)
    async with running(link), following():
        await sync_to_async(elsewhere)("version")
        await asyncio.to_thread(Link().tell, versions.TOPIC, "7")
        await until(is_known)


@pytest.mark.cluster
async def test_who_commits_a_change_tells_it_once(shared: None) -> None:
    def write() -> None:
        with transaction.atomic():
            for name in ("a", "b", "c"):
                Combo.objects.create(name=name)

    heard: list[str] = []
    other = Link()
    other.listen(versions.TOPIC, heard.append)
    async with running(other):
        await sync_to_async(write)()
        newest = await sync_to_async(versions.stored)()
        Link().tell(versions.TOPIC, "end")
        await until(lambda: "end" in heard)
    assert heard == [str(newest.number), "end"]
