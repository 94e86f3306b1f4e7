"""One conversation in the words of each vendor's own SDK: how it is asked, and what its objects say."""

from __future__ import annotations

import base64
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import anthropic
import openai
from google import genai
from google.genai import types

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = ("get_weather", "get_time")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["city", "degrees"],
    "additionalProperties": False,
}


@dataclass
class Said:
    text: str = ""
    thought: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    finish: str | None = None
    tokens: tuple[int, int] = (0, 0)
    events: int = 0
    turn: Any = None
    """What the client sends back as the model's turn."""


@dataclass
class Ask:
    prompt: str
    stream: bool = False
    tools: bool = False
    image: bool = False
    schema: bool = False
    think: bool = False
    history: list[Any] = field(default_factory=list)
    """Turns behind the prompt, in the SDK's own words: see `Client.answered`."""


class Client(ABC):
    """`errors` are the SDK's exception classes by status."""

    errors: dict[int, type[Exception]]

    @abstractmethod
    def ask(self, model: str, ask: Ask) -> Said: ...

    @abstractmethod
    def answered(self, said: Said, results: list[str]) -> list[Any]:
        """The model's turn with its calls, and the results."""


class Chat(Client):
    errors = {400: openai.BadRequestError, 401: openai.AuthenticationError, 404: openai.NotFoundError}
    errors[429] = openai.RateLimitError

    def __init__(self, url: str, key: str) -> None:
        self.sdk = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)

    def ask(self, model: str, ask: Ask) -> Said:
        content: list[Any] = [{"type": "text", "text": ask.prompt}]
        if ask.image:
            content.append({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}})
        body: dict[str, Any] = {
            "model": model,
            "messages": [{"role": "user", "content": content}, *ask.history],
        }
        if ask.tools:
            body["tools"] = [
                {"type": "function", "function": {"name": n, "parameters": WEATHER}} for n in TOOLS
            ]
        if ask.schema:
            form = {"name": "weather", "schema": SCHEMA, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        if ask.think:
            body["reasoning_effort"] = "medium"
        if not ask.stream:
            whole = self.sdk.chat.completions.create(**body)
            return self._said(whole)
        with self.sdk.chat.completions.stream(**body, stream_options={"include_usage": True}) as stream:
            chunks = [event for event in stream if event.type == "chunk"]
            said = self._said(stream.get_final_completion())
        thoughts = [getattr(c.delta, "reasoning_content", None) for e in chunks for c in e.chunk.choices]
        said.thought, said.events = "".join(thought or "" for thought in thoughts), len(chunks)
        return said

    @staticmethod
    def _said(whole: Any) -> Said:
        choice = whole.choices[0]
        calls = choice.message.tool_calls or []
        return Said(
            choice.message.content or "",
            getattr(choice.message, "reasoning_content", None) or "",
            [(call.function.name, json.loads(call.function.arguments)) for call in calls],
            choice.finish_reason,
            (whole.usage.prompt_tokens, whole.usage.completion_tokens) if whole.usage else (0, 0),
            turn=choice.message,
        )

    def answered(self, said: Said, results: list[str]) -> list[Any]:
        ids = [call.id for call in said.turn.tool_calls]
        told = [
            {"role": "tool", "tool_call_id": id, "content": result}
            for id, result in zip(ids, results, strict=True)
        ]
        return [said.turn.model_dump(exclude_none=True, exclude={"parsed"}), *told]


class Responses(Client):
    errors = Chat.errors

    def __init__(self, url: str, key: str) -> None:
        self.sdk = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)

    def ask(self, model: str, ask: Ask) -> Said:
        content: list[Any] = [{"type": "input_text", "text": ask.prompt}]
        if ask.image:
            image = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}
            content.append(image)
        body: dict[str, Any] = {"model": model, "input": [{"role": "user", "content": content}, *ask.history]}
        if ask.tools:
            body["tools"] = [
                {"type": "function", "name": name, "parameters": WEATHER, "strict": True} for name in TOOLS
            ]
        if ask.schema:
            form = {"type": "json_schema", "name": "weather", "schema": SCHEMA, "strict": True}
            body["text"] = {"format": form}
        if ask.think:
            body["reasoning"] = {"effort": "medium", "summary": "auto"}
        if not ask.stream:
            return self._said(self.sdk.responses.create(**body))
        with self.sdk.responses.stream(**body) as stream:
            events = list(stream)
            said = self._said(stream.get_final_response())
        told = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert told == said.text
        assert [event.sequence_number for event in events] == list(range(len(events)))
        said.events = len(events)
        return said

    @staticmethod
    def _said(whole: Any) -> Said:
        thoughts = [part.text for item in whole.output if item.type == "reasoning" for part in item.summary]
        calls = [item for item in whole.output if item.type == "function_call"]
        return Said(
            whole.output_text,
            "".join(thoughts),
            [(call.name, json.loads(call.arguments)) for call in calls],
            whole.status,
            (whole.usage.input_tokens, whole.usage.output_tokens),
            turn=whole.output,
        )

    def answered(self, said: Said, results: list[str]) -> list[Any]:
        ids = [item.call_id for item in said.turn if item.type == "function_call"]
        told = [
            {"type": "function_call_output", "call_id": id, "output": result}
            for id, result in zip(ids, results, strict=True)
        ]
        unset = {"parsed_arguments", "parsed"}
        return [*(item.model_dump(exclude_none=True, exclude=unset) for item in said.turn), *told]


class Messages(Client):
    errors = {
        400: anthropic.BadRequestError,
        401: anthropic.AuthenticationError,
        404: anthropic.NotFoundError,
        429: anthropic.RateLimitError,
    }

    def __init__(self, url: str, key: str) -> None:
        self.sdk = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)

    def ask(self, model: str, ask: Ask) -> Said:
        content: list[Any] = [{"type": "text", "text": ask.prompt}]
        if ask.image:
            source = {"type": "base64", "media_type": "image/png", "data": PNG}
            content.append({"type": "image", "source": source})
        body: dict[str, Any] = {
            "model": model,
            "max_tokens": 4096,
            "messages": [{"role": "user", "content": content}, *ask.history],
        }
        if ask.tools:
            body["tools"] = [{"name": name, "input_schema": WEATHER} for name in TOOLS]
        if ask.schema:
            body["output_config"] = {"format": {"type": "json_schema", "schema": SCHEMA}}
        if ask.think:
            body["thinking"] = {"type": "enabled", "budget_tokens": 2048}
        if not ask.stream:
            return self._said(self.sdk.messages.create(**body))
        with self.sdk.messages.stream(**body) as stream:
            events = list(stream)
            said = self._said(stream.get_final_message())
        said.events = len(events)
        return said

    @staticmethod
    def _said(whole: Any) -> Said:
        of = {kind: [b for b in whole.content if b.type == kind] for kind in ("text", "thinking", "tool_use")}
        return Said(
            "".join(block.text for block in of["text"]),
            "".join(block.thinking for block in of["thinking"]),
            [(block.name, block.input) for block in of["tool_use"]],
            whole.stop_reason,
            (whole.usage.input_tokens, whole.usage.output_tokens),
            turn=whole.content,
        )

    def answered(self, said: Said, results: list[str]) -> list[Any]:
        ids = [block.id for block in said.turn if block.type == "tool_use"]
        told = [
            {"type": "tool_result", "tool_use_id": id, "content": result}
            for id, result in zip(ids, results, strict=True)
        ]
        blocks = [block.model_dump(exclude_none=True, exclude={"parsed_output"}) for block in said.turn]
        return [{"role": "assistant", "content": blocks}, {"role": "user", "content": told}]


class Gemini(Client):
    """google-genai 3 calls `/v1/models/...`, earlier ones `/v1beta/models/...`."""

    errors = dict.fromkeys((400, 401, 404, 429), genai.errors.ClientError)

    def __init__(self, url: str, key: str, version: str = "v1") -> None:
        options = types.HttpOptions(base_url=url, api_version=version)
        self.sdk = genai.Client(api_key=key, http_options=options)

    def ask(self, model: str, ask: Ask) -> Said:
        parts = [types.Part(text=ask.prompt)]
        if ask.image:
            parts.append(types.Part.from_bytes(data=base64.b64decode(PNG), mime_type="image/png"))
        contents = [types.Content(role="user", parts=parts), *ask.history]
        config: dict[str, Any] = {}
        if ask.tools:
            declared = [
                types.FunctionDeclaration(name=name, parameters_json_schema=WEATHER) for name in TOOLS
            ]
            config["tools"] = [types.Tool(function_declarations=declared)]
        if ask.schema:
            config |= {"response_mime_type": "application/json", "response_json_schema": SCHEMA}
        if ask.think:
            config["thinking_config"] = types.ThinkingConfig(include_thoughts=True, thinking_budget=2048)
        call: dict[str, Any] = {
            "model": model,
            "contents": contents,
            "config": types.GenerateContentConfig(**config),
        }
        if not ask.stream:
            return self._said([self.sdk.models.generate_content(**call)])
        return self._said(list(self.sdk.models.generate_content_stream(**call)))

    @staticmethod
    def _said(chunks: list[Any]) -> Said:
        parts = [
            p
            for c in chunks
            if c.candidates and c.candidates[0].content
            for p in c.candidates[0].content.parts or []
        ]
        calls = [part.function_call for part in parts if part.function_call]
        reasons = [
            c.candidates[0].finish_reason for c in chunks if c.candidates and c.candidates[0].finish_reason
        ]
        usage = chunks[-1].usage_metadata or types.GenerateContentResponseUsageMetadata(prompt_token_count=0)
        output = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
        return Said(
            "".join(part.text for part in parts if part.text and not part.thought),
            "".join(part.text for part in parts if part.text and part.thought),
            [(call.name, call.args) for call in calls],
            reasons[-1].value if reasons else None,
            (usage.prompt_token_count or 0, output),
            len(chunks),
            parts,
        )

    def answered(self, said: Said, results: list[str]) -> list[Any]:
        calls = [part.function_call for part in said.turn if part.function_call]
        told = [
            types.Part(
                function_response=types.FunctionResponse(
                    id=call.id, name=call.name, response={"result": result}
                )
            )
            for call, result in zip(calls, results, strict=True)
        ]
        return [types.Content(role="model", parts=said.turn), types.Content(role="user", parts=told)]


CLIENTS: dict[str, type[Client]] = {
    "openai_chat": Chat,
    "openai_responses": Responses,
    "anthropic_messages": Messages,
    "gemini": Gemini,
}
