"""Which paths are wire endpoints, under all the spellings that clients use, and which format each one speaks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_ROOTS = frozenset(
    {
        "chat",
        "completions",
        "responses",
        "messages",
        "embeddings",
        "images",
        "audio",
        "models",
        "moderations",
        "rerank",
    }
)
"""First segments that are wire endpoints without the /v1 prefix too: Codex is configured without it."""
_OLLAMA = (["chat"], ["tags"], ["version"])
"""What is Ollama's under `/api`, where the rest is the management API's."""

_METHOD = re.compile(r":[a-z][a-zA-Z]+Contents?$|:countTokens$")
_ONE_PROVIDER = re.compile(r"^/v1/providers/[^/]+/")


@lru_cache(maxsize=1024)
def canonical(path: str) -> str | None:
    """The one spelling of a wire endpoint's path, or None for a path of Django's.

    `/v1/v1/...`, a trailing slash and a missing `/v1` are what misconfigured base URLs look like. The AI SDK takes a
    Gemini model with a slash in its name for a whole path, and leaves out `models/`.
    """
    segments = [segment for segment in path.split("/") if segment]
    if not segments:
        return None
    while segments[:2] in (["v1", "v1"], ["v1", "v1beta"], ["v1beta", "v1beta"]):
        segments = segments[1:]
    if segments[0] == "v1beta" and segments[1:2] != ["models"] and _METHOD.search(segments[-1]):
        segments.insert(1, "models")
    if segments[0] in ("v1", "v1beta"):
        return "/" + "/".join(segments)
    if segments[0] == "api" and segments[1:] in _OLLAMA:
        return "/v1/" + "/".join(segments)
    if segments[0] in _ROOTS:
        return "/v1/" + "/".join(segments)
    return None


def is_method(model: str) -> bool:
    """Of Gemini: `{model}:generateContent`."""
    return _METHOD.search(model) is not None


def format_for(path: str, headers: Mapping[str, str] | None = None) -> str:
    """The wire format of a canonical path; the header tells where several families share it."""
    path = _ONE_PROVIDER.sub("/v1/", path)
    if path.startswith("/v1/messages"):
        return "anthropic_messages"
    if path.startswith("/v1/responses"):
        return "openai_responses"
    if path.startswith("/v1beta"):
        return "gemini"
    if path.startswith("/v1/api/"):
        return "ollama"
    if path.startswith("/v1/models") and headers:
        if "x-goog-api-key" in headers:
            return "gemini"
        if "anthropic-version" in headers:
            return "anthropic_messages"
    return "openai_chat"
