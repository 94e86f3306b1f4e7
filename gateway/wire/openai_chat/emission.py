"""Parts into a message's content: text, images, audio, files. `content.py` is the way back."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from gateway.wire import ir
from gateway.wire.base import ModelProfile
from gateway.wire.media import audio_format, image_type
from gateway.wire.openai_chat.keep import CHAT, SHAPE, restore
from omniroute.types import JSONDict

_EXTENSIONS = {"application/pdf": "pdf", "text/plain": "txt", "text/markdown": "md", "text/csv": "csv"}
CLAUDE = "anthropic_messages"
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
FILE_LINKS = {"mistral": "document_url", "perplexity": "file_url"}
"""Providers whose parts for documents have a name and a shape of their own."""
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


def emit_part(part: ir.Part, emission: Emission) -> JSONDict | None:
    """None for what a content cannot hold; whatever is lost by that is noted in `emission.dropped`."""
    emitted = _canonical(part, emission)
    if emitted is None:
        return None
    marked = part.extra.get(CLAUDE)
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
    if not emission.native and emission.profile.provider in FILE_LINKS:
        return _linked(FILE_LINKS[emission.profile.provider], value["file_data"], filename)
    if filename is None and not emission.native:
        filename = f"document.{_EXTENSIONS.get(media_type or '', 'pdf')}"
    if filename is not None:
        value["filename"] = filename
    return {"type": "file", "file": value}


def _linked(kind: str, url: str, filename: str | None) -> JSONDict:
    """Perplexity takes base64 without the head of a data URI."""
    if kind == "document_url":
        named: JSONDict = {"document_name": filename} if filename else {}
        return {"type": kind, kind: url, **named}
    named = {"file_name": filename} if filename else {}
    return {"type": kind, kind: {"url": url.partition(";base64,")[2] or url}, **named}
