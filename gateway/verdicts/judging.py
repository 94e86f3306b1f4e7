"""What a provider's own rules make of a refusal, noted on the error, and what follows for the account's row."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from combos.attempt import Attempt
from gateway.records.write_behind import writer
from gateway.verdicts import quotas
from omniroute.errors import UpstreamRefused
from providers.meanings import Meaning, meaning_of
from providers.models import Account
from providers.oauth.accounts import mark_needs_sign_in
from resilience.classify import Verdict, classify

logger = logging.getLogger(__name__)

_LONGEST_REASON = 300
SHOULD_RETRY = "x-should-retry"
"""The vendor's own word on whether the very same request is worth repeating (Anthropic, OpenAI)."""
PAUSE_S = 1.0
LONGEST_PAUSE_S = 5.0
"""Before a repeat that a vendor asks for: where it does not say when, and the longest that is waited for."""


def judge(error: UpstreamRefused, attempt: Attempt) -> None:
    """Everybody who classifies the error from now on gets the provider's own verdict. Costs nothing without rules."""
    quotas.heed(attempt, error.headers)
    meaning = meaning_of(error, attempt.target.provider, time.time())
    if meaning is not None:
        _believe(error, attempt, meaning)
    said = error.headers.get(SHOULD_RETRY)
    if said in ("true", "false"):
        error.verdict = _repeatable(classify(error), error.retry_after, said == "true")


def _repeatable(verdict: Verdict, wait: float | None, wanted: bool) -> Verdict:
    """As the vendor says; but who also names a longer wait is believed about that."""
    soon = (wait or 0.0) <= LONGEST_PAUSE_S
    repeats = max(verdict.repeats, 1) if wanted and soon else 0
    return replace(
        verdict, retryable=wanted and soon, repeats=repeats, pause_s=wait or verdict.pause_s or PAUSE_S
    )


def _believe(error: UpstreamRefused, attempt: Attempt, meaning: Meaning) -> None:
    error.verdict = meaning.verdict
    error.retry_after = meaning.verdict.cooldown_s if meaning.reset_s is not None else error.retry_after
    if meaning.then and attempt.account.id:
        logger.warning("Account %s: %s", attempt.account.name, error.message)
        writer().submit(_put_away, attempt.account.id, attempt.account.api_key, meaning.then, error.message)


def _put_away(account: int, used_key: str, then: str, reason: str) -> None:
    """Out of selection, and in front of the operator; unless somebody signed in again meanwhile."""
    row = Account.objects.filter(pk=account).first()
    if row is None or row.bearer != used_key:
        return
    said = reason.replace("\0", "").encode("utf-8", "replace").decode()[:_LONGEST_REASON]
    row.last_error = said
    if then == "sign_in":
        row.save(update_fields=["last_error"])
        mark_needs_sign_in(row, said)
    else:
        row.is_active, row.test_status = False, Account.TestStatus.INVALID
        row.save()
