"""Parts into items: the input of a request, and (through `reply_items`) the output of a reply."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from gateway.wire import ir, json
from gateway.wire.arguments import as_json
from gateway.wire.base import ModelProfile
from gateway.wire.history import mark_error
from gateway.wire.openai_responses import shell
from gateway.wire.openai_responses.content import emit_part
from gateway.wire.openai_responses.fields import NAME, own
from omniroute.types import JSONDict


@dataclass(slots=True)
class InputEmitter:
    """Items of a request. `items` grows; what cannot be said goes to `dropped`."""

    profile: ModelProfile
    dropped: list[str]
    items: list[JSONDict] = field(default_factory=list)

    def add(self, message: ir.Message) -> None:
        run: list[ir.Part] = []
        for part in message.parts:
            if _starts_item(part):
                self._flush(run, message.role)
                run = []
            if is_content(part):
                run.append(part)
                continue
            self._flush(run, message.role)
            run = []
            self._add_other(part)
        self._flush(run, message.role)
        if not message.parts and (kept := own(message.extra).get("item")) is not None:
            self.items.append({"role": message.role, "content": [], **kept})

    def add_system(self, texts: Iterable[ir.Text], role: ir.Role) -> None:
        self.add(ir.Message(role, list(texts)))

    def _flush(self, run: list[ir.Part], role: ir.Role) -> None:
        if not run:
            return
        kept = own(run[0].extra)
        if "item" not in kept:
            self._flush_foreign(run, role)
            return
        item: JSONDict = {"role": role, **kept["item"]}
        if isinstance(run[0], ir.Text) and len(run) == 1 and kept.get("text"):
            self.items.append({**item, "content": run[0].text, **_null_content(item)})
        else:
            self.items.append({**item, "content": self._content(run, role)})

    def _flush_foreign(self, run: list[ir.Part], role: ir.Role) -> None:
        """An assistant's texts are messages of their own: as a list they would need ids that nobody issued.

        Behind reasoning they must be a list all the same: OpenAI takes no other message for what the reasoning led
        to, and refuses reasoning that led to nothing.
        """
        item: JSONDict = {"type": "message", "role": role}
        texts = [part.text for part in run if isinstance(part, ir.Text)]
        thought_first = role == "assistant" and bool(self.items) and self.items[-1].get("type") == "reasoning"
        if len(texts) == len(run) and (role == "assistant" or len(run) == 1) and not thought_first:
            self.items += [{**item, "content": text} for text in texts]
            return
        content = self._content(run, role)
        if role == "assistant" and content:
            item = {"id": _made_id(content), "status": "completed", **item}
            content = [
                {**part, "annotations": []} if part["type"] == "output_text" else part for part in content
            ]
        if content:
            self.items.append({**item, "content": content})

    def _content(self, run: list[ir.Part], role: ir.Role) -> list[JSONDict]:
        parts = [emit_part(part, role, self.profile.vision, self.dropped) for part in run]
        return [part for part in parts if part is not None]

    def _add_other(self, part: ir.Part) -> None:
        match part:
            case ir.ToolCall(kind="function") if NAME not in part.extra:
                self.items.append(emit_call(replace(part, arguments=as_json(part.arguments))))
            case ir.ToolCall():
                self.items.append(emit_call(part))
            case ir.ToolResult():
                self.items.append(self._result(part))
            case ir.Reasoning():
                self._add_reasoning(part)
            case ir.Unknown(format=format, raw=raw) if format == NAME and isinstance(raw, dict):
                self.items.append(raw)
            case ir.Unknown():
                self.dropped.append(f"input.{part.type}")

    def _add_reasoning(self, part: ir.Reasoning) -> None:
        if NAME in part.extra:
            self.items.append(emit_native_reasoning(part))
        elif part.signature and part.vendor and part.vendor == self.profile.maker:
            texts = part.summaries or ((part.text,) if part.text else ())
            item: JSONDict = {"type": "reasoning", "summary": [_summary(text) for text in texts]}
            self.items.append({**item, "encrypted_content": part.signature})
        else:
            self.dropped.append("input.reasoning (no proof that this vendor accepts)")

    def _result(self, part: ir.ToolResult) -> JSONDict:
        kept = own(part.extra)
        if isinstance(kept.get("raw"), dict):
            return dict(kept["raw"])
        item: JSONDict = {"type": f"{part.kind}_call_output", "call_id": part.call_id}
        if part.kind == "custom":
            item["type"] = "custom_tool_call_output"
        only_text = all(isinstance(inner, ir.Text) for inner in part.parts)
        if kept.get("text", False) if "item" in kept else only_text:
            text = "\n".join(inner.text for inner in part.parts if isinstance(inner, ir.Text))
            item["output"] = mark_error(text) if part.is_error else text
        else:
            said = _marked(part.parts) if part.is_error else part.parts
            parts = [emit_part(inner, "user", self.profile.vision, self.dropped) for inner in said]
            item["output"] = [inner for inner in parts if inner is not None]
        return {**item, **kept.get("item", {})}


def emit_call(call: ir.ToolCall) -> JSONDict:
    kept = own(call.extra)
    if isinstance(kept.get("item"), dict):
        return shell.emit_call(call)
    if call.kind == "custom":
        return {
            "type": "custom_tool_call",
            "call_id": call.id,
            "name": call.name,
            "input": call.arguments,
            **kept,
        }
    arguments = call.arguments if call.arguments or kept else "{}"
    return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments, **kept}


def emit_native_reasoning(part: ir.Reasoning) -> JSONDict:
    item: JSONDict = {"type": "reasoning", **own(part.extra)}
    if part.id is not None:
        item["id"] = part.id
    if part.signature is not None and "encrypted_content" not in item:
        item["encrypted_content"] = part.signature
    return item


def _summary(text: str) -> JSONDict:
    return {"type": "summary_text", "text": text}


def is_content(part: ir.Part) -> bool:
    if isinstance(part, ir.Unknown):
        return bool(own(part.extra).get("content"))
    return isinstance(part, ir.Text | ir.Refusal | ir.Image | ir.File | ir.Audio)


def _starts_item(part: ir.Part) -> bool:
    return is_content(part) and "item" in own(part.extra)


def _null_content(item: JSONDict) -> JSONDict:
    return {"content": None} if "content" in item else {}


def _made_id(content: list[JSONDict]) -> str:
    """The same for the same content, so that prompts stay cacheable."""
    return f"msg_{hashlib.sha256(json.dumps(content)).hexdigest()[:32]}"


def _marked(parts: list[ir.Part]) -> list[ir.Part]:
    """The first text says that the call failed, as the format has no flag for it."""
    at = next((number for number, part in enumerate(parts) if isinstance(part, ir.Text)), None)
    if at is None:
        return [ir.Text(mark_error("")), *parts]
    text = parts[at]
    assert isinstance(text, ir.Text)
    return [*parts[:at], replace(text, text=mark_error(text.text)), *parts[at + 1 :]]
