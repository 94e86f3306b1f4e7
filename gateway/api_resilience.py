"""Management API of cooldowns: what is put aside right now, and how to take it back."""

from __future__ import annotations

import time

from django.http import HttpRequest
from ninja import Router

from omniroute.schema import CamelModel
from resilience.cooldown import cooldowns
from resilience.reset import reset_all

router = Router(tags=["Resilience"], by_alias=True)


class CooldownOut(CamelModel):
    key: str
    """`account:<id>`, or `account:<id>:<model>` where only one model is put aside."""
    reason: str
    remaining_ms: int


class CooldownList(CamelModel):
    cooldowns: list[CooldownOut]


class ResetDone(CamelModel):
    ok: bool
    reset_count: int
    message: str


@router.get("/resilience/cooldowns", response=CooldownList)
def list_cooldowns(request: HttpRequest) -> CooldownList:
    """Of the process that answers; the longest first."""
    now = time.time()
    active = sorted(cooldowns.active().items(), key=lambda item: item[1].until, reverse=True)
    shown = [
        CooldownOut(key=key, reason=each.reason, remaining_ms=round((each.until - now) * 1000))
        for key, each in active
    ]
    return CooldownList(cooldowns=shown)


@router.post("/resilience/reset", response=ResetDone)
def reset_everything(request: HttpRequest) -> ResetDone:
    """All circuits are closed, all cooldowns cleared."""
    count = reset_all()
    return ResetDone(ok=True, reset_count=count, message=f"{count} circuit breakers and cooldowns were reset")
