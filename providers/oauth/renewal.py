"""Fresh tokens: ahead of time by a job, and in time on the way of a request. One renewal at a time, across processes.

A lease in the account's row (not a lock: nothing is held in the database while a vendor is asked) tells who renews. Who
does not get it waits until the row shows the new pair. The pair is stored before anybody uses it, since a refresh token
that was used twice is dead (docs/protocol-notes.md, Sign-in in general).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar

import httpx
from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from omniroute.errors import UpstreamError, UpstreamRefused, UpstreamUnreachable
from providers import outgoing
from providers.config import STALE_S, AccountConfig, account_config
from providers.models import Account, spec_by_id
from providers.oauth.accounts import TOKEN_FIELDS, mark_needs_sign_in, tokens_of, write
from providers.oauth.answers import SignInError, Tokens
from providers.oauth.asking import DEFAULT_REGION, LONGEST_WAIT_S, PAUSES_S, SHORTEST_WAIT_S, Asking
from providers.oauth.spec import OAuthSpec
from providers.oauth.vendors import vendor_of
from resilience.classify import Next, Verdict

logger = logging.getLogger(__name__)

LEASE_S = 60.0
RENEWAL_S = 45.0
"""Less than the lease: who holds it is done, one way or the other, before it ends."""
BACK_OFF_S = 30.0
"""No further try within this time after one that failed for a passing reason, unless the vendor says when."""
WAIT_STEP_S = 0.1
STORE_TRIES = 6
SKEWED_LIFE_S = 600.0
SIGN_IN_NEEDED = Verdict("sign_in_needed", Next.ACCOUNT)
"""Nothing is put aside: the account is out of selection already."""
_BACKING_OFF = "backing-off"

P = ParamSpec("P")
R = TypeVar("R")

Sharing = Callable[[Account], AbstractAsyncContextManager[None]]


def _alone(account: Account) -> AbstractAsyncContextManager[None]:
    return nullcontext()


sharing: Sharing = _alone
"""Around a renewal, for accounts that other gateways use, too: what one of them renewed is in the row when it begins,
and no other one renews until it ends. Raises `UpstreamUnreachable` while another one does."""

_running: dict[tuple[asyncio.AbstractEventLoop, int], asyncio.Task[AccountConfig]] = {}
_newest: dict[int, AccountConfig] = {}
"""What this process renewed: requests that were planned with the token before need not look at the database."""


def is_stale(account: AccountConfig) -> bool:
    return account.stale_at <= time.time()


async def ready(account: AccountConfig) -> AccountConfig:
    """The account with a token that can be used. Call it for a stale one. Raise `UpstreamError`.

    A token that could not be renewed but has not ended yet is used for what is left of it.
    """
    try:
        return await renewed(account)
    except UpstreamError as error:
        if not isinstance(error, UpstreamRefused) and time.time() < account.stale_at + STALE_S:
            return account
        raise


async def renewed(account: AccountConfig) -> AccountConfig:
    """The account with another token than it has: somebody else's newest, or one that is asked for now.

    Raise `UpstreamRefused` when somebody has to sign in, `UpstreamUnreachable` when it does not work right now.
    Whoever stops waiting does not stop the renewal: the vendor may have spent the old token already.
    """
    newest = _newest.get(account.id)
    if newest is not None and newest.renewed_at > account.renewed_at and not is_stale(newest):
        return newest
    key = (asyncio.get_running_loop(), account.id)
    task = _running.get(key)
    if task is None:
        task = _running[key] = asyncio.create_task(_renew(account), name=f"renew account {account.id}")
        task.add_done_callback(lambda done: _ended(key, done))
    return await asyncio.shield(task)


async def settle() -> None:
    """Wait for renewals that are under way in this event loop: a pair that is not stored is lost."""
    loop = asyncio.get_running_loop()
    await asyncio.gather(
        *(task for key, task in list(_running.items()) if key[0] is loop), return_exceptions=True
    )


def _ended(key: tuple[asyncio.AbstractEventLoop, int], task: asyncio.Task[AccountConfig]) -> None:
    _running.pop(key, None)
    if not task.cancelled():
        task.exception()  # whoever waited has seen it


async def _renew(account: AccountConfig) -> AccountConfig:
    try:
        config = account_config(await _lead_or_wait(account))
    except DatabaseError as error:
        logger.error("The token of %s was not renewed: %s", account.name, error)
        raise UpstreamUnreachable(f"The token of {account.name} could not be renewed: no database") from error
    _newest[account.id] = config
    return config


async def _lead_or_wait(account: AccountConfig) -> Account:
    owner, deadline = secrets.token_hex(8), time.monotonic() + LEASE_S
    while time.monotonic() < deadline:
        leads = await _in_thread(_take_lease)(account.id, owner)
        row = await _in_thread(_read)(account.id)
        try:
            if row is None or not row.is_active:
                raise _gone(account.name)
            if row.needs_sign_in:
                raise _sign_in_needed(row)
            if row.bearer != account.api_key and not is_stale(account_config(row)):
                return row
            if leads and (led := await _lead_for_all(account, row, owner)):
                return led
            if leads:
                continue
            if row.refresh_lease == _BACKING_OFF:
                raise UpstreamUnreachable(f"The token of {row.name} cannot be renewed at the moment")
        finally:
            if leads:
                await asyncio.shield(_in_thread(_give_lease_back)(account.id, owner))
        await asyncio.sleep(WAIT_STEP_S)
    raise UpstreamUnreachable(f"The token of {account.name} could not be renewed in time")


async def _lead_for_all(account: AccountConfig, row: Account, owner: str) -> Account | None:
    """None: it took so long that the lease may be somebody else's."""
    async with sharing(row):
        if not await _in_thread(_take_lease)(row.pk, owner, held=True):
            return None
        found = await _in_thread(_read)(row.pk)
        if found is None:
            raise _gone(account.name)
        if found.bearer != account.api_key and not is_stale(account_config(found)):
            return found
        return await _lead(found)


async def _lead(row: Account) -> Account:
    """Ask the vendor, with the lease in hand, and store what comes of it."""
    try:
        tokens = await asyncio.wait_for(ask_vendor(row), RENEWAL_S)
    except TimeoutError:
        error: SignInError = SignInError("The vendor did not answer in time", code="timeout")
    except SignInError as refused:
        error = refused
    else:
        return await _store(row, tokens)
    logger.warning("The token of %s was not renewed: %s", row.name, error.message)
    if error.fatal:
        await _in_thread(_mark)(row.pk, row.refresh_token, error.message)
        raise _sign_in_needed(row, error.message)
    await _in_thread(_back_off)(row.pk, error.retry_after or BACK_OFF_S)
    raise UpstreamUnreachable(
        f"The token of {row.name} could not be renewed: {error.message}", retry_after=error.retry_after
    )


async def ask_vendor(row: Account) -> Tokens:
    """New tokens for the row's. Repeats what fails for a passing reason. Raise `SignInError`."""
    spec = await _in_thread(spec_by_id)(row.provider)
    if spec is None or spec.oauth is None:
        raise SignInError(f"{row.provider} is no provider that one signs in to", code="not_offered")
    if not row.refresh_token:
        raise SignInError("There is nothing to renew the token with", code="no_refresh_token", fatal=True)
    async with outgoing.client(provider=row.provider, account_id=row.pk) as http:
        asking = asking_for(spec.oauth, http, row)
        for pause in (*PAUSES_S, None):
            try:
                return await vendor_of(row.provider).renew(asking, tokens_of(row))
            except SignInError as error:
                if pause is None or not error.transient or error.status == 429:
                    raise
                await asyncio.sleep(pause)
    raise AssertionError("the last try returns or raises")


def asking_for(oauth: OAuthSpec, http: httpx.AsyncClient, row: Account) -> Asking:
    region = str((row.provider_data or {}).get("region") or row.region or DEFAULT_REGION)
    hidden = (row.access_token, row.refresh_token, row.id_token, row.api_key)
    return Asking(oauth, http, region, tuple(filter(None, hidden)))


async def _store(row: Account, tokens: Tokens) -> Account:
    """The old refresh token may be spent, so a database that is busy or away for a moment must not lose the new one."""
    for tries_left in reversed(range(STORE_TRIES)):
        try:
            return await _in_thread(_write)(row.pk, row.refresh_token, tokens)
        except Account.DoesNotExist:
            raise _gone(row.name) from None
        except DatabaseError as error:
            if not tries_left:
                raise
            logger.warning("The new token of %s is not stored yet: %s", row.name, error)
            await asyncio.sleep(1)
    raise AssertionError("the last try returns or raises")


def _in_thread(function: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """A database call off the event loop, on a connection that is alive."""

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        close_old_connections()
        return function(*args, **kwargs)

    return sync_to_async(call)


def _read(account: int) -> Account | None:
    return Account.objects.filter(pk=account).first()


def _take_lease(account: int, owner: str, *, held: bool = False) -> bool:
    """Or go on with the one that is `held`. By the database's clock, which all processes share. No signal is sent: this
    is no configuration."""
    free = Q(refresh_lease=owner) if held else Q(refresh_lease_until=None) | Q(refresh_lease_until__lt=Now())
    rows = Account.objects.filter(free, pk=account)
    until = Now() + timedelta(seconds=LEASE_S)
    return bool(rows.update(refresh_lease=owner, refresh_lease_until=until))


def _give_lease_back(account: int, owner: str) -> None:
    rows = Account.objects.filter(pk=account, refresh_lease=owner)
    rows.update(refresh_lease="", refresh_lease_until=None)


def _back_off(account: int, seconds: float) -> None:
    """The lease is nobody's for a while, so no process asks the vendor again."""
    wait = timedelta(seconds=min(max(seconds, SHORTEST_WAIT_S), LONGEST_WAIT_S))
    Account.objects.filter(pk=account).update(refresh_lease=_BACKING_OFF, refresh_lease_until=Now() + wait)


def _write(account: int, used: str, tokens: Tokens) -> Account:
    """Unless somebody signed in again meanwhile: then theirs is the pair that counts."""
    with transaction.atomic():
        row = Account.objects.select_for_update().get(pk=account)
        if row.refresh_token == used:
            tokens = replace(tokens, expires_at=_believable(tokens.expires_at))
            write(row, replace(tokens, data={**(row.provider_data or {}), **tokens.data}))
            row.save(update_fields=TOKEN_FIELDS)
    return row


def _believable(expires_at: datetime | None) -> datetime | None:
    """A token that has ended when it comes is one of a clock that is wrong, here or there, and would be renewed with
    every request. So it is used for a while; the vendor's 401 says when it is over."""
    soon = timezone.now() + timedelta(seconds=SKEWED_LIFE_S)
    if expires_at is None or expires_at > timezone.now():
        return expires_at
    logger.warning("A new token is told to have ended at %s already: is the clock right?", expires_at)
    return soon


def _mark(account: int, used: str, reason: str) -> None:
    with transaction.atomic():
        row = Account.objects.select_for_update().filter(pk=account).first()
        if row is not None and row.refresh_token == used:
            mark_needs_sign_in(row, reason)


def _gone(name: str) -> UpstreamUnreachable:
    return UpstreamUnreachable(f"The account {name} is gone")


def _sign_in_needed(row: Account, reason: str = "") -> UpstreamRefused:
    """503 for clients: a 401 would tell them that their own key is wrong. It says nothing against the provider."""
    error = UpstreamRefused(
        f"The account {row.name} must be signed in again. See the dashboard under Accounts. "
        f"{reason or row.sign_in_reason}",
        status=503,
        code=SIGN_IN_NEEDED.reason,
    )
    error.verdict = SIGN_IN_NEEDED
    return error
