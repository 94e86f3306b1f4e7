"""Servers that speak Anthropic Messages without being Anthropic: what none of them takes."""

from __future__ import annotations

from providers.spec import Quirk

_FORMAT = ("anthropic_messages",)
_NOT_CLAUDE = ("*", "!*claude*")
"""A proxy of one's own may well lead to Claude, which takes all of it."""

ANTHROPIC_CLONE: tuple[Quirk, ...] = (
    Quirk(
        models=_NOT_CLAUDE,
        formats=_FORMAT,
        messages=("inline_system", "no_empty_text"),
        tools=("plain_anthropic_tools",),
        edits=("adaptive_to_enabled", "no_blank_stops"),
    ),
    Quirk(
        models=_NOT_CLAUDE,
        formats=_FORMAT,
        drop=("context_management", "output_config", "container", "mcp_servers", "speed", "inference_geo"),
    ),
)
"""docs/protocol-notes.md, Parameters."""
