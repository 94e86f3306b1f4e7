"""`generationConfig`: `read_config` beside `emit_config`."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir, json, reasoning, schema
from gateway.wire.base import ModelProfile
from gateway.wire.gemini.fields import FORMAT, as_list, as_object, get, others
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

_INTS = {
    "maxOutputTokens": "max_output_tokens",
    "topK": "top_k",
    "seed": "seed",
    "candidateCount": "n",
    "logprobs": "top_logprobs",
}
_FLOATS = {
    "temperature": "temperature",
    "topP": "top_p",
    "frequencyPenalty": "frequency_penalty",
    "presencePenalty": "presence_penalty",
}
_STRUCTURED = ("responseMimeType", "responseSchema", "responseJsonSchema")
_KNOWN = frozenset(
    {
        *_INTS,
        *_FLOATS,
        *_STRUCTURED,
        "stopSequences",
        "responseLogprobs",
        "thinkingConfig",
        "_responseJsonSchema",
    }
)
MAX_STOPS = 5


def read_config(raw: Any) -> dict[str, Any]:
    """The neutral fields by their names in `ir.Request`. Raise `InvalidRequest` on a wrong type."""
    config = as_object(raw, "generationConfig")
    read: dict[str, Any] = {name: _number(config, key, int) for key, name in _INTS.items()}
    read |= {name: _number(config, key, float) for key, name in _FLOATS.items()}
    read["stop"] = [str(stop) for stop in as_list(get(config, "stopSequences"))]
    logprobs = get(config, "responseLogprobs")
    read["logprobs"] = logprobs if isinstance(logprobs, bool) else None
    read["response_format"] = _read_format(config)
    read["reasoning"] = _read_thinking(get(config, "thinkingConfig"))
    return read


def _number(config: JSONDict, key: str, kind: type[int] | type[float]) -> Any:
    """Google's JSON also takes numbers as strings."""
    value = get(config, key)
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise InvalidRequest(f"generationConfig.{key} must be a number", param=f"generationConfig.{key}")
    return int(value) if kind is int and abs(value) < 2**63 else value


def _read_format(config: JSONDict) -> ir.ResponseFormat | None:
    wanted = get(config, "responseJsonSchema")
    if wanted is None:
        wanted = get(config, "responseSchema")
    if isinstance(wanted, dict) and get(config, "responseMimeType") in (None, "application/json"):
        return ir.ResponseFormat("json_schema", schema=schema.standard(wanted))
    if get(config, "responseMimeType") == "application/json":
        return ir.ResponseFormat("json_object")
    return None


def _read_thinking(raw: Any) -> ir.ReasoningRequest | None:
    if raw is None:
        return None
    config = as_object(raw, "generationConfig.thinkingConfig")
    visible = get(config, "includeThoughts")
    asked = ir.ReasoningRequest(visible=visible if isinstance(visible, bool) else None)
    budget = _number(config, "thinkingBudget", int)
    level = get(config, "thinkingLevel")
    if isinstance(level, str) and level.lower() in reasoning.EFFORTS:
        asked.enabled, asked.effort = True, level.lower()
    elif budget is not None:
        asked.enabled, asked.budget = budget != 0, budget
    return asked


def emit_config(request: ir.Request, profile: ModelProfile, raw: JSONDict) -> JSONDict:
    """`raw` is the client's own generationConfig, if this is its format: what only Google knows stays."""
    config = others(raw, _KNOWN)
    for key, name in {**_INTS, **_FLOATS}.items():
        value = getattr(request, name)
        if value is not None:
            config[key] = value
    stops = [stop for stop in request.stop if stop]
    if stops:
        config["stopSequences"] = stops[:MAX_STOPS]
    if request.logprobs is not None:
        config["responseLogprobs"] = request.logprobs
    thinking = reasoning.for_gemini(request.reasoning, profile, request.max_output_tokens)
    if thinking:
        config["thinkingConfig"] = thinking
    if not asks_in_words(request, profile):
        config |= _emit_format(request.response_format)
    return config


def _emit_format(wanted: ir.ResponseFormat | None) -> JSONDict:
    if wanted is None or wanted.kind == "text":
        return {}
    if wanted.schema is None:
        return {"responseMimeType": "application/json"}
    name, fitted = "responseSchema", schema.for_gemini(wanted.schema)
    if not schema.fits_gemini(wanted.schema):
        name, fitted = "responseJsonSchema", schema.for_gemini_json(wanted.schema)
    return {"responseMimeType": "application/json", name: fitted}


def asks_in_words(request: ir.Request, profile: ModelProfile) -> bool:
    """For a model that answered "Function calling with a response mime type: 'application/json' is unsupported".

    A client of this format knows that and gets what it asked for.
    """
    wanted = request.response_format
    if not profile.json_in_words or FORMAT in request.extra or wanted is None or wanted.kind == "text":
        return False
    return any(tool.kind != "hosted" for tool in request.tools)


def json_in_words(wanted: ir.ResponseFormat) -> str:
    """The instruction that takes the place of `responseMimeType`."""
    text = "When you give your final answer, answer with JSON only, without Markdown around it."
    if wanted.schema is not None:
        text += f" It must match this JSON Schema: {json.dumps(wanted.schema).decode()}"
    return text
