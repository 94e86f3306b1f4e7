"""Whose proofs of thought an answer carries.

A format names its inventor as the maker of every proof (`WireFormat.vendor`), but xAI, DeepSeek and others speak
OpenAI's and Anthropic's formats, with proofs that only they can read. Sent to somebody else, the whole request is
refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway.wire import ir
from gateway.wire.base import ModelProfile, WireFormat

Restore = Callable[[ir.Event], list[ir.Event]]


class Label:
    """Puts the provider's name on what its format would take for its inventor's."""

    def __init__(self, inventor: str, maker: str) -> None:
        self._inventor, self._maker = inventor, maker

    def after(self, restore: Restore) -> Restore:
        """`restore`, and then the label."""
        return lambda event: [self._event(restored) for restored in restore(event)]

    def response(self, response: ir.Response) -> ir.Response:
        candidates = [
            replace(candidate, parts=[self._part(part) for part in candidate.parts])
            for candidate in response.candidates
        ]
        return replace(response, candidates=candidates)

    def _event(self, event: ir.Event) -> ir.Event:
        if isinstance(event, ir.PartStarted | ir.PartEnded) and isinstance(event.part, ir.Reasoning):
            return replace(event, part=self._part(event.part))
        return event

    def _part(self, part: ir.Part) -> ir.Part:
        if isinstance(part, ir.Reasoning) and part.vendor == self._inventor:
            return replace(part, vendor=self._maker)
        return part


def label_of(provider: WireFormat, profile: ModelProfile) -> Label | None:
    """None where the format's inventor is the provider, or nobody knows who is."""
    if not provider.vendor or profile.maker in ("", provider.vendor):
        return None
    return Label(provider.vendor, profile.maker)
