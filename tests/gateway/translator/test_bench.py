"""The test bench: everything passes, and what a translation breaks is found."""

from __future__ import annotations

import json
import time

import pytest

from gateway import snapshot as snapshots
from gateway.preparation.signatures import Signatures
from gateway.translator.bench import real, simulated
from gateway.translator.bench.simulated import Cell
from gateway.translator.sample_requests import REQUESTS
from gateway.wire.anthropic_messages import AnthropicMessages
from gateway.wire.gemini import Gemini

pytestmark = pytest.mark.django_db


def test_every_feature_survives_every_pair_of_formats(monkeypatch):
    kept: list[str] = []
    monkeypatch.setattr(Signatures, "keep", lambda self, call, signature: kept.append(call))
    started = time.perf_counter()
    cells = simulated.run(snapshots.refresh())
    assert [(cell.case, cell.client, cell.provider, cell.problems) for cell in cells if not cell.passed] == []
    assert len(cells) == 16 * (9 * 2 + 1)
    assert time.perf_counter() - started < 30
    assert kept == []


def test_a_lost_system_prompt_is_found(monkeypatch):
    emit = AnthropicMessages.emit_request

    def forgetful(self, request, profile):
        return {name: value for name, value in emit(self, request, profile).items() if name != "system"}

    monkeypatch.setattr(AnthropicMessages, "emit_request", forgetful)
    cell = simulated.run_cell(snapshots.refresh(), "system", "openai_chat", "anthropic_messages", False)
    assert [problem["what"] for problem in cell.problems] == ["texts"]
    assert REQUESTS["openai_chat"]["system"]["messages"][0]["content"] not in cell.sent


def test_a_changed_argument_is_found(monkeypatch):
    parse = Gemini.parse_response

    def muddled(self, body):
        return parse(self, json.loads(json.dumps(body).replace("Oslo", "Bergen")))

    monkeypatch.setattr(Gemini, "parse_response", muddled)
    cell = simulated.run_cell(snapshots.refresh(), "tools", "openai_chat", "gemini", False)
    assert [problem["what"] for problem in cell.problems] == ["tool calls"]
    assert cell.problems[0]["expected"][0]["arguments"]["city"] == "Oslo"


def test_a_translation_that_raises_is_a_failure_and_not_an_error(monkeypatch):
    def broken(self, request, profile):
        raise KeyError("x")

    monkeypatch.setattr(Gemini, "emit_request", broken)
    cell = simulated.run_cell(snapshots.refresh(), "text", "openai_chat", "gemini", True)
    assert cell.problems[0]["what"] == "failed"


def reply(content, finish="stop", status=200, **message):
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content, **message},
        "finish_reason": finish,
    }
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    return json.dumps({"id": "c", "model": "m", "choices": [choice], "usage": usage}).encode()


def call(name, **arguments):
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": "1", "type": "function", "function": function}


@pytest.mark.parametrize(
    ("case", "body", "problems"),
    [
        ("text", reply("Hello"), []),
        ("text", reply(" "), ["text"]),
        ("turns", reply("You are Kari"), []),
        ("turns", reply("No idea"), ["text"]),
        ("structured", reply('{"name": "A", "age": 3}'), []),
        ("structured", reply("A, 3"), ["text"]),
        ("tools", reply(None, "tool_calls", tool_calls=[call("get_weather", city="Oslo")]), []),
        ("tools", reply(None, "tool_calls", tool_calls=[call("get_weather", city="Rome")]), ["arguments"]),
        (
            "parallel",
            reply(None, "tool_calls", tool_calls=[call("get_weather", city="Oslo")]),
            ["tool calls"],
        ),
        ("text", b'{"choices": []}', ["answer"]),
        ("text", b"nothing", ["answer"]),
    ],
)
def test_a_real_answer_is_judged_by_what_was_asked(case, body, problems):
    cell = Cell(case, "openai_chat", "x/y", False)
    assert [problem["what"] for problem in real.judged(cell, 200, body)] == problems


def test_a_refusal_is_a_failure_in_its_own_words():
    body = json.dumps({"error": {"message": "Too many", "type": "rate_limit_error"}}).encode()
    (problem,) = real.judged(Cell("text", "openai_chat", "x/y", False), 429, body)
    assert problem["got"] == "429: Too many"
