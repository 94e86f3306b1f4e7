"""What the simulated model says to a question, before any format puts it into words."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Literal

from gateway.simulator import file_task
from gateway.simulator.behavior import Behavior
from gateway.simulator.question import Question, ToolOffer, count_tokens
from gateway.simulator.samples import sample

_ASKED_TOOL = re.compile(r"\buse the tool [`'\"]?([\w.:-]*\w)[`'\"]?(?:\s+with\s+(?=\{))?", re.IGNORECASE)
_MAX_PIECES = 400
_THOUGHT = "The user wants an answer. I will give one."
_REFUSAL = "I'm sorry, but I can't help with that."

Finish = Literal["stop", "stop_sequence", "length", "tool_calls", "refusal"]


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: str
    custom: bool = False
    id: str = field(default_factory=lambda: secrets.token_hex(12))


@dataclass(frozen=True, slots=True)
class Answer:
    """`pieces` are the deltas of the text. Each counts as one token, as do the words of the reasoning."""

    pieces: list[str]
    calls: list[Call]
    finish: Finish
    reasoning: list[str]
    stop_sequence: str | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Tokens:
    input: int
    output: int
    reasoning: int
    cached: int

    @property
    def total(self) -> int:
        return self.input + self.output


def pieces_of(text: str) -> list[str]:
    """Words with the white space behind them, so that joining gives the text back."""
    words = re.findall(r"\S+\s*|\s+", text)
    step = -(-len(words) // _MAX_PIECES) or 1
    return ["".join(words[i : i + step]) for i in range(0, len(words), step)]


def answers_to(question: Question, behavior: Behavior) -> list[Answer]:
    return [_answer(question, behavior, index) for index in range(question.n)]


def tokens_of(question: Question, answers: list[Answer], behavior: Behavior) -> Tokens:
    reasoning = sum(len(answer.reasoning) for answer in answers)
    calls = [pieces_of(call.name + call.arguments) for answer in answers for call in answer.calls]
    output = reasoning + sum(len(answer.pieces) for answer in answers) + sum(map(len, calls))
    given = behavior.input_tokens if behavior.input_tokens is not None else count_tokens(question)
    made = behavior.output_tokens if behavior.output_tokens is not None else output
    return Tokens(given, made, min(reasoning, made), min(behavior.cached_tokens, given))


def _answer(question: Question, behavior: Behavior, index: int) -> Answer:
    reasoning = pieces_of(_THOUGHT) if question.reasoning or behavior.think else []
    if behavior.refuse:
        return Answer(pieces_of(_REFUSAL), [], "refusal", reasoning)
    if calls := _calls(question):
        return Answer([], calls, "tool_calls", reasoning)
    text = _text(question, index)
    pieces = pieces_of(text)
    if behavior.events is not None:
        pieces = [f"word{number} " for number in range(1, behavior.events + 1)]
    finish: Finish = "stop"
    hit = min((stop for stop in question.stop if stop and stop in text), key=text.index, default=None)
    if hit is not None and behavior.events is None:
        pieces, finish = pieces_of(text[: text.index(hit)]), "stop_sequence"
    if question.max_tokens is not None and len(pieces) > question.max_tokens:
        pieces, finish, hit = pieces[: question.max_tokens], "length", None
    return Answer(pieces, [], finish, reasoning, hit if finish == "stop_sequence" else None)


def _text(question: Question, index: int) -> str:
    if question.schema is not None:
        return json.dumps(sample(question.schema), ensure_ascii=False)
    task = question.task
    if task and not question.tools and (edit := file_task.edit(task, question.prompt)):
        return edit
    results = question.results or (task.results if task else [])
    said = "The tool said: " + " | ".join(results) if results else "You said: " + question.text
    if question.attachments:
        said += f" [{question.attachments} attachment{'s' * (question.attachments > 1)}]"
    if index:
        said += f" (choice {index + 1})"
    return json.dumps({"answer": said}, ensure_ascii=False) if question.json_object else said


def _calls(question: Question) -> list[Call]:
    """Tools that the prompt names or the choice forces; none once results are there, so that loops end."""
    if question.results or question.choice == "none" or not question.tools:
        return []
    offers = {offer.name: offer for offer in question.tools}
    calls = [
        _call(offers[found[1]], _given_arguments(question.text, found.end()))
        for found in _ASKED_TOOL.finditer(question.text)
        if found[1] in offers and (not question.forced or found[1] in question.forced)
    ]
    if not calls and question.choice == "any":
        name = next((name for name in question.forced if name in offers), question.tools[0].name)
        calls = [_call(offers[name], None)]
    return calls or _task_calls(question, offers)


def _task_calls(question: Question, offers: dict[str, ToolOffer]) -> list[Call]:
    task = question.task
    name = file_task.choose(task, list(offers)) if task and not task.results else None
    if task is None or name is None:
        return []
    if offers[name].custom:
        return [Call(name, file_task.script(task), custom=True)]
    return [Call(name, file_task.arguments(task, offers[name].schema))]


def _given_arguments(text: str, start: int) -> str | None:
    """The JSON object behind `use the tool NAME with`, as written."""
    if not text.startswith("{", start):
        return None
    try:
        _, end = json.JSONDecoder().raw_decode(text, start)
    except ValueError:
        return None
    return text[start:end]


def _call(offer: ToolOffer, arguments: str | None) -> Call:
    if offer.custom:
        return Call(offer.name, arguments or "free text", custom=True)
    return Call(
        offer.name, arguments or json.dumps(sample(offer.schema or {"type": "object"}), ensure_ascii=False)
    )
