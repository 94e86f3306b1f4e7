"""A message's content into parts: text, images, audio, files (docs/protocol-notes.md, Messages)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from gateway.wire import ir
from gateway.wire.media import audio_type, media_type_of_url, sniff
from gateway.wire.openai_chat.emission import CLAUDE, MARK, NATIVE, emit_part
from gateway.wire.openai_chat.keep import CHAT, SHAPE, difference
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

_DATA_URI = re.compile(r"data:([^;,]*);base64,(.*)", re.DOTALL)


def parse_content(content: Any, where: str) -> list[ir.Part]:
    """A string, null, or a list of parts. An empty string is no part."""
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [ir.Text(content)]
    if isinstance(content, dict) and isinstance(content.get("type"), str):
        content = [content]
    if not isinstance(content, list):
        raise InvalidRequest(f"{where} must be a string or a list of parts", param=where)
    return [parse_part(raw, f"{where}[{number}]") for number, raw in enumerate(content)]


def parse_part(raw: Any, where: str) -> ir.Part:
    if isinstance(raw, str):
        return ir.Text(raw)
    if not isinstance(raw, dict):
        raise InvalidRequest(f"{where} must be an object", param=where)
    parser = _PARSERS.get(str(raw.get("type", "text" if "text" in raw else "")))
    part = parser(raw, where) if parser else None
    if part is None:
        return ir.Unknown(CHAT, str(raw.get("type")), raw)
    emitted = emit_part(part, NATIVE)
    kept = difference(raw, emitted) if emitted else None
    if kept:
        part.extra[CHAT] = kept
    mark_cached(part.extra, raw)
    return part


def mark_cached(extra: ir.Extra, raw: JSONDict) -> None:
    """OpenRouter's and litellm's clients set Claude's cache breakpoints in parts, messages and tools."""
    if isinstance(raw.get(MARK), dict):
        extra[CLAUDE] = {**extra.get(CLAUDE, {}), MARK: raw[MARK]}


def _parse_text(raw: JSONDict, where: str) -> ir.Part:
    text = raw.get("text")
    if not isinstance(text, str):
        raise InvalidRequest(f"{where}.text must be a string", param=f"{where}.text")
    return ir.Text(text)


def _parse_refusal(raw: JSONDict, where: str) -> ir.Part:
    text = raw.get("refusal")
    if not isinstance(text, str):
        raise InvalidRequest(f"{where}.refusal must be a string", param=f"{where}.refusal")
    return ir.Refusal(text)


def _parse_image(raw: JSONDict, where: str) -> ir.Part:
    value = raw.get("image_url")
    url = value.get("url") if isinstance(value, dict) else value
    if not isinstance(url, str) or not url:
        raise InvalidRequest(f"{where}.image_url.url must be a string", param=f"{where}.image_url.url")
    detail = value.get("detail") if isinstance(value, dict) else raw.get("detail")
    detail = detail if isinstance(detail, str) else None
    match = _DATA_URI.match(url)
    if match:
        return ir.Image(media_type=match[1] or None, data=match[2], detail=detail)
    return ir.Image(url=url, detail=detail)


def _parse_audio(raw: JSONDict, where: str) -> ir.Part:
    value = raw.get("input_audio")
    if not isinstance(value, dict) or not isinstance(value.get("data"), str):
        raise InvalidRequest(f"{where}.input_audio.data must be a string", param=f"{where}.input_audio.data")
    name = str(value.get("format") or "wav")
    match = _DATA_URI.match(value["data"])
    media_type = name if "/" in name else audio_type(name)
    return ir.Audio(match[1] or media_type if match else media_type, match[2] if match else value["data"])


def _parse_file(raw: JSONDict, where: str) -> ir.Part:
    value = raw.get("file")
    if not isinstance(value, dict):
        raise InvalidRequest(f"{where}.file must be an object", param=f"{where}.file")
    data, file_id, filename = value.get("file_data"), value.get("file_id"), value.get("filename")
    part = ir.File(filename=filename if isinstance(filename, str) else None)
    if isinstance(data, str):
        match = _DATA_URI.match(data)
        if match:
            part.media_type, part.data = match[1] or None, match[2]
        elif re.match(r"https?://|gs://", data):
            part.url = data
        else:
            part.media_type, part.data = "application/pdf", data
    elif isinstance(file_id, str):
        part.file_id = file_id
    else:
        raise InvalidRequest(f"{where}.file needs file_data or file_id", param=f"{where}.file")
    return part


def _parse_linked_file(raw: JSONDict, where: str) -> ir.Part:
    """Mistral's `document_url`, whose value is a string, and Perplexity's `file_url`, which may hold bare base64."""
    name = str(raw.get("type"))
    value = raw.get(name)
    url = value.get("url") if isinstance(value, dict) else value
    if not isinstance(url, str) or not url:
        raise InvalidRequest(f"{where}.{name} must be a string", param=f"{where}.{name}")
    title = raw.get("document_name", raw.get("file_name"))
    part = ir.File(filename=title if isinstance(title, str) else None)
    if match := _DATA_URI.match(url):
        part.media_type, part.data = match[1] or None, match[2]
    elif "://" in url:
        part.url = url
    else:
        part.media_type, part.data = sniff(url) or media_type_of_url(title or ""), url
    return part


def _parse_video(raw: JSONDict, where: str) -> ir.Part:
    value = raw.get("video_url")
    url = value.get("url") if isinstance(value, dict) else value
    if not isinstance(url, str):
        raise InvalidRequest(f"{where}.video_url.url must be a string", param=f"{where}.video_url.url")
    match = _DATA_URI.match(url)
    if match:
        return ir.File(media_type=match[1] or "video/mp4", data=match[2])
    return ir.File(media_type="video/mp4", url=url)


def _parse_source(raw: JSONDict, where: str) -> ir.Part | None:
    """A block of the Messages format, which some editors send to chat/completions."""
    source = raw.get("source")
    if not isinstance(source, dict):
        return None
    new = ir.Image if raw.get("type") == "image" else ir.File
    part: ir.Part | None = None
    if source.get("type") == "base64" and isinstance(source.get("data"), str):
        part = new(media_type=source.get("media_type"), data=source["data"])
    elif source.get("type") == "url" and isinstance(source.get("url"), str):
        part = new(url=source["url"])
    return part


def _parse_thinking(raw: JSONDict, where: str) -> ir.Part | None:
    """Mistral: `{"type": "thinking", "thinking": [{"type": "text", "text": ...}]}`; a string elsewhere."""
    value = raw.get("thinking")
    if isinstance(value, list):
        texts = [item.get("text") for item in value if isinstance(item, dict)]
        value = "".join(text for text in texts if isinstance(text, str))
    if not isinstance(value, str):
        return None
    signature = raw.get("signature")
    part = ir.Reasoning(value, signature=signature if isinstance(signature, str) and signature else None)
    part.vendor = "anthropic" if part.signature else "mistral"
    part.extra[SHAPE] = "part"
    return part


_PARSERS: dict[str, Callable[[JSONDict, str], ir.Part | None]] = {
    "text": _parse_text,
    "input_text": _parse_text,
    "output_text": _parse_text,
    "refusal": _parse_refusal,
    "image_url": _parse_image,
    "input_image": _parse_image,
    "input_audio": _parse_audio,
    "file": _parse_file,
    "document_url": _parse_linked_file,
    "file_url": _parse_linked_file,
    "video_url": _parse_video,
    "image": _parse_source,
    "document": _parse_source,
    "thinking": _parse_thinking,
}
