"""Whole replies."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir, json
from gateway.wire.openai_responses import envelope, output
from gateway.wire.openai_responses.citations import cite, sources_of
from gateway.wire.openai_responses.emit_items import is_content
from gateway.wire.openai_responses.errors import parse_error_value
from gateway.wire.openai_responses.fields import NAME, leftover, own
from gateway.wire.openai_responses.items import SUMMARY_JOINT, parse_output_item
from gateway.wire.openai_responses.usage import estimate_usage, usage_in, usage_object
from omniroute.errors import InvalidRequest, UpstreamBroken
from omniroute.types import JSONDict

_NEUTRAL = ("id", "model", "output")
_PENDING = ("queued", "in_progress", "cancelled")


def parse_response(body: JSONDict) -> ir.Response:
    check_whole(body)
    items = body.get("output")
    if not isinstance(items, list):
        raise UpstreamBroken("The provider answered without any output")
    parts = parse_output(items)
    cite(parts, sources_of(body))
    return ir.Response(
        id=_text(body.get("id")),
        model=_text(body.get("model")),
        created=created(body),
        candidates=[
            ir.Candidate(parts, finish_reason(body, parts), logprobs=parse_logprobs(parts)),
        ],
        usage=usage_in(body),
        service_tier=body["service_tier"] if isinstance(body.get("service_tier"), str) else None,
        extra={NAME: leftover(body, _NEUTRAL)},
    )


def check_whole(body: JSONDict) -> None:
    """Raise what a failed or unfinished answer stands for, whatever status it came under."""
    error, status = body.get("error"), body.get("status")
    if error:
        raise parse_error_value(json.dumps(error))
    if status == "failed":
        raise UpstreamBroken("The provider reported a failed response without saying why")
    if status in _PENDING:
        raise UpstreamBroken(f"The provider left the response {status!r}")


def parse_output(items: list[Any]) -> list[ir.Part]:
    """Raise `UpstreamBroken` for items that nobody can read."""
    parts: list[ir.Part] = []
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise UpstreamBroken(f"The provider's output[{index}] is no object")
        try:
            parts += parse_output_item(item, f"output[{index}]")
        except InvalidRequest as error:
            raise UpstreamBroken(f"The provider's answer cannot be read. {error.message}") from None
    for thought in [part for part in parts if isinstance(part, ir.Reasoning) and part.text][1:]:
        thought.text = SUMMARY_JOINT + thought.text
    return parts


def finish_reason(body: JSONDict, parts: list[ir.Part]) -> ir.FinishReason:
    if body.get("status") == "incomplete":
        details = body.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        return "content_filter" if reason == "content_filter" else "length"
    return "tool_calls" if any(isinstance(part, ir.ToolCall) for part in parts) else "stop"


def parse_logprobs(parts: list[ir.Part]) -> JSONDict | None:
    """Chat's object, of all texts together."""
    content: list[Any] = []
    for part in parts:
        if isinstance(part, ir.Text):
            found = own(part.extra).get("part", {}).get("logprobs")
            content += found if isinstance(found, list) else []
    return {"content": content, "refusal": None} if content else None


def created(body: JSONDict) -> int | None:
    value = body.get("created_at")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return int(value) if abs(value) < 1 << 53 else None  # 1e999 is JSON, too, and infinite


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


# ---- emit


def emit_response(response: ir.Response, request: ir.Request) -> JSONDict:
    """The first candidate: this format has but one."""
    candidate = response.candidates[0] if response.candidates else ir.Candidate()
    started = ir.Started(response.id, response.model, response.created, None, response.extra)
    body = envelope.opening(request, started)
    emitted = emit_output(candidate, request)
    kept = own(response.extra)
    envelope.close(body, candidate.finish_reason, emitted)
    body.update(
        {name: kept[name] for name in ("status", "completed_at", "incomplete_details") if name in kept}
    )
    if NAME in response.extra:
        body = {
            name: value
            for name, value in body.items()
            if name in kept or name in (*_NEUTRAL, "status", "usage")
        }
    usage = response.usage
    if usage is None and NAME not in response.extra:
        usage = estimate_usage(request, emitted)
    body["usage"] = usage_object(usage, kept.get("usage"))
    if tier := envelope.tier(response.service_tier, response.extra):
        body["service_tier"] = tier
    return body


def emit_output(candidate: ir.Candidate, request: ir.Request) -> list[JSONDict]:
    """Neighbouring texts and refusals are one message."""
    items: list[JSONDict] = []
    run: list[ir.Part] = []
    logprobs = output.output_logprobs(candidate.logprobs)
    proof = output.wants_proof(request)
    cut = candidate.finish_reason in ("length", "content_filter")
    last = candidate.parts[-1] if candidate.parts else None

    def flush() -> None:
        if run:
            status = "incomplete" if cut and run[-1] is last else "completed"
            items.append(output.message_item(run[0], _content(run, logprobs), status))
            run.clear()

    for part in candidate.parts:
        if isinstance(part, ir.Text | ir.Refusal | ir.Unknown) and is_content(part):
            if "item" in own(part.extra):
                flush()
            run.append(part)
            continue
        flush()
        items += part_items(part, request, proof, "incomplete" if cut and part is last else "completed")
    flush()
    return items


def _content(run: list[ir.Part], logprobs: list[JSONDict]) -> list[JSONDict]:
    content: list[JSONDict] = []
    for part in run:
        if isinstance(part, ir.Unknown):
            content.append(part.raw)
        elif isinstance(part, ir.Text | ir.Refusal):
            content.append(output.text_part(part, logprobs))
            if isinstance(part, ir.Text):
                logprobs = []
    return content


def part_items(part: ir.Part, request: ir.Request, proof: bool, status: str) -> list[JSONDict]:
    match part:
        case ir.Reasoning():
            item = output.reasoning_item(part, proof)
            return [item] if item.get("summary") or "encrypted_content" in item or NAME in part.extra else []
        case ir.ToolCall(signature=str()) if proof:
            return [output.signature_item(part), output.call_item(part, request, status)]
        case ir.ToolCall():
            return [output.call_item(part, request, status)]
        case _:
            other = output.other_item(part)
            return [other] if other is not None else []
