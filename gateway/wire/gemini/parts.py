"""Parts of a content: `parse_part` beside `emit_part`.

A part keeps Google's own object in `extra`. As long as the neutral fields still say the same, that object is
emitted again; otherwise it is built anew and keeps the fields that only Google knows.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from gateway.wire import ir, json, media
from gateway.wire.arguments import parse_object
from gateway.wire.gemini.fields import FORMAT, as_list, as_object, as_text, get, others, own
from gateway.wire.gemini.sealed import (
    SKIP_SIGNATURE,
    is_foreign,
    is_sealed,
    seal,
    unseal,
    without_signature,
)
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

_KNOWN = frozenset(
    {"text", "thought", "thoughtSignature", "inlineData", "fileData", "functionCall", "functionResponse"}
)
_AUDIO = {"audio/mpeg": "audio/mp3"}


@dataclass(frozen=True, slots=True)
class Style:
    """What the reader of the parts knows."""

    ids: bool = True
    """Ids of function calls (Gemini 3, and every client)."""
    media_in_results: bool = True
    """`functionResponse.parts` (Gemini 3)."""
    vendor: str = FORMAT
    """Whose thought signatures it takes."""
    unsigned_thoughts: bool = True
    """Thoughts without a signature: a client wants to see them, a model has no use for them."""
    seals: bool = False
    """Takes other vendors' proofs sealed, to bring them back."""


CLIENT = Style(seals=True)


def parse_part(raw: Any, param: str = "parts") -> ir.Part:
    """Raise `InvalidRequest` for a part that is no object or whose data has another shape."""
    if not isinstance(raw, dict):
        raise InvalidRequest(f"{param} must hold objects", param=param)
    extra = {FORMAT: raw}
    if (call := get(raw, "functionCall")) is not None:
        parsed = _parse_call(as_object(call, f"{param}.functionCall"), raw)
        return parsed if parsed.name else ir.Unknown(FORMAT, "functionCall", raw, extra)
    if (answer := get(raw, "functionResponse")) is not None:
        return _parse_result(as_object(answer, f"{param}.functionResponse"), raw, param)
    if raw.get("thought") is True and (thoughts := unseal(raw)):
        return thoughts[0].part(as_text(raw.get("text"), f"{param}.text"))
    if "text" in raw:
        text = as_text(raw["text"], f"{param}.text")
        if raw.get("thought") is True:
            return ir.Reasoning(text, signature=_signature(raw), vendor=FORMAT, extra=extra)
        return ir.Text(text, extra)
    if not raw.get("thought"):
        if isinstance(blob := get(raw, "inlineData"), dict) and isinstance(blob.get("data"), str):
            return _parse_blob(blob, extra)
        if isinstance(link := get(raw, "fileData"), dict) and isinstance(get(link, "fileUri"), str):
            return _parse_link(link, extra)
    kind = next((key for key in raw if key not in ("thoughtSignature", "thought_signature")), None)
    return ir.Unknown(FORMAT, kind, raw, extra) if kind else ir.Text("", extra)


def _signature(raw: JSONDict) -> str | None:
    signature = get(raw, "thoughtSignature")
    known = isinstance(signature, str) and signature != SKIP_SIGNATURE and not is_sealed(signature)
    return signature if known else None


def _parse_call(call: JSONDict, raw: JSONDict) -> ir.ToolCall:
    args = call.get("args")
    return ir.ToolCall(
        id=as_text(call.get("id"), "functionCall.id"),
        name=as_text(call.get("name"), "functionCall.name"),
        arguments="{}" if args is None else json.dumps(args).decode(),
        signature=_signature(raw),
        extra={FORMAT: without_signature(raw) if is_sealed(get(raw, "thoughtSignature")) else raw},
    )


def _parse_result(answer: JSONDict, raw: JSONDict, param: str) -> ir.ToolResult:
    parts: list[ir.Part] = [ir.Text(_result_text(answer.get("response")))]
    parts += [parse_part(part, f"{param}.functionResponse.parts") for part in as_list(answer.get("parts"))]
    return ir.ToolResult(
        call_id=as_text(answer.get("id"), "functionResponse.id"),
        name=as_text(answer.get("name"), "functionResponse.name") or None,
        parts=parts,
        extra={FORMAT: raw},
    )


def _result_text(response: Any) -> str:
    """A string that was wrapped only because Google wants an object comes out of its wrapper."""
    if isinstance(response, dict) and len(response) == 1:
        value = response.get("result", response.get("output"))
        if isinstance(value, str):
            return value
    return "" if response is None else json.dumps(response).decode()


def _parse_blob(blob: JSONDict, extra: ir.Extra) -> ir.Part:
    media_type = str(get(blob, "mimeType") or "").lower() or None
    data = media.clean_base64(blob["data"])
    if media_type is None:
        media_type = media.sniff(data)
    if media_type and media_type.startswith("image/"):
        return ir.Image(media_type, data=data, extra=extra)
    if media_type and media_type.startswith("audio/"):
        return ir.Audio(media_type, data=data, extra=extra)
    name = get(blob, "displayName")
    return ir.File(media_type, data=data, filename=name if isinstance(name, str) else None, extra=extra)


def _parse_link(link: JSONDict, extra: ir.Extra) -> ir.Part:
    url = str(get(link, "fileUri"))
    media_type = str(get(link, "mimeType") or "").lower() or media.media_type_of_url(url)
    if media_type and media_type.startswith("image/"):
        return ir.Image(media_type, url=url, extra=extra)
    if media_type and media_type.startswith("audio/"):
        return ir.Audio(media_type, url=url, extra=extra)
    return ir.File(media_type, url=url, extra=extra)


def emit_part(part: ir.Part, style: Style, dropped: list[str]) -> JSONDict | None:
    """None where Gemini has no word for the part, which is noted, or where it says nothing."""
    raw = own(part.extra)
    if FORMAT in part.extra and is_unchanged(part, raw):
        return raw
    built = _build(part, style, dropped)
    if built is None:
        return None
    if "thoughtSignature" not in built and isinstance(part, ir.Text) and (signature := _signature(raw)):
        built["thoughtSignature"] = signature
    return {**others(raw, _KNOWN), **built} if raw else built


def is_unchanged(part: ir.Part, raw: JSONDict) -> bool:
    """Does `raw` still say what the part says? Ids do not count: Gemini's own need not have any."""
    try:
        said = parse_part(raw)
    except InvalidRequest:
        return False
    if isinstance(said, ir.ToolCall) and isinstance(part, ir.ToolCall):
        said.id = part.id
    elif isinstance(said, ir.ToolResult) and isinstance(part, ir.ToolResult):
        said.call_id, said.name = part.call_id, said.name or part.name
    return said == part


def _build(part: ir.Part, style: Style, dropped: list[str]) -> JSONDict | None:
    match part:
        case ir.Text(text=text) | ir.Refusal(text=text):
            return {"text": text} if text or _signature(own(part.extra)) else None
        case ir.Image():
            return _emit_media(part, part.data and media.image_type(part.media_type, part.data), dropped)
        case ir.Audio():
            return _emit_media(part, _AUDIO.get(part.media_type, part.media_type), dropped)
        case ir.File():
            if part.text is not None:
                return _inline("text/plain", base64.b64encode(part.text.encode("utf-8", "replace")).decode())
            return _emit_media(part, part.media_type or "application/pdf", dropped)
        case ir.Reasoning():
            return _emit_reasoning(part, style)
        case ir.ToolCall():
            return emit_call(part, style)
        case ir.Unknown(format=format, type=kind, raw=raw):
            if format == FORMAT and isinstance(raw, dict):
                return dict(raw)
            dropped.append(f"{format}.{kind}")
            return None
        case ir.ToolResult():
            return emit_result(part, part.name or "", style, [])


def _emit_media(
    part: ir.Image | ir.Audio | ir.File, media_type: str | None, dropped: list[str]
) -> JSONDict | None:
    if part.data:
        return _inline(media_type or "application/octet-stream", part.data)
    if part.url is None:
        dropped.append(f"{type(part).__name__.lower()}.file_id")
        return None
    inlined = media.parse_data_uri(part.url)
    if inlined:
        return _inline(inlined.media_type, inlined.data)
    if part.url.startswith("http") and not is_fetchable(part.url):
        dropped.append(f"{type(part).__name__.lower()}.url")
    link: JSONDict = {"fileUri": part.url}
    known = part.media_type or media.media_type_of_url(part.url)
    if known:
        link["mimeType"] = known
    return {"fileData": link}


def is_fetchable(url: str) -> bool:
    """Gemini itself reads these; any other address must be inlined before (docs/protocol-notes.md, Messages)."""
    return url.startswith(
        (
            "gs://",
            "https://generativelanguage.googleapis.com/",
            "https://www.youtube.com/",
            "https://youtube.com/",
            "https://youtu.be/",
        )
    )


def _inline(media_type: str, data: str) -> JSONDict:
    return {"inlineData": {"mimeType": media_type, "data": data}}


def _emit_reasoning(part: ir.Reasoning, style: Style) -> JSONDict | None:
    signature = part.signature if part.vendor == style.vendor else None
    if style.seals and is_foreign(part):
        signature = seal([part], with_text=False)
    if not (part.text or signature) or not (signature or style.unsigned_thoughts):
        return None
    built: JSONDict = {"text": part.text, "thought": True}
    return {**built, "thoughtSignature": signature} if signature else built


def emit_call(part: ir.ToolCall, style: Style) -> JSONDict:
    call: JSONDict = {"name": part.name, "args": parse_object(part.arguments)}
    came = get(own(part.extra), "functionCall")
    if part.id and (style.ids or (isinstance(came, dict) and came.get("id"))):
        call["id"] = part.id
    built: JSONDict = {"functionCall": call}
    if part.signature and style.vendor == FORMAT:
        built["thoughtSignature"] = part.signature
    return built


def emit_result(part: ir.ToolResult, name: str, style: Style, beside: list[JSONDict]) -> JSONDict:
    """`beside` receives media that this model only takes next to the response, not in it."""
    answer: JSONDict = {"name": name, "response": _response_object(part)}
    came = get(own(part.extra), "functionResponse")
    if part.call_id and (style.ids or (isinstance(came, dict) and came.get("id"))):
        answer["id"] = part.call_id
    pictures = [_build(item, style, []) for item in part.parts if not isinstance(item, ir.Text)]
    found = [picture for picture in pictures if picture is not None]
    if found and style.media_in_results:
        answer["parts"] = found
    else:
        beside += found
    return {"functionResponse": answer}


def _response_object(part: ir.ToolResult) -> JSONDict:
    """An object as it is, other text wrapped. Google resolves `$ref` in a response, so that stays text."""
    text = "\n".join(item.text for item in part.parts if isinstance(item, ir.Text | ir.Refusal))
    if part.is_error:
        return {"error": text}
    if text.lstrip().startswith("{") and '"$ref"' not in text and '"$defs"' not in text:
        try:
            value = json.loads(text.encode("utf-8", "surrogatepass"))
        except InvalidRequest:
            value = None
        if isinstance(value, dict):
            return value
    return {"result": text}
