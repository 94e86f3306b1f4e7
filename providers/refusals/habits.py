"""Refusals that speak of no one parameter, but of how requests are written, and what is done about each."""

from __future__ import annotations

import re

from providers.refusals.remedies import Remedy

RESPONSES_ONLY = "responses_only"
"""The trait of a model that a provider of both serves in OpenAI's newer format only."""


def wording(*alternatives: str) -> re.Pattern[str]:
    """One pattern for several wordings, in any letter case."""
    return re.compile("|".join(alternatives), re.IGNORECASE | re.DOTALL)


_UNDECLARED = wording(
    r"tool_(?:use|result).{0,60}must define tools",
    r"toolconfig field must be defined",
    r"tool calling without `?tools=?`? param",
    r"expects the `?tools=?`? param",
)
"""Anthropic's, Amazon's and litellm's words for a conversation whose calls no tool is declared for."""
HABITS: tuple[tuple[str, re.Pattern[str], Remedy], ...] = (
    (
        "gemini",
        wording(r"function calling with a? ?response mime type:? ?['`\"]?application/json"),
        Remedy("trait", "json_in_words"),
    ),
    (
        "anthropic_messages",
        wording(r"`?temperature`? and `?top_p`? cannot both"),
        Remedy("edit", "one_sampling_field"),
    ),
    (
        "anthropic_messages",
        wording(
            r"thinking.type.enabled.{0,40}not supported", r"'enabled'.{0,80}expected tags.{0,20}'adaptive'"
        ),
        Remedy("edit", "enabled_to_adaptive"),
    ),
    (
        "anthropic_messages",
        wording(
            r"adaptive.{0,60}(?:not supported|expected|unsupported)",
            r"thinking\.type: input should be 'enabled'",
        ),
        Remedy("edit", "adaptive_to_enabled"),
    ),
    (
        "anthropic_messages",
        wording(r"thinking may not be enabled when tool_choice"),
        Remedy("drop", "thinking", lasting=False),
    ),
    (
        "openai_chat",
        wording(
            r"not accessible via the /chat/completions endpoint", r"the requested model is not supported"
        ),
        Remedy("trait", RESPONSES_ONLY),
    ),
    (
        "openai_chat",
        wording(
            r"\brole\b.{0,80}developer",
            r"developer.{0,80}\brole\b",
            r"developer.{0,40}expected one of `system`",
        ),
        Remedy("messages", "developer_to_system"),
    ),
    (
        "openai_chat",
        wording(
            r"reasoning_content.{0,80}(?:must be|is missing|required|passed back)",
            r"missing.{0,20}reasoning_content",
        ),
        Remedy("messages", "echo_reasoning"),
    ),
    (
        "openai_chat",
        wording(
            r"unsupported mime type.{0,20}text/",
            r"(?:type|value|variant)[`': ]+file\b.{0,80}(?:expected|supported)",
        ),
        Remedy("trait", "files_as_text"),
    ),
    (
        "openai_chat",
        wording(r"content.{0,80}(?:must be a string|should be a (?:valid )?string|expected a string)"),
        Remedy("messages", "flatten_text"),
    ),
    ("anthropic_messages", _UNDECLARED, Remedy("edit", "declare_called_tools")),
    ("openai_chat", _UNDECLARED, Remedy("edit", "declare_called_tools")),
)
"""Wire format, wording, remedy."""
