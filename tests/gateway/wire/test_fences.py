"""Who asked for JSON gets no Markdown around it."""

from __future__ import annotations

import pytest

from gateway.wire import ir
from gateway.wire.fences import unfence

ASKED = ir.Request("m", [], response_format=ir.ResponseFormat("json_object"))


def answer(text):
    return ir.Response(candidates=[ir.Candidate([ir.Text(text)], "stop")])


@pytest.mark.parametrize("text", ['```json\n{"a": 1}\n```', '\n```\n{"a": 1}```\n', '{"a": 1}'])
def test_the_fence_goes(text):
    (part,) = unfence(answer(text), ASKED).candidates[0].parts
    assert part == ir.Text('{"a": 1}')


@pytest.mark.parametrize(
    "request_", [ir.Request("m", []), ir.Request("m", [], response_format=ir.ResponseFormat("text"))]
)
def test_it_stays_for_everybody_else(request_):
    assert unfence(answer("```json\n{}\n```"), request_) == answer("```json\n{}\n```")


def test_text_around_the_fence_is_an_answer_of_its_own():
    assert unfence(answer("Here:\n```json\n{}\n```"), ASKED) == answer("Here:\n```json\n{}\n```")
