"""Parts of a message's content: text, images, audio, files (facts/translators.md §1.2)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.wire import ir
from gateway.wire.base import ModelProfile
from gateway.wire.media import audio_format, audio_type, image_type
from gateway.wire.openai_chat.keep import CHAT, SHAPE, difference, restore
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

_DATA_URI = re.compile(r"data:([^;,]*);base64,(.*)", re.DOTALL)
_EXTENSIONS = {"application/pdf": "pdf", "text/plain": "txt", "text/markdown": "md", "text/csv": "csv"}
_CLAUDE = "anthropic_messages"
MARK = "cache_control"
TEXT_ONLY = frozenset(
    {
        "cerebras",
        "cohere",
        "deepseek",
        "fireworks",
        "glm",
        "groq",
        "kimi",
        "kimi-coding",
        "minimax",
        "mistral",
    }
    | {"nvidia", "perplexity", "together", "xai"}
)
"""Providers that take no `file` parts, so that documents of plain text go into the message."""
VIDEO_TAKERS = frozenset({"openrouter", "glm"})
NO_VISION = "[An image was left out: this model takes no images.]"


@dataclass(slots=True)
class Emission:
    """Who is written for. `native`: the body came in this format and goes out again as it came."""

    profile: ModelProfile = field(default_factory=ModelProfile)
    native: bool = False
    dropped: list[str] = field(default_factory=list)

    @property
    def caches(self) -> bool:
        """Whether the reader passes Claude's cache breakpoints on; others may refuse the field."""
        profile = self.profile
        return not self.native and profile.provider == "openrouter" and "claude" in profile.model

    def drop(self, what: str) -> None:
        if what not in self.dropped:
            self.dropped.append(what)


NATIVE = Emission(native=True)


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
        extra[_CLAUDE] = {**extra.get(_CLAUDE, {}), MARK: raw[MARK]}


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
        value = "".join(item.get("text") or "" for item in value if isinstance(item, dict))
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
    "video_url": _parse_video,
    "image": _parse_source,
    "document": _parse_source,
    "thinking": _parse_thinking,
}


# ---- Emit ------------------------------------------------------------------------------------------------


def emit_part(part: ir.Part, emission: Emission) -> JSONDict | None:
    """None for what a content cannot hold; whatever is lost by that is noted in `emission.dropped`."""
    emitted = _canonical(part, emission)
    if emitted is None:
        return None
    marked = part.extra.get(_CLAUDE)
    if marked and MARK in marked and emission.caches:
        emitted[MARK] = marked[MARK]
    return restore(emitted, part.extra.get(CHAT))


def _canonical(part: ir.Part, emission: Emission) -> JSONDict | None:
    match part:
        case ir.Text(text=text):
            return {"type": "text", "text": text}
        case ir.Refusal(text=text):
            return {"type": "refusal", "refusal": text}
        case ir.Image():
            return emit_image(part, emission)
        case ir.Audio():
            return _emit_audio(part, emission)
        case ir.File():
            return _emit_file(part, emission)
        case ir.Reasoning(text=text) if part.extra.get(SHAPE) == "part":
            return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}
        case ir.Unknown(format=format, raw=raw) if format == CHAT:
            return dict(raw) if isinstance(raw, dict) else None
        case ir.Unknown(type=kind):
            emission.drop(f"parts.{kind}")
    return None


def data_uri(media_type: str | None, data: str) -> str:
    return f"data:{media_type or ''};base64,{data}"


def emit_image(image: ir.Image, emission: Emission) -> JSONDict | None:
    if not emission.native and not emission.profile.vision:
        emission.drop("parts.image")
        return {"type": "text", "text": NO_VISION}
    if image.data is not None:
        label = image.media_type if emission.native else image_type(image.media_type, image.data)
        url = data_uri(label, image.data)
    elif image.url is not None:
        url = image.url
    else:
        emission.drop("parts.image.file_id")
        return None
    value: JSONDict = {"url": url}
    if image.detail is not None:
        value["detail"] = image.detail
    return {"type": "image_url", "image_url": value}


def _emit_audio(audio: ir.Audio, emission: Emission) -> JSONDict | None:
    if audio.data is None:
        return _emit_document(ir.File(audio.media_type, url=audio.url, filename="audio"), emission)
    name = audio_format(audio.media_type)
    if name is None:
        name = audio.media_type.partition("/")[2].partition(";")[0] or "wav"
    return {"type": "input_audio", "input_audio": {"data": audio.data, "format": name}}


def _emit_file(file: ir.File, emission: Emission) -> JSONDict | None:
    provider = emission.profile.provider
    media_type = file.media_type or ""
    if media_type.startswith("image/"):
        image = ir.Image(media_type=file.media_type, data=file.data, url=file.url, file_id=file.file_id)
        return emit_image(image, emission)
    if media_type.startswith("video/") and (emission.native or provider in VIDEO_TAKERS):
        url = file.url if file.data is None else data_uri(media_type, file.data)
        return {"type": "video_url", "video_url": {"url": url}}
    if media_type.startswith("video/") and file.url is None:
        emission.drop("parts.video")
        return None
    if file.text is not None and (emission.profile.files_as_text or provider in TEXT_ONLY):
        title = f' title="{file.title or file.filename}"' if file.title or file.filename else ""
        return {"type": "text", "text": f"<document{title}>\n{file.text}\n</document>"}
    return _emit_document(file, emission)


def _emit_document(file: ir.File, emission: Emission) -> JSONDict | None:
    media_type, data = file.media_type, file.data
    if file.text is not None:
        media_type = media_type or "text/plain"
        data = base64.b64encode(file.text.encode("utf-8", "surrogatepass")).decode()
    if data is not None:
        value = {"file_data": data_uri(media_type or ("" if emission.native else "application/pdf"), data)}
    elif file.url is not None:
        value = {
            "file_data": file.url
        }  # OpenRouter fetches it; others refuse it by name, which says more than a gap
    elif emission.native and file.file_id is not None:
        return {"type": "file", "file": {"file_id": file.file_id}}
    else:
        emission.drop("parts.file.file_id")
        return None
    filename = file.filename or file.title
    if filename is None and not emission.native:
        filename = f"document.{_EXTENSIONS.get(media_type or '', 'pdf')}"
    if filename is not None:
        value["filename"] = filename
    return {"type": "file", "file": value}
