"""The model list, in the three shapes that share a path and are told apart by header."""

from __future__ import annotations

from gateway.simulator.question import JSONDict

MODELS = ("sim", "sim-think", "sim-slow500", "sim-429-retry7", "sim-500", "sim-cut3", "sim-n200-i20")
"""What a list shows. Any other name works too."""


def listing(family: str) -> JSONDict:
    entries = [entry(family, model) for model in MODELS]
    if family == "gemini":
        return {"models": entries}
    if family == "anthropic":
        return {"data": entries, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}
    return {"object": "list", "data": entries}


def entry(family: str, model: str) -> JSONDict:
    if family == "gemini":
        return {
            "name": f"models/{model}",
            "version": "1",
            "displayName": model,
            "description": "A simulated model",
            "inputTokenLimit": 1_000_000,
            "outputTokenLimit": 65_536,
            "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
        }
    if family == "anthropic":
        return {
            "type": "model",
            "id": model,
            "display_name": model,
            "created_at": "2025-01-01T00:00:00Z",
            "lifecycle": "active",
            "max_input_tokens": 200_000,
            "max_tokens": 64_000,
        }
    return {"id": model, "object": "model", "created": 1_735_689_600, "owned_by": "simulator"}
