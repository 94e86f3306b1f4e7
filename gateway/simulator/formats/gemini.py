"""Gemini generateContent and streamGenerateContent. Both spellings of names are taken, as the vendor does."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

from gateway.simulator.answer import Answer, Call
from gateway.simulator.formats.base import Dialect, Reply, Step, dump
from gateway.simulator.question import (
    BadRequest,
    JSONDict,
    Question,
    ToolOffer,
    get,
    need,
    objects,
    stop_list,
)

_FINISH = {"length": "MAX_TOKENS", "refusal": "SAFETY"}


class Gemini(Dialect):
    """One request: the model, the method and `alt` are in its address, not in its body."""

    family = "gemini"

    def __init__(self, model: str, stream: bool, sse: bool) -> None:
        self._model, self._stream, self._sse = model, stream, sse
        if not sse:
            self.content_type = "application/json; charset=UTF-8"

    def read(self, body: JSONDict) -> Question:
        question = read_contents(camel(body), self._model)
        question.stream, question.sse = self._stream, self._sse
        config = get(question.body, "generationConfig", dict, {})
        question.max_tokens = get(config, "maxOutputTokens", int, 0, least=1) or None
        question.n = get(config, "candidateCount", int, 1, least=1)
        question.stop = stop_list(config.get("stopSequences"), "stopSequences")
        get(config, "temperature", float, 1.0, least=0)
        if get(config, "responseLogprobs", bool, False):
            question.top_logprobs = get(config, "logprobs", int, 0, least=0)
        thinking = camel(get(config, "thinkingConfig", dict, {}))
        question.reasoning = bool(thinking) and thinking.get("thinkingBudget") != 0
        if config.get("responseMimeType") == "application/json":
            question.schema = config.get("responseJsonSchema") or config.get("responseSchema")
            question.json_object = question.schema is None
        return question

    def whole(self, reply: Reply) -> JSONDict:
        candidates = []
        for index, answer in enumerate(reply.answers):
            parts = _thoughts(reply, answer.reasoning)
            if answer.pieces:
                parts.append({"text": answer.text})
            parts += [_call(call, position, answer) for position, call in enumerate(answer.calls)]
            candidates.append(_candidate(reply, index, parts, answer.pieces, answer))
        return _chunk(reply, candidates, last=True)

    def stream(self, reply: Reply) -> Iterator[Step]:
        before = b"data: " if reply.question.sse else b"["
        after = b"\r\n\r\n" if reply.question.sse else b""
        for chunk, content in _chunks(reply):
            yield Step(before + dump(chunk) + after, content)
            before = b"data: " if reply.question.sse else b",\r\n"
        if not reply.question.sse:
            yield Step(b"]")

    def stream_error(self, body: JSONDict) -> bytes:
        return b"data: " + dump(body) + b"\r\n\r\n" if self._sse else b",\r\n" + dump(body) + b"]"


def camel(body: JSONDict) -> JSONDict:
    """Top-level names in camelCase."""
    return {re.sub(r"_(\w)", lambda found: found[1].upper(), name): value for name, value in body.items()}


def read_contents(body: JSONDict, model: str) -> Question:
    """What `generateContent` and `countTokens` share. `body` is camelCase."""
    if isinstance(body.get("generationConfig"), dict):
        body = {**body, "generationConfig": camel(body["generationConfig"])}
    question = Question(model=model, body=body)
    system = body.get("systemInstruction")
    question.hear(
        "system", system if isinstance(system, str) else _texts(_parts(system or {}, "systemInstruction"))
    )
    contents = (
        need(body, "contents", list) if not isinstance(body.get("contents"), dict) else [body["contents"]]
    )
    if not contents:
        raise BadRequest("* GenerateContentRequest.contents: contents is not specified", "contents")
    for index, content in enumerate(objects(contents, "contents")):
        _hear(content, f"contents[{index}]", question)
    for tool in objects(body.get("tools") or [], "tools"):
        for declared in objects(camel(tool).get("functionDeclarations") or [], "functionDeclarations"):
            named = camel(declared)
            schema = named.get("parametersJsonSchema") or named.get("parameters") or {}
            question.tools.append(ToolOffer(need(named, "name", str), schema))
    _read_choice(body, question)
    return question


def _parts(content: Any, name: str) -> list[JSONDict]:
    parts = content.get("parts", []) if isinstance(content, dict) else content
    return [camel(part) for part in objects([parts] if isinstance(parts, dict) else parts, f"{name}.parts")]


def _texts(parts: list[JSONDict]) -> str:
    return "\n".join(
        part["text"] for part in parts if isinstance(part.get("text"), str) and not part.get("thought")
    )


def _hear(content: JSONDict, name: str, question: Question) -> None:
    parts = _parts(content, name)
    results = [part["functionResponse"] for part in parts if isinstance(part.get("functionResponse"), dict)]
    for result in results:
        question.hear("tool", json.dumps(result.get("response"), ensure_ascii=False))
    if len(results) < len(parts) or not parts:
        role = "user" if content.get("role", "user") == "user" and not results else "other"
        question.hear(role, _texts(parts))
    question.attachments += sum("inlineData" in part or "fileData" in part for part in parts)


def _read_choice(body: JSONDict, question: Question) -> None:
    config = camel(camel(get(body, "toolConfig", dict, {})).get("functionCallingConfig") or {})
    mode = str(config.get("mode", "AUTO")).upper()
    question.choice = "any" if mode == "ANY" else "none" if mode == "NONE" else "auto"
    question.forced = tuple(config.get("allowedFunctionNames") or ())


def _thoughts(reply: Reply, pieces: list[str]) -> list[JSONDict]:
    """Thoughts are shown only where `includeThoughts` asks for them; they count all the same."""
    config = get(reply.question.body, "generationConfig", dict, {})
    shown = camel(config.get("thinkingConfig") or {}).get("includeThoughts") or reply.behavior.think
    return [{"text": "".join(pieces), "thought": True}] if pieces and shown else []


def _call(call: Call, position: int, answer: Answer) -> JSONDict:
    """The signature sits on the first call of a step."""
    part: JSONDict = {"functionCall": {"id": call.id, "name": call.name, "args": json.loads(call.arguments)}}
    if answer.reasoning and position == 0:
        part["thoughtSignature"] = base64.b64encode(b"simulated:" + call.id.encode()).decode()
    return part


def _candidate(
    reply: Reply, index: int, parts: list[JSONDict], pieces: list[str], ended: Answer | None = None
) -> JSONDict:
    candidate: JSONDict = {"content": {"parts": parts, "role": "model"}, "index": index}
    if ended is not None:
        candidate["finishReason"] = _FINISH.get(ended.finish, "STOP")
    if reply.question.top_logprobs is not None and pieces:
        chosen = [{"token": piece, "tokenId": 7, "logProbability": -0.25} for piece in pieces]
        tops = [{"candidates": [entry] * reply.question.top_logprobs} for entry in chosen]
        candidate |= {
            "avgLogprobs": -0.25,
            "logprobsResult": {"chosenCandidates": chosen, "topCandidates": tops},
        }
    return candidate


def _chunks(reply: Reply) -> Iterator[tuple[JSONDict, bool]]:
    """Calls come whole; the last chunk of each candidate carries its finish reason."""
    for index, answer in enumerate(reply.answers):
        last = index == len(reply.answers) - 1
        parts: list[tuple[JSONDict, list[str]]] = [
            (part, []) for piece in answer.reasoning for part in _thoughts(reply, [piece])
        ]
        parts += [({"text": piece}, [piece]) for piece in answer.pieces]
        parts += [(_call(call, position, answer), []) for position, call in enumerate(answer.calls)]
        parts = parts or [({"text": ""}, [])]
        for position, (part, pieces) in enumerate(parts):
            final = position == len(parts) - 1
            candidate = _candidate(reply, index, [part], pieces, answer if final else None)
            yield _chunk(reply, [candidate], last=last and final), part != {"text": ""}


def _chunk(reply: Reply, candidates: list[JSONDict], last: bool) -> JSONDict:
    chunk: JSONDict = {"candidates": candidates}
    if not reply.behavior.no_usage:
        chunk["usageMetadata"] = _usage(reply, last)
    return {**chunk, "modelVersion": reply.question.model, "responseId": reply.id}


def _usage(reply: Reply, last: bool) -> JSONDict:
    tokens = reply.tokens
    usage: JSONDict = {
        "promptTokenCount": tokens.input,
        "totalTokenCount": tokens.total if last else tokens.input,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens.input}],
    }
    if tokens.cached:
        usage["cachedContentTokenCount"] = tokens.cached
    if last:
        usage["candidatesTokenCount"] = tokens.output - tokens.reasoning
    if last and tokens.reasoning:
        usage["thoughtsTokenCount"] = tokens.reasoning
    return usage
