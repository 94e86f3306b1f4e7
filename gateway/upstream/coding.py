"""Answers that come compressed (RFC 9110 §8.4), piece by piece."""

from __future__ import annotations

import zlib

from omniroute.errors import UpstreamBroken

ACCEPTED = "gzip, deflate"
"""What the standard library undoes; other codings are not asked for."""
MAX_PIECE = 256 * 1024
"""A small piece may expand to a thousand times its size: it comes in parts."""
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def decoder_of(headers: dict[str, str]) -> Decoder | None:
    """None for a body that is as it is. Raise `UpstreamBroken` for a coding that is not known here."""
    coding = headers.get("content-encoding")
    if coding is None or (name := coding.strip().lower()) in ("", "identity"):
        return None
    if name not in _WINDOWS:
        raise UpstreamBroken(f"The provider's answer is in a coding that was not asked for: {coding[:40]!r}")
    return Decoder(name)


class Decoder:
    """`feed` it, then `take` until there is nothing."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._inflater = zlib.decompressobj(_WINDOWS[name])
        self._input = b""
        self._has_begun = False

    def feed(self, data: bytes) -> None:
        if not self._has_begun:
            self._has_begun = True
            if self._name == "deflate" and data[0] & 0x0F != zlib.DEFLATED:  # some leave the zlib header out
                self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._input = data

    def take(self) -> bytes:
        """Raise `UpstreamBroken`."""
        while self._input:
            try:
                piece = self._inflater.decompress(self._input, MAX_PIECE)
            except zlib.error as error:
                raise UpstreamBroken(f"The provider's answer is no {self._name}: {error}") from error
            self._input = self._inflater.unconsumed_tail
            if self._inflater.eof:
                self._next_member()
            if piece:
                return piece
        return b""

    def end(self) -> None:
        """Raise `UpstreamBroken` where something is missing."""
        if self._has_begun and not self._inflater.eof:
            raise UpstreamBroken(f"The provider's answer was cut off in the middle of its {self._name}")

    def _next_member(self) -> None:
        """gzip may have several, one behind the other."""
        rest = self._inflater.unused_data
        if rest and self._name != "deflate":
            self._inflater = zlib.decompressobj(_WINDOWS[self._name])
            self._input = rest
