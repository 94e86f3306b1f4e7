"""generateContent answers: `parse_response` beside `emit_response`."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from gateway.wire import ir, json
from gateway.wire.gemini.citations import emit_citations, parse_citations
from gateway.wire.gemini.errors import parse_error_value
from gateway.wire.gemini.fields import FORMAT, as_list, camel, get, own, spelled
from gateway.wire.gemini.finish import emit_finish, emit_logprobs, parse_finish, parse_logprobs
from gateway.wire.gemini.parts import CLIENT, emit_part, parse_part
from gateway.wire.gemini.request import made_id
from gateway.wire.gemini.sealed import Sealer
from gateway.wire.gemini.usage import emit_usage, parse_usage
from omniroute.errors import InvalidRequest, UpstreamBroken
from omniroute.types import JSONDict


def parse_response(body: JSONDict) -> ir.Response:
    if body.get("error"):
        raise parse_error_value(json.dumps(body["error"]))
    extra = {FORMAT: {key: value for key, value in body.items() if key != "candidates"}}
    response = ir.Response(
        id=text_of(body, "responseId"),
        model=text_of(body, "modelVersion"),
        created=_seconds(get(body, "createTime")),
        usage=parse_usage(get(body, "usageMetadata")),
        extra=extra,
    )
    seed = response.id or secrets.token_hex(8)
    try:
        response.candidates = [_parse_candidate(raw, seed) for raw in as_list(body.get("candidates"))]
    except (InvalidRequest, RecursionError) as error:
        raise UpstreamBroken(f"The provider's answer is malformed: {error}") from None
    if not response.candidates:
        if not is_blocked(body):
            raise UpstreamBroken("The provider answered without any candidate")
        if "candidates" in body:
            extra[FORMAT]["candidates"] = body["candidates"]
        response.candidates = [
            ir.Candidate(finish_reason="content_filter", extra={FORMAT: {"blocked": True}})
        ]
    return response


def is_blocked(body: JSONDict) -> bool:
    """The prompt itself was refused, so there is no candidate."""
    feedback = get(body, "promptFeedback")
    return isinstance(feedback, dict) and bool(get(feedback, "blockReason"))


def text_of(body: JSONDict, key: str) -> str:
    value = get(body, key)
    return value if isinstance(value, str) else ""


def _seconds(created: Any) -> int | None:
    try:
        return int(datetime.fromisoformat(created).timestamp())
    except (TypeError, ValueError, OverflowError):
        return None


def _parse_candidate(raw: Any, seed: str) -> ir.Candidate:
    if not isinstance(raw, dict):
        raise InvalidRequest("candidates must hold objects")
    content = raw.get("content")
    if content is not None and not isinstance(content, dict):
        raise InvalidRequest("content must be an object")
    parts = [parse_part(part, "content.parts") for part in as_list((content or {}).get("parts"))]
    calls = [part for part in parts if isinstance(part, ir.ToolCall)]
    for number, call in enumerate(calls):
        call.id = call.id or made_id(seed, raw.get("index") or 0, number, call.name, call.arguments)
    texts = {number: part.text for number, part in enumerate(parts) if isinstance(part, ir.Text)}
    for number, cited in parse_citations(raw, texts).items():
        text = parts[number]
        if isinstance(text, ir.Text):
            text.citations = cited
    reason = parse_finish(get(raw, "finishReason"), bool(calls))
    if reason is None and parts:
        reason = "tool_calls" if calls else "stop"
    return ir.Candidate(
        parts=parts,
        finish_reason=reason,
        logprobs=parse_logprobs(get(raw, "logprobsResult")),
        extra={FORMAT: raw},
    )


def emit_response(response: ir.Response, request: ir.Request) -> JSONDict:
    raw = own(response.extra)
    body: JSONDict = {}
    shown = [candidate for candidate in response.candidates if not own(candidate.extra).get("blocked")]
    if shown:
        body["candidates"] = [_emit_candidate(candidate, number) for number, candidate in enumerate(shown)]
    if response.usage is not None and parse_usage(get(raw, "usageMetadata")) != response.usage:
        body["usageMetadata"] = emit_usage(response.usage)
    named = {"modelVersion": response.model, "responseId": response.id}
    if FORMAT not in response.extra:
        named["modelVersion"] = response.model or request.model
    body |= {key: value for key, value in named.items() if value and text_of(raw, key) != value}
    replaced = {camel(key) for key in body}
    return {**body, **{key: value for key, value in raw.items() if camel(key) not in replaced}}


def _emit_candidate(candidate: ir.Candidate, number: int) -> JSONDict:
    raw = own(candidate.extra)
    parts = _emit_parts(candidate.parts)
    calls = any(isinstance(part, ir.ToolCall) for part in candidate.parts)
    built: JSONDict = dict(raw)
    content = raw.get("content")
    said = as_list(content.get("parts")) if isinstance(content, dict) else []
    if parts != said or not raw:
        built["content"] = {"role": "model", **(content or {}), "parts": parts}
    given = parse_finish(get(raw, "finishReason"), calls)
    if not raw or (candidate.finish_reason != given and given is not None):
        built[spelled(raw, "finishReason")] = emit_finish(candidate.finish_reason or "stop")
    if not raw:
        built["index"] = number
        built |= _emit_beside(candidate)
    return built


def _emit_parts(parts: list[ir.Part]) -> list[JSONDict]:
    sealer, emitted = Sealer(), []
    for part in parts:
        if isinstance(part, ir.Reasoning):
            sealer.note(part)
        said = emit_part(part, CLIENT, [])
        if said is not None:
            emitted.append(sealer.sign(said) if isinstance(part, ir.ToolCall) else said)
    return emitted


def _emit_beside(candidate: ir.Candidate) -> JSONDict:
    """What another vendor's answer says about its content."""
    beside: JSONDict = {}
    logprobs = emit_logprobs(candidate.logprobs)
    if logprobs:
        beside["logprobsResult"] = logprobs
    kept = [part for part in candidate.parts if emit_part(part, CLIENT, []) is not None]
    sources = emit_citations([(n, part) for n, part in enumerate(kept) if isinstance(part, ir.Text)])
    if sources:
        beside["groundingMetadata"] = sources
    return beside
