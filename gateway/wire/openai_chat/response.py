"""Whole chat completions into replies and back."""

from __future__ import annotations

import secrets
import time
from typing import Any

import msgspec

from gateway.wire import ir, json
from gateway.wire.openai_chat import calls, thinking, toolbox
from gateway.wire.openai_chat.citations import emit_annotations, parse_annotations, place, sources_of
from gateway.wire.openai_chat.emission import Emission, emit_image, emit_part
from gateway.wire.openai_chat.errors import parse_error_value
from gateway.wire.openai_chat.finish import emit_finish, parse_finish
from gateway.wire.openai_chat.keep import CHAT, SHAPE, difference, restore
from gateway.wire.openai_chat.messages import parse_assistant
from gateway.wire.openai_chat.usage import emit_usage, usage_in
from omniroute.errors import InvalidRequest, UpstreamBroken
from omniroute.types import JSONDict

SERVICE_TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast"})
_MESSAGE_OWN = ("content", "tool_calls", "function_call")


# ---- Parse -----------------------------------------------------------------------------------------------


def parse_response(body: JSONDict) -> ir.Response:
    """Raise `UpstreamRefused` for an error body and `UpstreamBroken` for one without a usable choice."""
    raise_for_error(body)
    choices = body.get("choices")
    choices = [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
    if not choices:
        raise UpstreamBroken("The provider answered without any choice")
    tier = body.get("service_tier")
    response = ir.Response(
        id=_text(body.get("id")),
        model=_text(body.get("model")),
        created=_whole(body.get("created")),
        usage=usage_in(body),
        service_tier=tier if isinstance(tier, str) and tier else None,
    )
    try:
        response.candidates = [_parse_choice(raw, number) for number, raw in enumerate(choices)]
    except InvalidRequest as error:
        raise UpstreamBroken(f"The provider's answer is malformed: {error.message}") from None
    _cite(response.candidates[0].parts, sources_of(body))
    kept = difference(body, _envelope(response), ("choices",))
    response.extra[CHAT] = kept
    return response


def _cite(parts: list[ir.Part], sources: list[ir.Citation]) -> None:
    texts = [part for part in parts if isinstance(part, ir.Text)]
    if sources and texts and not any(text.citations for text in texts):
        texts[-1].citations = place(sources, texts[-1].text)


def raise_for_error(body: JSONDict) -> None:
    """An error under status 200, in any of the shapes that vendors use."""
    error: Any = body.get("error")
    groq, base = body.get("x_groq"), body.get("base_resp")
    if not error and isinstance(groq, dict):
        error = groq.get("error")
    if not error and isinstance(base, dict) and base.get("status_code"):
        error = base
    if not error and body.get("object") == "error":
        error = body
    if error:
        raise parse_error_value(msgspec.Raw(json.dumps(error)))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: Any) -> int | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if number and abs(value) < 1 << 53 else None


def _parse_choice(raw: JSONDict, number: int) -> ir.Candidate:
    said = raw.get("message", raw.get("delta"))
    message: JSONDict = said if isinstance(said, dict) else {}
    candidate = ir.Candidate(parts=_parse_message(message, f"choices[{number}].message"))
    has_calls = any(isinstance(part, ir.ToolCall) for part in candidate.parts)
    candidate.finish_reason, candidate.stop_sequence = parse_finish(raw, has_calls)
    logprobs = raw.get("logprobs")
    candidate.logprobs = logprobs if isinstance(logprobs, dict) else None
    if isinstance(message.get("content"), list):
        candidate.extra[SHAPE] = "list"
    emitted = _choice(candidate, number, native=True)
    kept = difference(message, emitted.pop("message"), _MESSAGE_OWN)
    outer = {name: value for name, value in raw.items() if name != "message"}
    candidate.extra[CHAT] = {"message": kept, "choice": difference(outer, emitted)}
    if "message" not in raw:
        candidate.extra[CHAT]["bare"] = True
    return candidate


def _parse_message(message: JSONDict, where: str) -> list[ir.Part]:
    parts = parse_assistant(message, where)
    audio = message.get("audio")
    if isinstance(audio, dict) and audio.get("data"):
        parts = [*parse_audio(audio), *parts]
    annotations = message.get("annotations")
    texts = [part for part in parts if isinstance(part, ir.Text)]
    if texts and isinstance(annotations, list) and annotations:
        texts[-1].extra.setdefault(CHAT, {})["annotations"] = annotations
        texts[-1].citations = parse_annotations(annotations)
    return parts


def parse_audio(audio: JSONDict) -> list[ir.Part]:
    """The sound, and what was said as text for formats that cannot play it."""
    parts: list[ir.Part] = [ir.Audio("audio/wav", _text(audio.get("data")), extra={SHAPE: audio})]
    transcript = _text(audio.get("transcript"))
    return [*parts, ir.Text(transcript, {SHAPE: "transcript"})] if transcript else parts


# ---- Emit ------------------------------------------------------------------------------------------------


def new_id(identity: str, prefix: str = "chatcmpl") -> str:
    """The upstream's own id behind this format's prefix, so that both logs can be found from one."""
    if identity.startswith(prefix):
        return identity
    return f"{prefix}-{identity or secrets.token_hex(12)}"


def emit_response(response: ir.Response, request: ir.Request) -> JSONDict:
    native = CHAT in response.extra
    body = _envelope(response) if native else _foreign_envelope(response, request)
    legacy = any(tool.extra.get(SHAPE) == toolbox.LEGACY for tool in request.tools)
    body["choices"] = [
        restored_choice(candidate, number, native, legacy)
        for number, candidate in enumerate(response.candidates)
    ]
    return restore(body, response.extra.get(CHAT), ("choices",))


def _envelope(response: ir.Response) -> JSONDict:
    body: JSONDict = {
        "id": response.id,
        "object": "chat.completion",
        "created": response.created,
        "model": response.model,
        "choices": [],
    }
    if response.usage is not None:
        body["usage"] = emit_usage(response.usage)
    if response.service_tier is not None:
        body["service_tier"] = response.service_tier
    return body


def _foreign_envelope(response: ir.Response, request: ir.Request) -> JSONDict:
    body = _envelope(response)
    body["id"] = new_id(response.id)
    body["created"] = response.created or int(time.time())
    body["model"] = response.model or request.model
    body["system_fingerprint"] = None
    if response.service_tier is not None and response.service_tier not in SERVICE_TIERS:
        del body["service_tier"]
    return body


def restored_choice(candidate: ir.Candidate, number: int, native: bool, legacy: bool) -> JSONDict:
    choice = _choice(candidate, number, native, legacy)
    kept = candidate.extra.get(CHAT)
    if kept:
        message = restore(choice.pop("message"), kept.get("message"), _MESSAGE_OWN)
        restore(choice, kept.get("choice"))
        if not kept.get("bare"):
            choice["message"] = message
    return choice


def _choice(candidate: ir.Candidate, number: int, native: bool, legacy: bool = False) -> JSONDict:
    return {
        "index": number,
        "message": _message(candidate, native, legacy),
        "logprobs": candidate.logprobs,
        "finish_reason": emit_finish(candidate.finish_reason, legacy),
    }


def _message(candidate: ir.Candidate, native: bool, legacy: bool) -> JSONDict:
    parts = candidate.parts
    tool_calls = [part for part in parts if isinstance(part, ir.ToolCall)]
    texts = [p for p in parts if isinstance(p, ir.Text) and p.extra.get(SHAPE) != "transcript"]
    content: Any = "".join(text.text for text in texts) if texts else None
    if candidate.extra.get(SHAPE) == "list":
        inside = [p for p in parts if not isinstance(p, ir.ToolCall) and _is_inside(p)]
        content = [value for part in inside if (value := emit_part(part, Emission(native=True)))]
    refusals = [part.text for part in parts if isinstance(part, ir.Refusal)]
    message: JSONDict = {
        "role": "assistant",
        "content": content,
        "refusal": "".join(refusals) if refusals else None,
    }
    outside = [p for p in parts if isinstance(p, ir.Reasoning) and p.extra.get(SHAPE) != "part"]
    message.update(thinking.emit_for_client(outside))
    message.update(calls.emit_calls(tool_calls, native, signatures=True, legacy=legacy))
    message.update(_media(parts, native))
    return message


def _is_inside(part: ir.Part) -> bool:
    """Of a content that is a list."""
    if isinstance(part, ir.Reasoning):
        return part.extra.get(SHAPE) == "part"
    return part.extra.get(SHAPE) not in ("images", "transcript") and not isinstance(part, ir.Audio)


def _media(parts: list[ir.Part], native: bool) -> JSONDict:
    fields: JSONDict = {}
    annotations = _annotations(parts, native)
    if annotations:
        fields["annotations"] = annotations
    images = [emit_image_part(part) for part in parts if isinstance(part, ir.Image)]
    listed = [image for image in images if image is not None]
    if listed:
        fields["images"] = listed
    for part in parts:
        if isinstance(part, ir.Audio) and part.data is not None:
            fields["audio"] = part.extra.get(SHAPE) or foreign_audio(part)
    return fields


def _annotations(parts: list[ir.Part], native: bool) -> list[JSONDict]:
    """A provider of this format has said them itself, as annotations or in a list of its own."""
    if native:
        return [a for part in parts for a in part.extra.get(CHAT, {}).get("annotations", ())]
    annotations: list[JSONDict] = []
    offset = 0
    for part in parts:
        if isinstance(part, ir.Text):
            annotations += emit_annotations(part.citations, offset)
            offset += len(part.text)
    return annotations


def emit_image_part(image: ir.Image) -> JSONDict | None:
    """OpenRouter's and litellm's form for images in a reply."""
    emitted = emit_image(image, Emission(native=True))
    return restore(emitted, image.extra.get(CHAT)) if emitted else None


def foreign_audio(audio: ir.Audio) -> JSONDict:
    return {"id": f"audio_{secrets.token_hex(12)}", "data": audio.data, "expires_at": 0, "transcript": ""}
