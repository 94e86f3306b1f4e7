"""Content parts of messages and tool results: text, images, files (docs/protocol-notes.md, Messages)."""

from __future__ import annotations

import base64
import mimetypes
import re
from typing import Any

from gateway.wire import ir, media
from gateway.wire.openai_responses.citations import parse_annotations
from gateway.wire.openai_responses.fields import NAME, invalid, leftover, own, typed
from omniroute.types import JSONDict

_TEXT_TYPES = frozenset({"input_text", "output_text", "text", "summary_text", "reasoning_text"})
NO_VISION = "[An image was left out: this model takes no images]"


def parse_content(value: Any, role: str, param: str) -> list[ir.Part]:
    """A list of content parts."""
    parts = typed(value, list, param, "a string or a list of content parts")
    return [parse_part(part, role, f"{param}[{index}]") for index, part in enumerate(parts)]


def parse_part(value: Any, role: str, param: str) -> ir.Part:
    part: JSONDict = typed(value, dict, param, "an object")
    kind = part.get("type")
    if not isinstance(kind, str):
        raise invalid(f"{param}.type", "expected a content type such as 'input_text'")
    if kind in _TEXT_TYPES:
        text = typed(part.get("text"), str, f"{param}.text", "a string")
        annotations = part.get("annotations")
        cited = parse_annotations(annotations) if annotations else []
        return ir.Text(text, _extra(part, ("text",), text_type(role)), cited)
    if kind == "refusal":
        refusal = typed(part.get("refusal"), str, f"{param}.refusal", "a string")
        return ir.Refusal(refusal, _extra(part, ("refusal",), kind))
    if kind == "input_image":
        return _parse_image(part, param)
    if kind == "input_file":
        return _parse_file(part, param)
    if kind == "input_audio" and isinstance(part.get("input_audio"), dict):
        return _parse_audio(part, param)
    return ir.Unknown(NAME, kind, part, {NAME: {"content": True}})


def text_type(role: str) -> str:
    return "output_text" if role == "assistant" else "input_text"


def _extra(part: JSONDict, known: tuple[str, ...], usual_type: str) -> ir.Extra:
    rest = leftover(part, known)
    if rest.get("type") == usual_type:
        del rest["type"]
    return {NAME: {"part": rest}}


def _parse_image(part: JSONDict, param: str) -> ir.Image:
    url = part.get("image_url")
    if isinstance(url, dict):  # Chat's shape, which some clients send here
        url = url.get("url")
    if url is not None:
        typed(url, str, f"{param}.image_url", "a URL or a data URL")
    if url is None and not isinstance(part.get("file_id"), str):
        raise invalid(param, "an input_image needs 'image_url' or 'file_id'")
    media_type, data = media.parse_data_uri(url or "") or (None, None)
    known = ["type", "file_id", "detail"]
    if isinstance(part.get("image_url"), str) and (
        data is None or media.build_data_uri(media_type, data) == url
    ):
        known.append("image_url")
    return ir.Image(
        media_type=media_type,
        data=data,
        url=url if data is None else None,
        file_id=part.get("file_id") if url is None else None,
        detail=part.get("detail"),
        extra={NAME: {"part": _keep_nulls(part, known)}},
    )


def _parse_file(part: JSONDict, param: str) -> ir.File:
    raw, url, file_id = part.get("file_data"), part.get("file_url"), part.get("file_id")
    if not any(isinstance(source, str) for source in (raw, url, file_id)):
        raise invalid(param, "an input_file needs 'file_data', 'file_url' or 'file_id'")
    media_type, data = media.parse_data_uri(raw if isinstance(raw, str) else "") or (None, None)
    known = ["type", "file_id", "file_url", "filename"]
    if isinstance(raw, str) and data is not None and media.build_data_uri(media_type, data) == raw:
        known.append("file_data")
    elif isinstance(raw, str) and data is None:
        data = raw
    filename = part.get("filename")
    return ir.File(
        media_type=media_type or (media.media_type_of_url(filename) if isinstance(filename, str) else None),
        data=data,
        url=url if data is None else None,
        file_id=file_id if data is None and url is None else None,
        filename=filename if isinstance(filename, str) else None,
        extra={NAME: {"part": _keep_nulls(part, known)}},
    )


def _parse_audio(part: JSONDict, param: str) -> ir.Audio:
    audio = part["input_audio"]
    data = typed(audio.get("data"), str, f"{param}.input_audio.data", "a base64 string")
    return ir.Audio(media.audio_type(str(audio.get("format", "wav"))), data, extra={NAME: {"part": part}})


def _keep_nulls(part: JSONDict, known: list[str]) -> JSONDict:
    return {key: value for key, value in part.items() if key not in known or value is None}


# ---- emit


def emit_part(part: ir.Part, role: str, vision: bool, dropped: list[str]) -> JSONDict | None:
    """None: this part has no place in a message here; `dropped` says so."""
    rest: JSONDict = own(part.extra).get("part", {})
    match part:
        case ir.Text():
            return {"type": text_type(role), "text": part.text, **rest}
        case ir.Refusal():
            return {"type": "refusal", "refusal": part.text, **rest}
        case ir.Image():
            return _emit_image(part, rest, vision, dropped)
        case ir.File():
            return _emit_file(part, rest, dropped)
        case ir.Audio(data=str() as data):
            kind = media.audio_format(part.media_type) or part.media_type.partition("/")[2]
            return {"type": "input_audio", "input_audio": {"data": data, "format": kind}, **rest}
        case ir.Audio(url=str() as url):
            return {"type": "input_file", "file_url": url}
        case ir.Unknown(format=format, raw=raw) if format == NAME and isinstance(raw, dict):
            return raw
        case ir.Unknown():
            dropped.append(f"content.{part.type}")
        case _:
            dropped.append(f"content.{type(part).__name__.lower()}")
    return None


def _emit_image(image: ir.Image, rest: JSONDict, vision: bool, dropped: list[str]) -> JSONDict | None:
    if not vision:
        dropped.append("content.image")
        return {"type": "input_text", "text": NO_VISION}
    emitted: JSONDict = {"type": "input_image"}
    if image.data is not None:
        emitted["image_url"] = media.build_data_uri(
            media.image_type(image.media_type, image.data), image.data
        )
    elif image.url is not None:
        emitted["image_url"] = image.url
    elif image.file_id is not None and NAME in image.extra:
        emitted["file_id"] = image.file_id
    else:
        dropped.append("content.image (a file of another vendor)")
        return None
    if image.detail is not None:
        emitted["detail"] = image.detail
    elif NAME not in image.extra:
        emitted["detail"] = "auto"
    return {**emitted, **rest}


def _emit_file(file: ir.File, rest: JSONDict, dropped: list[str]) -> JSONDict | None:
    if (file.media_type or "").startswith(("video/", "audio/")) and file.url is None:
        dropped.append(f"content.file ({file.media_type})")
        return None
    emitted: JSONDict = {"type": "input_file"}
    if file.text is not None:
        return _emit_text_document(file)
    if file.data is not None:
        emitted["file_data"] = media.build_data_uri(
            file.media_type or media.sniff(file.data) or "application/pdf", file.data
        )
    elif file.url is not None:
        emitted["file_url"] = file.url
    elif file.file_id is not None and NAME in file.extra:
        emitted["file_id"] = file.file_id
    else:
        dropped.append("content.file (a file of another vendor)")
        return None
    if file.filename is not None or (file.data is not None and NAME not in file.extra):
        emitted["filename"] = file.filename or _filename(file)
    return {**emitted, **rest}


def _emit_text_document(file: ir.File) -> JSONDict:
    data = base64.b64encode((file.text or "").encode("utf-8", "replace")).decode()
    return {
        "type": "input_file",
        "filename": file.filename or _filename(file),
        "file_data": media.build_data_uri("text/plain", data),
    }


def _filename(file: ir.File) -> str:
    """The vendor asks for a name with the bytes, and tells the kind by its extension."""
    media_type = "text/plain" if file.text is not None else file.media_type or "application/pdf"
    extension = mimetypes.guess_extension(media_type) or ".bin"
    stem = re.sub(r"[^\w .-]", "_", file.title or "").strip() or "document"
    return stem if stem.lower().endswith(extension) else stem + extension
