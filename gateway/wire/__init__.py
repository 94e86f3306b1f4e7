"""Wire formats: a leaf package without Django and without I/O.

`WireFormat` (base.py) is the contract, `ir` the neutral form, `sse.py` the stream codec. One package a format.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from gateway.wire.base import WireFormat

FORMATS: dict[str, str] = {
    "openai_chat": "gateway.wire.openai_chat:OpenAIChat",
    "openai_responses": "gateway.wire.openai_responses:OpenAIResponses",
    "anthropic_messages": "gateway.wire.anthropic_messages:AnthropicMessages",
    "gemini": "gateway.wire.gemini:Gemini",
}
"""Every wire format by name; a package is imported when its format is first used."""
CLIENT_FORMATS: dict[str, str] = {
    "openai_completions": "gateway.wire.openai_chat.completions:OpenAICompletions",
    "ollama": "gateway.wire.ollama:Ollama",
}
"""Formats that only clients speak."""
PROVIDER_FORMATS: dict[str, str] = {
    "kiro": "gateway.wire.kiro:Kiro",
    "deepgram": "gateway.wire.transcription.formats:Deepgram",
    "assemblyai": "gateway.wire.transcription.formats:AssemblyAI",
}
"""Formats that only providers speak."""
_ALL = {**FORMATS, **CLIENT_FORMATS, **PROVIDER_FORMATS}


@cache
def get_format(name: str) -> WireFormat:
    """Raise `LookupError`, naming the known formats."""
    try:
        module, _, attribute = _ALL[name].partition(":")
    except KeyError:
        raise LookupError(f"Unknown wire format {name!r}. Known: {', '.join(FORMATS)}") from None
    format_class: type[WireFormat] = getattr(import_module(module), attribute)
    return format_class()
