"""Tokens of accounts that somebody signed in to, on the way of a request: fresh before it, new once after a refusal.

For all other accounts, and for fresh tokens, the whole cost is one comparison (`stale_at`) in `gateway.attempts`.
"""

from __future__ import annotations

from dataclasses import replace

from combos.attempt import Attempt
from gateway.exchange import Exchange
from gateway.trial import Trial
from omniroute.errors import UpstreamError, UpstreamRefused
from providers.oauth import renewal


async def with_fresh_token(exchange: Exchange, attempt: Attempt) -> Attempt:
    """For an account whose token ends. Raise `UpstreamError`, with a trial that tells of it."""
    try:
        return replace(attempt, account=await renewal.ready(attempt.account))
    except UpstreamError as error:
        exchange.begin(attempt, "").end(error.status, error)
        raise


async def after_refusal(trial: Trial, refusal: UpstreamRefused) -> Attempt | None:
    """The attempt with another token, where the refusal says that this one is not accepted; the trial is over then.
    None: it is about something else. Raise `UpstreamError` where there is no other token: why not tells more than the
    provider's "invalid token", which clients take for a word about their own key."""
    attempt = trial.attempt
    if not attempt.account.signed_in or not _is_about_token(attempt, refusal):
        return None
    try:
        return replace(attempt, account=await renewal.renewed(attempt.account))
    finally:
        trial.end(refusal.status, refusal)


def _is_about_token(attempt: Attempt, refusal: UpstreamRefused) -> bool:
    if refusal.status == 401:
        return True
    oauth = attempt.target.provider.oauth
    text = refusal.message.lower()
    return oauth is not None and any(message in text for message in oauth.expired_messages)
