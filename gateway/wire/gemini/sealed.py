"""Proofs of other vendors inside of `thoughtSignature`, so that a Gemini client brings them back.

A client of this format returns a signature with the part that it came on, untouched. A thought of another vendor
carries that vendor's proof there, marked so that Google never sees it. Some clients (Gemini CLI) return their calls
but no thoughts: so a call carries the thoughts in front of it whole (docs/protocol-notes.md, Thinking).
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from gateway.wire import ir, json
from gateway.wire.gemini.fields import FORMAT, as_list, get, is_gemini_3
from omniroute.errors import InvalidRequest
from omniroute.types import Fields, JSONDict

SKIP_SIGNATURE = "skip_thought_signature_validator"
"""Google's word for "there was none": only Gemini 3 knows it, and no other vendor may see it."""
_HEAD = b"omniroute.v1"
"""Twelve bytes, so that their base64 stands alone."""
MARK = base64.b64encode(_HEAD)
_PREFIX = MARK.decode()
_SPELLINGS = ("thoughtSignature", "thought_signature")


class Thought(msgspec.Struct, omit_defaults=True):
    """`text` is empty where the part itself has it."""

    vendor: str
    text: str = ""
    signature: str | None = None
    redacted: str | None = None
    id: str | None = None

    def part(self, text: str = "") -> ir.Reasoning:
        return ir.Reasoning(text or self.text, self.signature, self.redacted, self.vendor, self.id)


def is_foreign(part: ir.Reasoning) -> bool:
    """Has the part a proof that Google would refuse?"""
    return bool(part.signature or part.redacted) and part.vendor not in (None, FORMAT)


def seal(thoughts: list[ir.Reasoning], with_text: bool = True) -> str:
    """base64, for which the SDKs take the field."""
    content = [
        msgspec.to_builtins(
            Thought(part.vendor or "", part.text if with_text else "", part.signature, part.redacted, part.id)
        )
        for part in thoughts
    ]
    return base64.urlsafe_b64encode(_HEAD + json.dumps(content)).decode()


def is_sealed(signature: Any) -> bool:
    return isinstance(signature, str) and signature.startswith(_PREFIX)


def unseal(part: JSONDict) -> list[Thought]:
    """Nothing for Google's own signature, and for what somebody has damaged. Both alphabets of base64 are taken."""
    signature = get(part, "thoughtSignature")
    if not is_sealed(signature):
        return []
    try:
        data = base64.b64decode(signature.replace("-", "+").replace("_", "/") + "==")
        return msgspec.convert(json.loads(data[len(_HEAD) :]), list[Thought])
    except (binascii.Error, ValueError, InvalidRequest, msgspec.ValidationError):
        return []


class Sealer:
    """Of one candidate: each call gets the thoughts between it and the call before."""

    def __init__(self) -> None:
        self._thoughts: list[ir.Reasoning] = []

    def note(self, part: ir.Reasoning) -> None:
        if is_foreign(part):
            self._thoughts.append(part)

    def sign(self, call: JSONDict) -> JSONDict:
        thoughts, self._thoughts = self._thoughts, []
        return {"thoughtSignature": seal(thoughts), **call} if thoughts else call


# ---- On the way to Google -----------------------------------------------------------------------------------


def remove_sealed(fields: Fields, model: str) -> None:
    """Take out what `seal` made. A body without it is not touched."""
    raw = fields.get("contents")
    if not isinstance(raw, msgspec.Raw) or MARK not in bytes(raw):
        return
    placeholder = SKIP_SIGNATURE if is_gemini_3(model) else None
    cleaned = [_cleaned(content, placeholder) for content in as_list(json.loads(raw))]
    fields["contents"] = [content for content in cleaned if content is not None]


def _cleaned(content: Any, placeholder: str | None) -> Any:
    """None for a content that held nothing else."""
    if not isinstance(content, dict) or not isinstance(content.get("parts"), list):
        return content
    parts = [_bare(part, placeholder) for part in content["parts"]]
    kept = [part for part in parts if part is not None]
    return {**content, "parts": kept} if kept else None


def _bare(part: Any, placeholder: str | None) -> Any:
    if not isinstance(part, dict) or not is_sealed(get(part, "thoughtSignature")):
        return part
    if part.get("thought"):
        return None
    bare = without_signature(part)
    return {**bare, "thoughtSignature": placeholder} if placeholder else bare


def without_signature(part: JSONDict) -> JSONDict:
    return {key: value for key, value in part.items() if key not in _SPELLINGS}
