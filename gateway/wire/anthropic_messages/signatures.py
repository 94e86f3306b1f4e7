"""Other vendors' reasoning proofs inside of Claude's `signature`, so that a Claude client brings them back.

A client of this format returns thinking blocks as they came. A block that stands for another vendor's
reasoning carries that vendor's proof in its signature, marked so that it is never taken for Claude's own: the
vendor gets it back on the next turn, and Anthropic never sees it.
"""

from __future__ import annotations

from typing import NamedTuple

MARK = b"omniroute."
_PREFIX = MARK.decode()
CALL = "call"
"""In the place of a vendor: the proof belongs to the tool call that follows."""


class Proof(NamedTuple):
    vendor: str | None
    """None: nobody's; the reasoning came without any proof."""
    id: str | None
    value: str | None


def pack(vendor: str | None, id: str | None, value: str | None) -> str:
    """A signature that stands for another vendor's reasoning. Without a value it only says: not Claude's."""
    known_id = id if id and "." not in id else ""
    return f"{_PREFIX}{vendor or ''}.{known_id}.{value or ''}"


def pack_call(value: str) -> str:
    """The proof of the tool call in the next block."""
    return pack(CALL, None, value)


def unpack(signature: object) -> Proof | None:
    """None for a signature that is Claude's or nobody's."""
    if not isinstance(signature, str) or not signature.startswith(_PREFIX):
        return None
    vendor, _, rest = signature[len(_PREFIX) :].partition(".")
    id, _, value = rest.partition(".")
    return Proof(vendor or None, id or None, value or None)
