"""iFlow: OpenAI Chat with signed requests (docs/protocol-notes.md, iFlow)."""

from __future__ import annotations

import hashlib
import hmac
import time

import msgspec

from providers.adapters.base import Adapter, Draft, Rewrite, registry

_split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode = msgspec.json.Decoder().decode


class IFlow(Adapter):
    def prepare(self, draft: Draft) -> None:
        if draft.said("user-agent").startswith("iFlow-Cli"):
            draft.forward("user-agent")
        session = f"session-{draft.conversation_id('messages')}"
        moment = str(int(time.time() * 1000))
        draft.headers |= {
            "session-id": session,
            "x-iflow-timestamp": moment,
            "x-iflow-signature": signature(
                draft.account.api_key, draft.headers.get("user-agent", ""), session, moment
            ),
        }
        if draft.get("tools") == []:
            del draft.fields["tools"]

    def rewriter(self, format: str, model: str) -> Rewrite:
        return as_error


def signature(key: str, user_agent: str, session: str, moment: str) -> str:
    message = f"{user_agent}:{session}:{moment}"
    return hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()


def as_error(data: bytes) -> bytes:
    """`{status, msg}` under a good status is an error, and said so."""
    if b'"choices"' in data or b'"msg"' not in data:
        return data
    try:
        fields = {name: _decode(raw) for name, raw in _split(data).items()}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return data
    if "choices" in fields or not isinstance(fields.get("msg"), str):
        return data
    return msgspec.json.encode({"error": {"message": fields["msg"], "code": str(fields.get("status", ""))}})


registry.register("iflow")(IFlow())
