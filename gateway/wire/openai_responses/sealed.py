"""Proofs of other vendors inside `encrypted_content`.

A client of this format gives reasoning items back as it got them. That is the way home for a Claude signature
or a Gemini thoughtSignature: sealed into the one opaque field that clients keep, recognised by its prefix.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from gateway.wire import json

PREFIX = "omniroute.v1."
MARK = PREFIX.encode()


class Seal(msgspec.Struct, omit_defaults=True):
    """`call_id`: the signature belongs to that tool call, not to the reasoning."""

    vendor: str
    signature: str | None = None
    redacted: str | None = None
    call_id: str | None = None


_decode = msgspec.json.Decoder(Seal).decode
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode


def seal(content: Seal) -> str:
    return PREFIX + base64.urlsafe_b64encode(msgspec.json.encode(content)).decode()


def unseal(encrypted: Any) -> Seal | None:
    """None for the vendor's own `encrypted_content`."""
    if not isinstance(encrypted, str) or not encrypted.startswith(PREFIX):
        return None
    try:
        return _decode(base64.urlsafe_b64decode(encrypted[len(PREFIX) :]))
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None


def without_sealed(items: msgspec.Raw) -> msgspec.Raw | list[msgspec.Raw]:
    """The input without reasoning that only another vendor can read: the vendor itself would refuse it.

    What stays keeps its bytes.
    """
    if MARK not in bytes(items):
        return items
    try:
        pieces = _split(items)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return items
    kept = [piece for piece in pieces if MARK not in bytes(piece) or not _is_sealed(piece)]
    return items if len(kept) == len(pieces) else kept


def _is_sealed(piece: msgspec.Raw) -> bool:
    item = json.loads(piece)
    encrypted = item.get("encrypted_content") if isinstance(item, dict) else None
    return isinstance(encrypted, str) and encrypted.startswith(PREFIX)
