"""Parts into the content blocks of a request."""

from __future__ import annotations

from gateway.wire import ir, media
from gateway.wire.anthropic_messages.blocks import FOREIGN, NAME, RAW, VENDOR
from gateway.wire.arguments import parse_object
from gateway.wire.base import ModelProfile
from omniroute.types import JSONDict

_READABLE = ("application/json", "application/xml", "application/x-yaml", "application/javascript")


def own_fields(extra: ir.Extra) -> JSONDict:
    """What the block said beyond the neutral fields, ready to be sent."""
    own = extra.get(NAME)
    return {key: value for key, value in own.items() if not key.startswith("$")} if own else {}


class BlockWriter:
    """`same`: the request came in this format, so everything is said again as it was.

    Otherwise what Claude cannot take is left out or replaced by a note, and `dropped` says so.
    """

    def __init__(self, same: bool, profile: ModelProfile, dropped: list[str]) -> None:
        self._same = same
        self._profile = profile
        self._dropped = dropped

    def blocks(self, parts: list[ir.Part]) -> list[JSONDict]:
        return [block for part in parts if (block := self._block(part)) is not None]

    def _block(self, part: ir.Part) -> JSONDict | None:
        own = part.extra.get(NAME)
        if self._same and own and RAW in own:
            raw: JSONDict = own[RAW]
            return raw
        match part:
            case ir.Text():
                return self._text(part.text, part.extra)
            case ir.Refusal():
                return self._text(part.text, part.extra)
            case ir.Reasoning():
                return self._reasoning(part)
            case ir.ToolCall():
                return self._call(part)
            case ir.ToolResult():
                return self._result(part)
            case ir.Image():
                return self._image(part)
            case ir.File():
                return self._file(part)
            case ir.Audio(url=str() as url):
                return {"type": "document", "source": {"type": "url", "url": url}}  # refused by name
            case ir.Audio():
                return self._note("audio", "audio")
            case ir.Unknown(format=format, type=type, raw=raw):
                if format == NAME:
                    return dict(raw)
                self._dropped.append(f"content.{type}")
                return None

    def _text(self, text: str, extra: ir.Extra) -> JSONDict | None:
        if not self._same and not text.strip():
            return None  # refused by Claude
        return {"type": "text", "text": text, **own_fields(extra)}

    def _note(self, kind: str, shown: str) -> JSONDict:
        """For what the model cannot see: it should know that something is missing."""
        self._dropped.append(f"content.{kind}")
        return {"type": "text", "text": f"[{shown} omitted: this model cannot take it]"}

    def _reasoning(self, part: ir.Reasoning) -> JSONDict | None:
        """The model's own proof or nothing: any other is a 400 (docs/protocol-notes.md, Thinking)."""
        if self._same:
            kept = part.vendor in (None, VENDOR) and FOREIGN not in part.extra.get(NAME, {})
        else:
            signed = bool(part.signature or part.redacted)
            kept = signed and bool(part.vendor) and part.vendor == self._profile.maker
        if not kept:
            self._dropped.append("content.reasoning")
            return None
        if part.redacted is not None:
            return {"type": "redacted_thinking", "data": part.redacted, **own_fields(part.extra)}
        block: JSONDict = {"type": "thinking", "thinking": part.text}
        if part.signature is not None:
            block["signature"] = part.signature
        return {**block, **own_fields(part.extra)}

    def _call(self, part: ir.ToolCall) -> JSONDict:
        value = {"input": part.arguments} if part.kind == "custom" else parse_object(part.arguments)
        return {
            "type": "tool_use",
            "id": part.id,
            "name": part.name,
            "input": value,
            **own_fields(part.extra),
        }

    def _result(self, part: ir.ToolResult) -> JSONDict:
        block: JSONDict = {"type": "tool_result", "tool_use_id": part.call_id}
        hints = part.extra.get(NAME, {})
        content = self.blocks(part.parts)
        plain = len(content) == 1 and content[0].keys() == {"type", "text"}
        if hints.get("$string") and plain:
            block["content"] = content[0]["text"]
        elif "$absent" in hints and not content:
            block |= {} if hints["$absent"] else {"content": None}
        elif self._same or not (plain or not content):
            block["content"] = content
        else:
            block["content"] = content[0]["text"] if content else ""
        if part.is_error:
            block["is_error"] = True
        return {**block, **own_fields(part.extra)}

    def _image(self, part: ir.Image) -> JSONDict:
        own = part.extra.get(NAME, {})
        if self._same and "$source" in own:
            return {"type": "image", "source": own["$source"], **own_fields(part.extra)}
        if not self._profile.vision:
            return self._note("image", "image")
        if part.data is not None:
            kind = media.image_type(part.media_type, part.data)
            if kind not in media.IMAGES_EVERYWHERE:
                return self._note("image", f"image of type {kind}")
            source = {"type": "base64", "media_type": kind, "data": part.data}
        elif part.url is not None:
            source = {"type": "url", "url": part.url}
        else:
            return self._note("image", "image")
        return {"type": "image", "source": source, **own_fields(part.extra)}

    def _file(self, part: ir.File) -> JSONDict:
        own = part.extra.get(NAME, {})
        if self._same and "$source" in own:
            source = own["$source"]
        elif (part.media_type or "").startswith("image/") and (part.data or part.url):
            return self._image(ir.Image(part.media_type, part.data, part.url, extra=part.extra))
        else:
            found = _document_source(part)
            if found is None:
                return self._note("file", f"file {part.filename}" if part.filename else "file")
            source = found
        block: JSONDict = {"type": "document", "source": source}
        title = part.title if part.title is not None else part.filename
        if title is not None:
            block["title"] = title
        if part.context is not None:
            block["context"] = part.context
        return {**block, **own_fields(part.extra)}


def _document_source(part: ir.File) -> JSONDict | None:
    """Claude reads PDFs and plain text; None for everything else."""
    if part.text is not None:
        return {"type": "text", "media_type": "text/plain", "data": part.text}
    if part.url is not None:
        return {"type": "url", "url": part.url}  # what Claude cannot fetch, it refuses by name
    if part.data is None:
        return None
    kind = media.sniff(part.data) or part.media_type or media.media_type_of_url(part.filename or "") or ""
    if kind == "application/pdf":
        return {"type": "base64", "media_type": kind, "data": part.data}
    if kind.startswith("text/") or kind.partition(";")[0] in _READABLE:
        content = media.decode_base64(part.data)
        if content is not None:
            text = content.decode("utf-8", "replace")
            return {"type": "text", "media_type": "text/plain", "data": text}
    return None
