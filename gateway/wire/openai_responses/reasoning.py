"""`reasoning` of a request (facts/translators.md §1.6)."""

from __future__ import annotations

import re
from typing import Any

from gateway.wire import ir
from gateway.wire.base import ModelProfile
from gateway.wire.openai_responses.fields import NAME, leftover, own
from omniroute.types import JSONDict

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_THRESHOLDS = ((2048, "low"), (8192, "medium"), (24576, "high"))
_REASONS = re.compile(
    r"(?:^|/)(?:o[1-9]\b|gpt-(?:[5-9]|\d\d)|codex|computer-use)|deepseek|grok|reason|think", re.IGNORECASE
)
_KNOWS_NONE = re.compile(r"(?:^|/)gpt-(?:5\.[1-9]|[6-9]|\d\d)", re.IGNORECASE)
_KNOWS_MINIMAL = re.compile(r"(?:^|/)gpt-5(?![.\d])", re.IGNORECASE)


def parse(value: JSONDict | None) -> ir.ReasoningRequest | None:
    if value is None:
        return None
    effort, summary = value.get("effort"), value.get("summary", value.get("generate_summary"))
    known = [name for name in ("effort", "summary") if isinstance(value.get(name), str)]
    return ir.ReasoningRequest(
        enabled=False if effort == "none" else None,
        effort=effort if isinstance(effort, str) else None,
        visible=True if isinstance(summary, str) and summary != "none" else None,
        summary=value.get("summary") if isinstance(value.get("summary"), str) else None,
        extra={NAME: leftover(value, known)},
    )


def emit(asked: ir.ReasoningRequest | None, profile: ModelProfile, native: bool) -> JSONDict | None:
    """None where nothing is asked, or where the model does not reason."""
    if asked is None:
        return None
    if native:
        fields: JSONDict = {"effort": asked.effort} if asked.effort is not None else {}
        if asked.summary is not None:
            fields["summary"] = asked.summary
        return {**fields, **own(asked.extra)}
    if profile.reasoning == "none" or not (
        profile.reasoning or asked.effort or _REASONS.search(profile.model)
    ):
        return None
    effort = _effort(asked)
    off = asked.enabled is False or effort == "none"
    if off:
        effort = _least(profile.model)
        return {"effort": effort} if effort else None
    fields = {"effort": effort} if effort else {}
    if asked.summary is not None:
        fields["summary"] = asked.summary
    elif asked.visible or (asked.visible is None and (asked.enabled or asked.budget is not None)):
        fields["summary"] = "auto"
    return fields or None


def takes_sampling(profile: ModelProfile, asked: JSONDict | None) -> bool:
    """OpenAI's own reasoning models refuse `temperature` and `top_p` while they reason."""
    if profile.vendor != "openai" or profile.reasoning in ("", "none"):
        return True
    return asked is not None and asked.get("effort") == "none"


def _least(model: str) -> str | None:
    """The nearest to no reasoning that the model accepts; None: nothing is known, so nothing is said."""
    if _KNOWS_NONE.search(model):
        return "none"
    return "minimal" if _KNOWS_MINIMAL.search(model) else None


def _effort(asked: ir.ReasoningRequest) -> str | None:
    if asked.effort in EFFORTS:
        return "xhigh" if asked.effort == "max" else asked.effort
    budget: Any = asked.budget
    if budget is None or budget < 0:
        return "medium" if asked.enabled and budget is None else None
    if budget == 0:
        return "none"
    return next((effort for limit, effort in _THRESHOLDS if budget <= limit), "xhigh")
