"""The events of a Responses stream, in the vendor's order (docs/protocol-notes.md, Responses streams)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from gateway.simulator.answer import Answer, pieces_of
from gateway.simulator.formats.base import Step, sse
from gateway.simulator.question import JSONDict


def steps(opening: JSONDict, items: list[JSONDict], closing: JSONDict, answer: Answer) -> Iterator[Step]:
    numbers = count()
    for name, fields, content in _events(opening, items, closing, answer):
        yield Step(sse({"type": name, **fields, "sequence_number": next(numbers)}, name), content)


_Event = tuple[str, JSONDict, bool]


def _events(opening: JSONDict, items: list[JSONDict], closing: JSONDict, answer: Answer) -> Iterator[_Event]:
    yield "response.created", {"response": opening}, False
    yield "response.in_progress", {"response": opening}, False
    writers = {"reasoning": _reasoning, "message": _message}
    for index, item in enumerate(items):
        at = {"item_id": item["id"], "output_index": index}
        yield "response.output_item.added", {"output_index": index, "item": _begun(item)}, False
        yield from writers.get(item["type"], _call)(item, at, answer)
        yield "response.output_item.done", {"output_index": index, "item": item}, False
    yield f"response.{closing['status']}", {"response": closing}, False


def _begun(item: JSONDict) -> JSONDict:
    """The item as it is announced: without what its deltas bring."""
    empty: JSONDict = {"summary": [], "content": [], "arguments": "", "input": "", "status": "in_progress"}
    return {name: empty.get(name, value) for name, value in item.items() if name != "encrypted_content"}


def _reasoning(item: JSONDict, at: JSONDict, answer: Answer) -> Iterator[_Event]:
    for index, part in enumerate(item["summary"]):
        here = {**at, "summary_index": index}
        yield "response.reasoning_summary_part.added", {**here, "part": {**part, "text": ""}}, False
        for piece in answer.reasoning:
            yield "response.reasoning_summary_text.delta", {**here, "delta": piece}, True
        yield "response.reasoning_summary_text.done", {**here, "text": part["text"]}, False
        yield "response.reasoning_summary_part.done", {**here, "part": part}, False


def _message(item: JSONDict, at: JSONDict, answer: Answer) -> Iterator[_Event]:
    part, here = item["content"][0], {**at, "content_index": 0}
    refused = part["type"] == "refusal"
    empty = {**part, "refusal": ""} if refused else {**part, "text": "", "logprobs": []}
    yield "response.content_part.added", {**here, "part": empty}, False
    for index, piece in enumerate(answer.pieces):
        if refused:
            yield "response.refusal.delta", {**here, "delta": piece}, True
        else:
            logprobs = part["logprobs"][index : index + 1]
            yield "response.output_text.delta", {**here, "delta": piece, "logprobs": logprobs}, True
    if refused:
        yield "response.refusal.done", {**here, "refusal": part["refusal"]}, False
    else:
        yield "response.output_text.done", {**here, "text": part["text"], "logprobs": part["logprobs"]}, False
    yield "response.content_part.done", {**here, "part": part}, False


def _call(item: JSONDict, at: JSONDict, answer: Answer) -> Iterator[_Event]:
    if item["type"] == "custom_tool_call":
        for piece in pieces_of(item["input"]):
            yield "response.custom_tool_call_input.delta", {**at, "delta": piece}, True
        yield "response.custom_tool_call_input.done", {**at, "input": item["input"]}, False
        return
    for piece in pieces_of(item["arguments"]):
        yield "response.function_call_arguments.delta", {**at, "delta": piece}, True
    done = {**at, "arguments": item["arguments"], "name": item["name"]}
    yield "response.function_call_arguments.done", done, False
