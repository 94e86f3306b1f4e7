"""Content blocks into parts, for requests and replies alike."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir, json, media
from gateway.wire.anthropic_messages import signatures
from gateway.wire.anthropic_messages.citations import parse_citations, without_foreign
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

NAME = "anthropic_messages"
VENDOR = "anthropic"
JSON_TOOL = "omniroute_json_answer"
"""The tool that models without structured output must call: its input is the answer's text."""
RAW = "$raw"
"""In `extra[NAME]`: the whole block, where the neutral fields say part of it. Keys with $ are never sent."""

FOREIGN = "$foreign"
"""In `extra[NAME]` of reasoning that stands for another vendor's: Anthropic would refuse it."""


def parse_blocks(blocks: list[Any], path: str) -> list[ir.Part]:
    """Raise `InvalidRequest`, naming the block, for what cannot be a content block."""
    parts = [parse_block(block, f"{path}.{number}") for number, block in enumerate(blocks)]
    return _hand_over_proofs(parts) if any(isinstance(part, ir.Reasoning) for part in parts) else parts


def _hand_over_proofs(parts: list[ir.Part]) -> list[ir.Part]:
    """A thinking block that carries the proof of the next call is no thinking of its own."""
    kept: list[ir.Part] = []
    proof: str | None = None
    for part in parts:
        if isinstance(part, ir.Reasoning) and part.vendor == signatures.CALL:
            proof = part.signature
            continue
        if isinstance(part, ir.ToolCall) and proof:
            part.signature, proof = proof, None
        kept.append(part)
    return kept


def parse_block(block: Any, path: str) -> ir.Part:
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        raise InvalidRequest(f"{path}: Input should be a content block with a type", param=path)
    parse = _PARSERS.get(block["type"])
    return parse(block, path) if parse else ir.Unknown(NAME, block["type"], block)


def _rest(block: JSONDict, *known: str) -> ir.Extra:
    rest = {key: value for key, value in block.items() if key != "type" and key not in known}
    return {NAME: rest} if rest else {}


def _string(block: JSONDict, key: str, path: str) -> str:
    value = block.get(key)
    if not isinstance(value, str):
        raise InvalidRequest(f"{path}.{key}: Input should be a valid string", param=f"{path}.{key}")
    return value


def _text(block: JSONDict, path: str) -> ir.Part:
    text, extra = _string(block, "text", path), _rest(block, "text")
    cited = block.get("citations")
    if not cited:
        return ir.Text(text, extra)
    extra[NAME]["citations"] = without_foreign(cited)
    return ir.Text(text, extra, parse_citations(cited, len(text)))


def _thinking(block: JSONDict, path: str) -> ir.Part:
    signature = block.get("signature")
    extra = _rest(block, "thinking", *(["signature"] if isinstance(signature, str) else []))
    text = _string(block, "thinking", path)
    proof = signatures.unpack(signature)
    if proof:
        extra = {NAME: {**extra.get(NAME, {}), FOREIGN: True}}
        return ir.Reasoning(text, proof.value, vendor=proof.vendor, id=proof.id, extra=extra)
    if not isinstance(signature, str):
        return ir.Reasoning(text, extra=extra)
    return ir.Reasoning(text, signature, vendor=VENDOR, extra=extra)


def _redacted(block: JSONDict, path: str) -> ir.Part:
    data = _string(block, "data", path)
    extra = _rest(block, "data")
    proof = signatures.unpack(data)
    if proof:
        extra = {NAME: {**extra.get(NAME, {}), FOREIGN: True}}
        return ir.Reasoning(redacted=proof.value, vendor=proof.vendor, id=proof.id, extra=extra)
    return ir.Reasoning(redacted=data, vendor=VENDOR, extra=extra)


def _tool_use(block: JSONDict, path: str) -> ir.Part:
    value = block.get("input")
    extra = _rest(block, "id", "name", "input")
    if not isinstance(value, dict):
        extra = {NAME: {**extra.get(NAME, {}), RAW: block}}
    arguments = value if isinstance(value, str) else "" if value is None else json.dumps(value).decode()
    return ir.ToolCall(_string(block, "id", path), _string(block, "name", path), arguments, extra=extra)


def _tool_result(block: JSONDict, path: str) -> ir.Part:
    content = block.get("content")
    is_error = block.get("is_error")
    extra = _rest(block, "tool_use_id", "content", "is_error").get(NAME, {})
    if is_error is not True and "is_error" in block:
        extra["is_error"] = is_error
    parts: list[ir.Part] = []
    if isinstance(content, list):
        parts = parse_blocks(content, f"{path}.content")
    elif isinstance(content, str):
        extra["$string"] = True
        parts = [ir.Text(content)]
    elif content is not None:
        raise InvalidRequest(f"{path}.content: Input should be a string or a list", param=f"{path}.content")
    else:
        extra["$absent"] = "content" not in block
    call_id = _string(block, "tool_use_id", path)
    return ir.ToolResult(call_id, parts, is_error=is_error is True, extra={NAME: extra} if extra else {})


def _image(block: JSONDict, path: str) -> ir.Part:
    source = _source(block, path)
    image = ir.Image(extra={NAME: {**_rest(block, "source").get(NAME, {}), "$source": source}})
    match source.get("type"):
        case "base64" if isinstance(source.get("data"), str):
            image.data = media.clean_base64(source["data"])
            image.media_type = _optional(source.get("media_type"))
        case "url" if isinstance(source.get("url"), str):
            uri = media.parse_data_uri(source["url"])
            if uri:
                image.media_type, image.data = uri
            else:
                image.url = source["url"]
        case "file" if isinstance(source.get("file_id"), str):
            image.file_id = source["file_id"]
        case _:
            return ir.Unknown(NAME, "image", block)
    return image


def _document(block: JSONDict, path: str) -> ir.Part:
    source = _source(block, path)
    rest = _rest(block, "source", "title", "context").get(NAME, {})
    rest.update({key: block[key] for key in ("title", "context") if key in block and block[key] is None})
    document = ir.File(
        media_type=_optional(source.get("media_type")),
        title=_optional(block.get("title")),
        context=_optional(block.get("context")),
        extra={NAME: {**rest, "$source": source}},
    )
    match source.get("type"):
        case "base64" if isinstance(source.get("data"), str):
            document.data = media.clean_base64(source["data"])
        case "text" if isinstance(source.get("data"), str):
            document.text = source["data"]
        case "url" if isinstance(source.get("url"), str):
            document.url = source["url"]
        case "file" if isinstance(source.get("file_id"), str):
            document.file_id = source["file_id"]
        case "content":
            document.text = _joined(source.get("content"))
            document.media_type = "text/plain"
        case _:
            return ir.Unknown(NAME, "document", block)
    return document


def _search_result(block: JSONDict, path: str) -> ir.Part:
    """Text to everybody else."""
    head = [value for value in (block.get("title"), block.get("source")) if isinstance(value, str)]
    return ir.Text("\n".join([*head, _joined(block.get("content"))]), {NAME: {RAW: block}})


def _tool_reference(block: JSONDict, path: str) -> ir.Part:
    """What Claude's tool search found. The tool itself is among the request's by then."""
    name = block.get("tool_name")
    return ir.Text(f"Found the tool {name}.\n" if isinstance(name, str) else "", {NAME: {RAW: block}})


def _source(block: JSONDict, path: str) -> JSONDict:
    source = block.get("source")
    if not isinstance(source, dict):
        raise InvalidRequest(f"{path}.source: Input should be an object", param=f"{path}.source")
    return source


def _joined(content: Any) -> str:
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    texts = [block.get("text") for block in blocks if isinstance(block, dict)]
    return "\n".join(text for text in texts if isinstance(text, str))


def _optional(value: Any) -> str | None:
    return value if isinstance(value, str) else None


_PARSERS = {
    "text": _text,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
    "tool_reference": _tool_reference,
}
"""Everything else (server tools and their results, uploads) is `Unknown`."""
