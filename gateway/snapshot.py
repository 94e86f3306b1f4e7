"""The whole configuration as one immutable value, so that a request asks the database nothing.

Built once, and swapped when something changes: at once in the process that saved, and in the others when they see that
the stored version is ahead of theirs (`follow`): with Redis they are told, without it they look once a second. A
request that misses - an unknown key, an unknown model - looks at the version itself before it answers (`newer_than`),
so that a key made by the command line works right away.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections, transaction
from django.db.models.signals import post_delete, post_save

from billing import config as billing_config
from billing.models import ApiKey, Budget, Price
from combos import config as combos_config
from combos.models import (
    Combo,
    ComboTarget,
    FallbackChain,
    FallbackEntry,
    ModelAlias,
    ProviderRouting,
    RoutingSettings,
)
from combos.resolve import Route
from gateway import versions
from gateway.models import (
    AccessSettings,
    AISettings,
    CacheSettings,
    GatewaySettings,
    TimeLimits,
)
from gateway.policies import Policies
from gateway.policies.thinking import ThinkingPolicy
from gateway.replay import config as replay_config
from gateway.replay.config import ReplayConfig
from gateway.versions import Version
from providers import config as providers_config
from providers import patience
from providers.models import Account, CustomModel, LearnedQuirk, ModelSync, ProviderNode, ProxyRule
from providers.patience import Patience
from providers.spec import Quirk
from resilience.models import IpRules, ProviderProfile, RateLimitSettings, TemporaryBan

logger = logging.getLogger(__name__)

T = TypeVar("T")

WATCHED = (
    AccessSettings,
    AISettings,
    Account,
    ApiKey,
    Budget,
    CacheSettings,
    Combo,
    ComboTarget,
    CustomModel,
    FallbackChain,
    FallbackEntry,
    GatewaySettings,
    IpRules,
    LearnedQuirk,
    ModelAlias,
    ModelSync,
    Price,
    ProviderNode,
    ProviderRouting,
    RoutingSettings,
    ProxyRule,
    ProviderProfile,
    RateLimitSettings,
    TemporaryBan,
    TimeLimits,
)
"""Saving or deleting one of these changes the snapshot. `QuerySet.update` sends no signal: call `changed` after it."""
POLL_S = 1.0
"""The longest that another process's change takes to hold here."""
MISS_INTERVAL_S = 0.05
"""How often, at most, misses may look at the version."""
MAX_ROUTES = 10_000


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds."""

    connect: float
    first_event: float
    idle: float
    response: float
    keepalive: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    version: Version
    providers: providers_config.ProvidersConfig
    combos: combos_config.CombosConfig
    billing: billing_config.BillingConfig
    timeouts: Timeouts
    policies: Policies
    require_key_for_models: bool
    fetch_private_addresses: bool = False
    replay: ReplayConfig = replay_config.DEFAULT
    patience: Patience = field(default_factory=Patience)
    routes: dict[str, Route] = field(default_factory=dict)
    """Names that were resolved under this snapshot."""
    spreading: dict[str, bool] = field(default_factory=dict)
    """Of these, which go to different places by turns (`gateway.planning.spreads`)."""
    blended: dict[str, Decimal | None] = field(default_factory=dict)
    """Prices of targets, input and output together (`gateway.planning`)."""


def remembered(memory: dict[str, T], name: str, value: T) -> T:
    """Keep what was found out under a snapshot, as long as there is room: names come from clients."""
    if len(memory) < MAX_ROUTES:
        memory[name] = value
    return value


_current: Snapshot | None = None
_lock = threading.Lock()
_looked_at = 0.0
_looking: asyncio.Future[Snapshot] | None = None
"""One look at the version is shared by all that miss meanwhile."""
_fresh: list[tuple[str, tuple[Quirk, ...]]] = []
"""What was learned and is not in the database yet."""


def load() -> Snapshot:
    """Read everything from the database. Blocking; a dozen queries."""
    version = versions.stored()
    row = GatewaySettings.load()
    providers = providers_config.load()
    return Snapshot(
        version=version,
        providers=providers,
        combos=combos_config.load(),
        billing=billing_config.load(),
        timeouts=Timeouts(
            row.connect_timeout_s,
            row.first_event_timeout_s,
            row.idle_timeout_s,
            row.response_timeout_s,
            row.keepalive_s,
        ),
        policies=Policies(
            row.system_prompt.strip() if row.system_prompt_enabled else "",
            ThinkingPolicy(row.thinking_mode, row.thinking_budget, row.thinking_effort),
        ),
        require_key_for_models=row.require_key_for_models,
        fetch_private_addresses=row.fetch_private_addresses,
        replay=replay_config.load(),
        patience=patience.load(providers),
    )


def refresh() -> Snapshot:
    """Blocking: the newest configuration, read only if it is newer than what this process has."""
    global _current
    with _lock:
        if _current is None or versions.stored() != _current.version:
            _current = _with_fresh(load())
        return _current


def reset() -> None:
    """Forget the snapshot; the next request builds it."""
    global _current, _looked_at
    with _lock:
        _current, _looked_at = None, 0.0


def version() -> int:
    """Of the configuration that this process works with; 0 before its first request."""
    return 0 if _current is None else _current.version.number


async def current() -> Snapshot:
    """Without any waiting once it is there."""
    if _current is not None:
        return _current
    return await sync_to_async(_refresh_in_thread)()


async def newer_than(known: Snapshot) -> Snapshot | None:
    """The newer snapshot if there is one. For requests that are about to fail with what is known."""
    global _looked_at, _looking
    if _current is not known:
        return _current
    loop, looking = asyncio.get_running_loop(), _looking
    if looking is None or looking.done() or looking.get_loop() is not loop:
        now = time.monotonic()
        if now - _looked_at < MISS_INTERVAL_S:
            return None
        _looked_at = now
        looking = _looking = asyncio.ensure_future(sync_to_async(_refresh_in_thread)())
    found = await asyncio.shield(looking)
    return found if found is not known else None


async def follow(replaced: Callable[[], object]) -> None:
    """Take over the changes of other processes, until cancelled. `replaced` is called in a thread when all rows became
    those of a backup: what this process remembers of accounts and keys is about others then."""
    versions.begin()
    known = await current()
    while True:
        await versions.news(POLL_S)
        try:
            newest = await sync_to_async(_refresh_in_thread)()
            if newest.version.epoch != known.version.epoch:
                await sync_to_async(replaced)()
            known = newest
        except DatabaseError as error:
            logger.warning("The configuration could not be read, the old one stays in force: %s", error)


def adopt(provider: str, quirks: tuple[Quirk, ...]) -> None:
    """Apply from the next request on what this process just learned. It holds until `settle`: say so when it is written
    down, and comes with the rest of the configuration."""
    global _current
    _fresh.append((provider, quirks))
    if _current is not None:
        _current = _with_fresh(_current)


def settle(provider: str, quirks: tuple[Quirk, ...]) -> None:
    _fresh.remove((provider, quirks))


def _with_fresh(snapshot: Snapshot) -> Snapshot:
    providers = snapshot.providers
    for provider, quirks in list(_fresh):
        providers = providers.with_quirks(provider, quirks)
    if providers is snapshot.providers:
        return snapshot
    return replace(snapshot, providers=providers, routes={}, spreading={})


def changed() -> None:
    """Say that configuration was written, within the transaction that wrote it."""
    versions.raise_version("version")
    transaction.on_commit(_committed, robust=True)


def replaced() -> None:
    """Say that all of it was replaced by that of a backup, within the transaction that did it."""
    versions.raise_version("version", "epoch")
    transaction.on_commit(_committed, robust=True)


def watch_models() -> None:
    for model in WATCHED:
        post_save.connect(_on_change, sender=model, dispatch_uid=f"snapshot-save-{model.__name__}")
        post_delete.connect(_on_change, sender=model, dispatch_uid=f"snapshot-delete-{model.__name__}")


def _on_change(sender: Any, raw: bool = False, **kwargs: Any) -> None:
    if not raw:
        changed()


def _committed() -> None:
    """Commands and the job process hold no snapshot, and need none."""
    if _current is not None:
        refresh()
    versions.tell()


def _refresh_in_thread() -> Snapshot:
    close_old_connections()
    return refresh()
