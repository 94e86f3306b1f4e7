"""A conversation made to fit a format that did not write it (docs/protocol-notes.md, Messages and Tools).

Clients cut and edit their histories: calls lose their results, results their calls, ids repeat. Every vendor
answers such a conversation with 400, each for other reasons; what comes out of here pleases all whose
`Rules` it was made for.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from gateway.wire import ir, json
from gateway.wire.base import Rules

INTERRUPTED = "The tool call was interrupted: there is no result."


@dataclass(slots=True)
class _Call:
    """A call of the history under the id that it gets."""

    call: ir.ToolCall
    result: ir.ToolResult | None = None


@dataclass(slots=True)
class _Turn:
    """A message without its tool results; `calls` are those in `parts`."""

    role: ir.Role
    parts: list[ir.Part]
    extra: ir.Extra
    calls: list[_Call] = field(default_factory=list)
    results: list[ir.Part] = field(default_factory=list)
    silent: bool = False
    """It says nothing; what is in it fills it."""


def repair(request: ir.Request, rules: Rules) -> ir.Request:
    """A new request; the given one and its parts stay as they are.

    Neighbouring turns of the model are joined where a tool call or a thought belongs to them. Where turns
    must alternate, all neighbours of one role are, and later instructions move up to the system's.
    """
    system, messages = list(request.system), _said(request.messages)
    if rules.merge_roles:
        system += [
            part for m in messages if _is_instruction(m) for part in m.parts if isinstance(part, ir.Text)
        ]
        messages = [message for message in messages if not _is_instruction(message)]
    turns = _pair(_join_model_turns(messages, rules.merge_roles), _Ids(rules.tool_id), rules.answer_calls)
    if rules.answer_calls:
        turns = list(_answered(turns))
    filled = [turn for turn in turns if _tidy(turn, rules.filler)]
    if rules.merge_roles:
        filled = _merge(filled)
    alone = not filled and bool(
        system
    )  # the emitter lets the user say the instructions, which no filler replaces
    if rules.user_first and not alone and (not filled or filled[0].role != "user"):
        filled.insert(0, _Turn("user", [ir.Text(rules.filler)], {}))
    repaired = [ir.Message(turn.role, turn.results + turn.parts, turn.extra) for turn in filled]
    result = replace(request, system=system, messages=repaired)
    if len(_join_model_turns(repaired, rules.merge_roles)) < len(repaired):
        return repair(result, rules)  # what stood between two turns of the model turned out to be nothing
    return result


def _said(messages: list[ir.Message]) -> list[ir.Message]:
    """Without turns of the model that say nothing, and without calls of anybody else, who cannot make any."""
    kept = []
    for message in messages:
        if message.role == "assistant":
            if not all(isinstance(part, ir.Text) and not part.text.strip() for part in message.parts):
                kept.append(message)
            continue
        parts: list[ir.Part] = [part for part in message.parts if not isinstance(part, ir.ToolCall)]
        if len(parts) == len(message.parts):
            kept.append(message)
        elif parts:
            kept.append(replace(message, parts=parts))
    return kept


def _is_instruction(message: ir.Message) -> bool:
    return message.role in ("system", "developer")


# ---- Joining ---------------------------------------------------------------------------------------------


def _join_model_turns(messages: list[ir.Message], always: bool) -> list[ir.Message]:
    """One answer of the model may come as several messages, one an item: parallel calls belong together."""
    joined: list[ir.Message] = []
    for is_model, run in itertools.groupby(messages, key=lambda message: message.role == "assistant"):
        turns = list(run)
        if is_model and len(turns) > 1 and (always or any(map(_is_one_of_several, turns))):
            turns = [ir.Message("assistant", [part for turn in turns for part in turn.parts], turns[0].extra)]
        joined += turns
    return joined


def _is_one_of_several(message: ir.Message) -> bool:
    return any(isinstance(part, ir.ToolCall | ir.Reasoning) for part in message.parts)


def _merge(turns: list[_Turn]) -> list[_Turn]:
    merged: list[_Turn] = []
    for turn in turns:
        if merged and merged[-1].role == turn.role:
            last = merged[-1]
            if turn.silent or last.silent:
                merged[-1] = last if turn.silent else turn
                continue
            extra = last.extra if last.extra == turn.extra else {}
            merged[-1] = _Turn(turn.role, last.parts + turn.parts, extra, [], last.results + turn.results)
        else:
            merged.append(turn)
    return merged


# ---- Calls and results -----------------------------------------------------------------------------------


def _pair(messages: list[ir.Message], ids: _Ids, answer: bool) -> list[_Turn]:
    """Give every call its id and find its result: the last one with that id before the id is used again."""
    turns: list[_Turn] = []
    known: dict[str, _Call] = {}
    unanswered: list[_Call] = []
    for message in messages:
        turn = _Turn(message.role, [], message.extra)
        for part in message.parts:
            if isinstance(part, ir.ToolCall):
                call = _Call(replace(part, id=ids.take(part.id), extra=dict(part.extra)))
                known[part.id] = call
                unanswered.append(call)
                turn.calls.append(call)
                turn.parts.append(call.call)
            elif isinstance(part, ir.ToolResult):
                found = _find(part, known, unanswered)
                if found is None:
                    turn.parts += _as_text(part) if answer else [part]
                    continue
                if found in unanswered:
                    unanswered.remove(found)
                called = found.call
                found.result = replace(
                    part, call_id=called.id, name=part.name or called.name, kind=called.kind
                )
                if not answer:
                    turn.results.append(found.result)
            else:
                turn.parts.append(part)
        if turn.parts or turn.results or not message.parts:
            turns.append(turn)
    return turns


def _find(result: ir.ToolResult, known: dict[str, _Call], unanswered: list[_Call]) -> _Call | None:
    """By id. Without one (Gemini, legacy functions) by name, else by position."""
    if result.call_id:
        return known.get(result.call_id)
    if result.name is None:
        return unanswered[0] if unanswered else None
    return next((call for call in unanswered if call.call.name == result.name), None)


def _as_text(result: ir.ToolResult) -> list[ir.Part]:
    """A result without its call, for the user to say."""
    return [part for part in result.parts if not isinstance(part, ir.Text) or part.text.strip()]


def _answered(turns: list[_Turn]) -> Iterator[_Turn]:
    """All results of a turn's calls right behind it, in the order of the calls."""
    for turn in turns:
        yield turn
        if turn.calls:
            results: list[ir.Part] = [call.result or _interrupted(call.call) for call in turn.calls]
            yield _Turn("user", [], {}, results=results)


def _interrupted(call: ir.ToolCall) -> ir.ToolResult:
    return ir.ToolResult(call.id, [ir.Text(INTERRUPTED)], call.name, is_error=True, kind=call.kind)


# ---- Emptiness -------------------------------------------------------------------------------------------


def _tidy(turn: _Turn, filler: str) -> bool:
    """Without blank texts. False for a turn that then says nothing and need not be there."""
    parts = [part for part in turn.parts if not isinstance(part, ir.Text) or part.text.strip()]
    turn.parts = parts
    if turn.results or any(_says_something(part) for part in parts):
        return True
    if turn.role == "user":
        turn.parts, turn.silent = [*parts, ir.Text(filler)], True
        return True
    return False


def _says_something(part: ir.Part) -> bool:
    return not isinstance(part, ir.Reasoning | ir.Unknown)


# ---- Ids -------------------------------------------------------------------------------------------------


class _Ids:
    """Ids that fit and are unique. The same history gets the same ids, so that prompt caches keep working."""

    def __init__(self, pattern: str) -> None:
        self._fits = re.compile(pattern).fullmatch
        self._used: set[str] = set()

    def take(self, wanted: str) -> str:
        for candidate in self._candidates(wanted):
            if candidate not in self._used and self._fits(candidate):
                self._used.add(candidate)
                return candidate
        raise ValueError(f"No id fits the pattern {self._fits!r}")

    @staticmethod
    def _candidates(wanted: str) -> Iterator[str]:
        if wanted:
            yield wanted
            yield re.sub(r"[^a-zA-Z0-9_-]", "_", wanted)[:64]
        for attempt in range(10_000):
            digest = hashlib.sha256(f"{wanted}#{attempt}".encode("utf-8", "surrogatepass")).hexdigest()
            yield f"call_{digest[:24]}"
            yield digest[:9]


# ---- Failed calls ----------------------------------------------------------------------------------------


def mark_error(text: str) -> str:
    """For formats without a flag for a failed call: the text must say it, and as JSON it also stays whole."""
    if text.lstrip().lower().startswith(("error", '{"error"')):
        return text
    return json.dumps({"error": text}).decode("utf-8", "surrogatepass")
