"""Edits that look at several fields of a body at once. Source: docs/protocol-notes.md, Parameters."""

from __future__ import annotations

import json
from typing import Any

from omniroute.types import Fields
from providers.edits.base import BODY_EDITS, items, text_of, value

_BUDGETS = {"low": 2048, "medium": 8192, "high": 16_384, "xhigh": 32_768, "max": 65_536}
_MIN_BUDGET = 1024
_FIREWORKS_UNSTREAMED = 4096
_SAMPLING = ("temperature", "top_p", "logprobs", "top_logprobs")


def get(fields: Fields, name: str) -> Any:
    return value(fields.get(name))


def instruct(fields: Fields, text: str) -> None:
    """Put a sentence behind the system prompt of a chat."""
    messages = items(fields.get("messages"))
    if messages is None:
        return
    if messages and value(messages[0].get("role")) in ("system", "developer"):
        first = {**messages[0], "content": f"{text_of(messages[0].get('content'))}\n\n{text}"}
        fields["messages"] = [first, *messages[1:]]
    else:
        fields["messages"] = [{"role": "system", "content": text}, *messages]


@BODY_EDITS.register("effort_to_thinking")
def effort_to_thinking(fields: Fields) -> None:
    """`reasoning_effort` switches `thinking` on or off. The effort itself stays, unless it is `none`."""
    effort = get(fields, "reasoning_effort")
    if effort is None:
        return
    if "thinking" not in fields:
        fields["thinking"] = {"type": "disabled" if effort == "none" else "enabled"}
    if effort == "none":
        del fields["reasoning_effort"]


@BODY_EDITS.register("effort_none_to_reasoning_off")
def effort_none_to_reasoning_off(fields: Fields) -> None:
    if get(fields, "reasoning_effort") == "none":
        del fields["reasoning_effort"]
        fields.setdefault("reasoning", {"enabled": False})


@BODY_EDITS.register("adaptive_to_enabled")
def adaptive_to_enabled(fields: Fields) -> None:
    """Anthropic: adaptive thinking becomes a budget, which every clone reads, within `max_tokens`."""
    thinking = get(fields, "thinking")
    if not isinstance(thinking, dict) or thinking.get("type") != "adaptive":
        return
    config = get(fields, "output_config")
    budget = _BUDGETS.get(str(config.get("effort")) if isinstance(config, dict) else "", _BUDGETS["medium"])
    limit = get(fields, "max_tokens")
    if isinstance(limit, int):
        budget = min(budget, limit - 1)
    if budget < _MIN_BUDGET:
        del fields["thinking"]
    else:
        fields["thinking"] = {"type": "enabled", "budget_tokens": budget}


@BODY_EDITS.register("json_schema_to_prompt")
def json_schema_to_prompt(fields: Fields) -> None:
    """For providers that know only `json_object`."""
    response_format = get(fields, "response_format")
    if not isinstance(response_format, dict) or response_format.get("type") != "json_schema":
        return
    described = response_format.get("json_schema")
    schema = described.get("schema") if isinstance(described, dict) else None
    fields["response_format"] = {"type": "json_object"}
    wanted = f"\n{json.dumps(schema)}" if schema else ""
    instruct(fields, f"Answer with one JSON object and nothing else. It must match this JSON schema:{wanted}")


@BODY_EDITS.register("strict_json_schema")
def strict_json_schema(fields: Fields) -> None:
    response_format = get(fields, "response_format")
    described = response_format.get("json_schema") if isinstance(response_format, dict) else None
    if isinstance(described, dict) and described.get("strict") is not True:
        fields["response_format"] = {**response_format, "json_schema": {**described, "strict": True}}


@BODY_EDITS.register("required_tool_to_prompt")
def required_tool_to_prompt(fields: Fields) -> None:
    """Where a call cannot be forced, it is asked for."""
    choice = get(fields, "tool_choice")
    if choice in (None, "auto", "none"):
        return
    fields["tool_choice"] = "auto"
    name = _chosen_tool(choice)
    instruct(fields, f"Answer by calling the tool {name}." if name else "Answer by calling one of the tools.")


@BODY_EDITS.register("tool_choice_any")
def tool_choice_any(fields: Fields) -> None:
    """Mistral: `any` for `required`; one forced tool is `any` with no other tool to call."""
    choice = get(fields, "tool_choice")
    name = _chosen_tool(choice)
    if choice == "required" or name:
        fields["tool_choice"] = "any"
    tools = get(fields, "tools")
    if name and isinstance(tools, list):
        chosen = [tool for tool in tools if _chosen_tool(tool) == name]
        fields["tools"] = chosen or tools


def _chosen_tool(choice: Any) -> str:
    function = choice.get("function") if isinstance(choice, dict) else None
    return str(function.get("name") or "") if isinstance(function, dict) else ""


@BODY_EDITS.register("parsed_reasoning")
def parsed_reasoning(fields: Fields) -> None:
    """Groq: raw thoughts go neither with tools nor with JSON."""
    if get(fields, "reasoning_format") == "raw" and (fields.get("tools") or fields.get("response_format")):
        fields["reasoning_format"] = "parsed"


@BODY_EDITS.register("warmer_for_choices")
def warmer_for_choices(fields: Fields) -> None:
    """Kimi: several choices need a temperature of 0.3."""
    temperature, n = get(fields, "temperature"), get(fields, "n")
    if isinstance(temperature, int | float) and isinstance(n, int) and temperature < 0.3 and n > 1:
        fields["temperature"] = 0.3


@BODY_EDITS.register("short_without_stream")
def short_without_stream(fields: Fields) -> None:
    """Fireworks: an answer in one piece is at most 4096 tokens long."""
    if get(fields, "stream") is True:
        return
    for name in ("max_tokens", "max_completion_tokens"):
        limit = get(fields, name)
        if isinstance(limit, int) and limit > _FIREWORKS_UNSTREAMED:
            fields[name] = _FIREWORKS_UNSTREAMED


@BODY_EDITS.register("sampling_without_effort")
def sampling_without_effort(fields: Fields) -> None:
    """OpenAI since GPT-5.1: sampling fields only without reasoning, which is the default there."""
    if get(fields, "reasoning_effort") in (None, "none"):
        return
    for name in _SAMPLING:
        fields.pop(name, None)


@BODY_EDITS.register("one_sampling_field")
def one_sampling_field(fields: Fields) -> None:
    """Anthropic: newer models refuse `temperature` and `top_p` together."""
    if "temperature" in fields and "top_p" in fields:
        del fields["top_p"]


@BODY_EDITS.register("no_blank_stops")
def no_blank_stops(fields: Fields) -> None:
    """Anthropic refuses stop sequences of white space."""
    stops = get(fields, "stop_sequences")
    if not isinstance(stops, list):
        return
    kept = [stop for stop in stops if not isinstance(stop, str) or stop.strip()]
    if len(kept) == len(stops):
        return
    if kept:
        fields["stop_sequences"] = kept
    else:
        del fields["stop_sequences"]
