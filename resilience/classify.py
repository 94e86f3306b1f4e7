"""What a failed attempt means: who is at fault, what to try next, how long to stay away.

A table, read from top to bottom; the first row that fits wins. Text comes before status, since vendors put quota and
model errors under 400, 403 and 429 alike (docs/protocol-notes.md, Error bodies).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from omniroute.errors import AccountBusy, UpstreamError, UpstreamRefused, UpstreamTimeout
from resilience.backoff import BASE_S, LONGEST_S, MAX_LEVEL, exponential


class Next(Enum):
    ACCOUNT = "account"
    """Another account of the same target may do better."""
    TARGET = "target"
    """The target's other accounts would answer the same."""


class Scope(Enum):
    NONE = "none"
    ACCOUNT = "account"
    MODEL = "model"
    """This model on this account."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential waits: `base_s`, doubled up to `max_level` times, at most `longest_s`."""

    base_s: float = BASE_S
    longest_s: float = LONGEST_S
    max_level: int = MAX_LEVEL

    def wait(self, level: int) -> float:
        return exponential(min(level, self.max_level), self.base_s, self.longest_s)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`cooldown_s` None with a scope other than NONE: back off exponentially. `soft`: a guess, not the provider's word,
    so the account may still be asked when nothing else is left."""

    reason: str
    next: Next
    scope: Scope = Scope.NONE
    cooldown_s: float | None = None
    soft: bool = False
    retryable: bool = False
    """The very same request may succeed a moment later."""
    repeats: int = 0
    """How often the provider wants it repeated on the same account, before anybody else is asked."""
    pause_s: float = 0.0
    """Seconds before each of those."""
    backoff: Backoff = Backoff()

    @property
    def backs_off(self) -> bool:
        return self.scope is not Scope.NONE and self.cooldown_s is None

    @property
    def is_passing(self) -> bool:
        """Trouble of the provider's that nobody is to blame for."""
        return self.retryable and self.scope is not Scope.NONE


@dataclass(frozen=True, slots=True)
class Rule:
    verdict: Verdict
    statuses: frozenset[int] | None = None
    text: re.Pattern[str] | None = None

    def fits(self, status: int, text: str) -> bool:
        if self.statuses is not None and status not in self.statuses:
            return False
        return self.text is None or self.text.search(text) is not None


def _text(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


def _statuses(*values: int | range) -> frozenset[int]:
    return frozenset(s for value in values for s in (value if isinstance(value, range) else (value,)))


BILLING = Verdict("billing", Next.ACCOUNT, Scope.ACCOUNT, 300)
RATE_LIMITED = Verdict("rate_limited", Next.ACCOUNT, Scope.ACCOUNT, None)
OVERLOADED = Verdict("overloaded", Next.TARGET, Scope.ACCOUNT, 5, soft=True, retryable=True)
CONTEXT = Verdict("context_length", Next.TARGET)
MODEL = Verdict("model_unavailable", Next.ACCOUNT, Scope.MODEL, 120, soft=True)
AUTH = Verdict("auth", Next.ACCOUNT, Scope.ACCOUNT, 120)
REGION = Verdict("permission", Next.ACCOUNT, Scope.MODEL, 120, soft=True)
NOT_ALLOWED = Verdict("not_allowed", Next.ACCOUNT, Scope.ACCOUNT, 5, soft=True)
TRANSIENT = Verdict("transient", Next.ACCOUNT, Scope.ACCOUNT, 3, soft=True, retryable=True)
HUNG = Verdict("transient", Next.TARGET, Scope.ACCOUNT, 3, soft=True, retryable=True)
"""Its time is over: the target's other accounts would take as long once more."""
BAD_REQUEST = Verdict("bad_request", Next.TARGET)
BUSY = Verdict("busy", Next.ACCOUNT)
"""The gateway's own limit for the account; the provider was not asked."""

RULES: tuple[Rule, ...] = (
    Rule(CONTEXT, _statuses(400, 413, 422), _text(
        r"context_length_exceeded", r"prompt is too long", r"maximum context length", r"input token count exceeds",
        r"context window", r"too many (input )?tokens",
    )),
    Rule(BILLING, _statuses(400, 402, 403, 429), _text(
        r"insufficient[ _]quota", r"credit balance is too low", r"exceeded your current quota",
        r"insufficient[ _]balance", r"insufficient[ _]credits?", r"payment required", r"out of credits",
    )),
    Rule(BILLING, _statuses(402)),
    Rule(OVERLOADED, _statuses(503, 529), _text(r"overloaded", r"capacity")),
    Rule(RATE_LIMITED, None, _text(r"rate[ _-]?limit", r"too many requests", r"quota exceeded", r"resource_exhausted")),
    Rule(RATE_LIMITED, _statuses(429)),
    Rule(MODEL, _statuses(400, 403, 404), _text(
        r"model[_ ]not[_ ]found", r"model .{0,120}(does not exist|not found|decommissioned|not supported|no access)",
        r"(unknown|invalid|no such) model", r"do(es)? not have access to (the )?model",
    )),
    Rule(REGION, _statuses(400, 403), _text(r"location is not supported", r"not available in your (region|country)")),
    Rule(AUTH, _statuses(400, 401, 403), _text(
        r"api[_ ]key[_ ](not valid|invalid)", r"invalid[_ ]api[_ ]key", r"invalid x-api-key", r"API_KEY_INVALID",
        r"no credentials", r"invalid authentication",
    )),
    Rule(NOT_ALLOWED, _statuses(403), _text(r"request not allowed")),
    Rule(AUTH, _statuses(401)),
    Rule(REGION, _statuses(403)),
    Rule(MODEL, _statuses(404)),
    Rule(OVERLOADED, _statuses(529)),
    Rule(TRANSIENT, _statuses(408, range(500, 600))),
    Rule(BAD_REQUEST),
)  # fmt: skip


def classify(error: UpstreamError) -> Verdict:
    """Total: every error has a verdict."""
    if isinstance(error, AccountBusy):
        return BUSY
    if isinstance(error.verdict, Verdict):
        return error.verdict
    if isinstance(error, UpstreamTimeout) and error.code not in _NOT_THE_PROVIDER:
        return HUNG
    if not isinstance(error, UpstreamRefused):
        return TRANSIENT
    text = f"{error.code or ''} {error.message}"
    return next(rule.verdict for rule in RULES if rule.fits(error.status, text))


_NOT_THE_PROVIDER = frozenset({"proxy_failed", "combo_timeout"})
"""Codes of failures that say nothing of the provider: a proxy, and the end of a whole combo's time."""
_BREAKS = _statuses(408, 500, range(502, 505), range(520, 528))


def breaks_circuit(error: UpstreamError) -> bool:
    """Whether the failure says that the provider itself is in trouble: lost connections, timeouts, 408 and 5xx.

    A rate limit is an account's, any other 4xx the request's; a full provider (529) answers, and says what to do.
    """
    if isinstance(error, AccountBusy) or error.code in _NOT_THE_PROVIDER:
        return False
    if not isinstance(error, UpstreamRefused):
        return True
    return error.status in _BREAKS and classify(error).is_passing
