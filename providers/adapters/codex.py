"""Codex: OpenAI Responses, strictly: nothing is stored, everything is streamed (docs/protocol-notes.md, Codex)."""

from __future__ import annotations

from typing import Any

import msgspec

from providers.adapters.base import Adapter, Draft, Rewrite, registry
from providers.edits.base import Item, items, value

INSTRUCTIONS = "You are a helpful assistant."
"""The endpoint refuses requests without any."""
ORIGINATOR = "omniroute"
ACCOUNT_ID = "accountId"
FEDRAMP = "fedramp"
"""In an account's provider data."""
_ENCRYPTED = "reasoning.encrypted_content"
_IDENTITY = ("user-agent", "originator", "version", "x-codex-*", "openai-beta", "x-openai-subagent")
_SESSION = ("session_id", "session-id")
_STORED_IDS = ("rs_", "fc_", "msg_", "resp_", "ctc_")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
MAX_CALL_ID = 64


class Codex(Adapter):
    always_streams = True
    inlines_media = True
    operations = frozenset({"compact"})

    def prepare(self, draft: Draft) -> None:
        fields = draft.fields
        compacts = draft.inbound.operation == "compact"
        if is_genuine(draft.said("user-agent")):
            draft.forward(*_IDENTITY)
        else:
            draft.headers["originator"] = ORIGINATOR
        if compacts:
            fields.pop("store", None)
        else:
            fields["stream"], fields["store"] = True, False
        if not draft.get("instructions"):
            fields["instructions"] = INSTRUCTIONS
        _fit_input(fields)
        _fit_reasoning(draft)
        if not compacts:
            _ask_for_thoughts(draft)
        if draft.get("service_tier") == "fast":
            fields["service_tier"] = "priority"
        self._name_session(draft)

    @staticmethod
    def _name_session(draft: Draft) -> None:
        account, headers = draft.account, draft.headers
        key = draft.get("prompt_cache_key")
        asked = next((text for name in _SESSION if (text := draft.said(name))), "")
        session = asked or (key if isinstance(key, str) and key.isascii() and key.isprintable() else "")
        session = session or draft.conversation_id("input", "instructions")
        headers["session_id"] = session
        draft.fields.setdefault("prompt_cache_key", session)
        workspace = account.provider_data.get(ACCOUNT_ID) or account.external_id
        if workspace:
            headers["chatgpt-account-id"] = str(workspace)
        if account.provider_data.get(FEDRAMP) is True:
            headers["x-openai-fedramp"] = "true"

    def rewriter(self, format: str, model: str) -> Rewrite:
        return Output()


def is_genuine(user_agent: str) -> bool:
    return user_agent.startswith(("codex_", "codex-", "Codex"))


def split_effort(model: str) -> tuple[str, str]:
    """`gpt-5.3-codex-high` -> (`gpt-5.3-codex`, `high`); the effort is empty where the name tells none."""
    base, _, effort = model.rpartition("-")
    return (base, effort) if base and effort in EFFORTS else (model, "")


def _fit_reasoning(draft: Draft) -> None:
    model, effort = split_effort(draft.model)
    reasoning = draft.get("reasoning")
    asked = dict(reasoning) if isinstance(reasoning, dict) else {}
    if effort:
        draft.fields["model"] = model
        asked.setdefault("effort", effort)
        draft.fields["reasoning"] = asked


def _ask_for_thoughts(draft: Draft) -> None:
    """Sealed, so that they can come back with the next request: nothing is stored."""
    reasoning = draft.get("reasoning")
    if isinstance(reasoning, dict) and reasoning.get("effort") == "none":
        return
    include = draft.get("include")
    kept = list(include) if isinstance(include, list) else []
    if _ENCRYPTED not in kept:
        draft.fields["include"] = [*kept, _ENCRYPTED]


def _fit_input(fields: dict[str, Any]) -> None:
    """Items only, without what refers to a store, and without the role that is refused."""
    given = value(fields.get("input"))
    if isinstance(given, str):
        text = {"type": "input_text", "text": given}
        fields["input"] = [{"type": "message", "role": "user", "content": [text]}]
        return
    parts = items(fields.get("input"))
    if parts is None:
        return
    fitted = [item for item in map(_fit_item, parts) if item is not None]
    if len(fitted) != len(parts) or any(new is not old for new, old in zip(fitted, parts, strict=True)):
        fields["input"] = fitted


def _fit_item(item: Item) -> Item | None:
    if value(item.get("type")) == "item_reference":
        return None
    changes: Item = {}
    if value(item.get("role")) == "system":
        changes["role"] = "developer"
    call_id = value(item.get("call_id"))
    if isinstance(call_id, str) and len(call_id) > MAX_CALL_ID:
        changes["call_id"] = call_id[:30] + call_id[-(MAX_CALL_ID - 30) :]
    stored = str(value(item.get("id"))).startswith(_STORED_IDS)
    if not changes and not stored:
        return item
    return {name: raw for name, raw in {**item, **changes}.items() if name != "id" or not stored}


# ---- Answers ---------------------------------------------------------------------------------------------


class _Done(msgspec.Struct):
    type: str = ""
    item: msgspec.Raw = msgspec.Raw()
    output_index: int | None = None
    response: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Done).decode
_split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_EMPTY = (b"", b"null", b"[]")


class Output:
    """Fills the `output` of `response.completed`, which comes empty, with the items that were told before."""

    def __init__(self) -> None:
        self._items: dict[int, msgspec.Raw] = {}

    def __call__(self, data: bytes) -> bytes:
        if b'"response.output_item.done"' not in data and b'"response.completed"' not in data:
            return data
        try:
            return self._look(data, _decode(data))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return data

    def _look(self, data: bytes, event: _Done) -> bytes:
        if event.type == "response.output_item.done":
            place = event.output_index if event.output_index is not None else len(self._items)
            self._items[place] = event.item.copy()
            return data
        if event.type != "response.completed" or not self._items:
            return data
        response = _split(event.response)
        if bytes(response.get("output", msgspec.Raw())).translate(None, b" \t\r\n") not in _EMPTY:
            return data
        output = [item for _, item in sorted(self._items.items())]
        filled: dict[str, Any] = {**response, "output": output}
        whole: dict[str, Any] = {**_split(data), "response": filled}
        return msgspec.json.encode(whole)


registry.register("codex")(Codex())
