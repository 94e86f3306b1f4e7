"""The Response object around the output: it echoes what the client asked (docs/protocol-notes.md, Envelopes)."""

from __future__ import annotations

import re
import time
from typing import Any
from uuid import uuid4

from gateway.wire import ir
from gateway.wire.openai_responses import toolspec
from gateway.wire.openai_responses.fields import NAME, own
from omniroute.types import JSONDict

_ECHOED = (
    "max_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
)
_STATUS: dict[ir.FinishReason | None, tuple[str, str | None]] = {
    "length": ("incomplete", "max_output_tokens"),
    "content_filter": ("incomplete", "content_filter"),
}
_MODEL_FAULT = "The model broke off"
_TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast"})


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid4().hex}"


def tier(name: str | None, extra: ir.Extra) -> str | None:
    """`service_tier` of an answer; other vendors have words of their own for it (`standard`, `on_demand`)."""
    return name if NAME in extra or name in _TIERS else None


def response_id(upstream: str) -> str:
    """The provider's own id, recognisable, in this format's shape."""
    if upstream.startswith("resp_"):
        return upstream
    clean = re.sub(r"[^A-Za-z0-9_-]", "", upstream)
    return f"resp_{clean}" if clean else new_id("resp")


def opening(request: ir.Request, started: ir.Started) -> JSONDict:
    """The Response as it is before anything was said. A provider of this same format has said it itself."""
    kept = started.extra.get(NAME)
    if isinstance(kept, dict):
        return {
            **kept,
            "id": started.id,
            "model": started.model,
            "status": "in_progress",
            "output": [],
            "usage": None,
        }
    asked = own(request.extra)
    envelope: JSONDict = {
        "id": response_id(started.id),
        "object": "response",
        "created_at": started.created if started.created is not None else int(time.time()),
        "status": "in_progress",
        "background": False,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "instructions": _instructions(request),
        "max_output_tokens": request.max_output_tokens,
        "model": started.model or request.model,
        "output": [],
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "reasoning": _reasoning(request.reasoning),
        "service_tier": request.service_tier or "default",
        "store": asked.get("store") is True,
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "text": _text(request),
        "tool_choice": _choice(request),
        "tools": toolspec.emit_tools(request.tools, []),
        "top_logprobs": request.top_logprobs or 0,
        "top_p": 1.0 if request.top_p is None else request.top_p,
        "truncation": asked.get("truncation") or "disabled",
        "usage": None,
        "user": request.user,
        "metadata": request.metadata or {},
    }
    envelope.update({name: asked.get(name) for name in _ECHOED})
    return envelope


def close(envelope: JSONDict, reason: ir.FinishReason | None, output: list[JSONDict]) -> None:
    """`status` and what goes with it. An answer that broke off has failed if there is nothing in it."""
    status, detail = _STATUS.get(reason, ("completed", None))
    if reason == "error":
        status = "incomplete" if output else "failed"
        envelope["error"] = None if output else {"code": "server_error", "message": _MODEL_FAULT}
    envelope["status"] = status
    envelope["output"] = output
    envelope["incomplete_details"] = {"reason": detail} if status == "incomplete" else None
    envelope["completed_at"] = int(time.time()) if status == "completed" else None


def _instructions(request: ir.Request) -> str | None:
    told = [text.text for text in request.system if own(text.extra).get("instructions")]
    return "\n\n".join(told) if told else None


def _reasoning(asked: ir.ReasoningRequest | None) -> JSONDict:
    if asked is None:
        return {"effort": None, "summary": None}
    return {"effort": asked.effort, "summary": asked.summary, **own(asked.extra)}


def _text(request: ir.Request) -> JSONDict:
    kept = own(request.extra).get("text")
    text: JSONDict = {"format": {"type": "text"}, **(kept if isinstance(kept, dict) else {})}
    wanted = request.response_format
    if wanted is not None:
        format: JSONDict = {"type": wanted.kind}
        if wanted.kind == "json_schema":
            format.update(
                name=wanted.name or "response", schema=wanted.schema or {}, strict=bool(wanted.strict)
            )
            if wanted.description is not None:
                format["description"] = wanted.description
        text["format"] = format
    return text if text["format"] is not None else {**text, "format": {"type": "text"}}


def _choice(request: ir.Request) -> Any:
    return "auto" if request.tool_choice is None else toolspec.emit_choice(request.tool_choice, request.tools)
