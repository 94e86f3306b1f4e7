"""`reasoning` of a request (docs/protocol-notes.md, Thinking)."""

from __future__ import annotations

import re

from gateway.wire import ir
from gateway.wire import reasoning as efforts
from gateway.wire.base import ModelProfile
from gateway.wire.openai_responses.fields import NAME, leftover, own
from omniroute.types import JSONDict

_KNOWS_NONE = re.compile(r"(?:^|/)gpt-(?:5\.[1-9]|[6-9]|\d\d)", re.IGNORECASE)
_KNOWS_MINIMAL = re.compile(r"(?:^|/)gpt-5(?![.\d])", re.IGNORECASE)
_ALWAYS_REASONS = re.compile(r"(?:^|/)(?:o[1-9](?:-|$)|gpt-5(?![.\d])(?!.*-chat))", re.IGNORECASE)


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
    effort = efforts.for_openai(asked, profile)
    if effort == "none":
        effort = least(profile.model)
        return {"effort": effort} if effort else None
    fields = {"effort": effort} if effort else {}
    if efforts.style_of(profile) != "effort":
        return None
    if asked.summary is not None:
        fields["summary"] = asked.summary
    elif asked.visible or (asked.visible is None and (asked.enabled or asked.budget is not None)):
        fields["summary"] = "auto"
    return fields or None


def takes_sampling(model: str, asked: JSONDict | None) -> bool:
    """OpenAI's own models refuse `temperature` and `top_p` while they reason, and some always do."""
    if _ALWAYS_REASONS.search(model):
        return False
    return not _KNOWS_NONE.search(model) or asked is None or asked.get("effort") in (None, "none")


def least(model: str) -> str | None:
    """The nearest to no reasoning that the model accepts; None: nothing is known, so nothing is said."""
    if _KNOWS_NONE.search(model):
        return "none"
    return "minimal" if _KNOWS_MINIMAL.search(model) else None
