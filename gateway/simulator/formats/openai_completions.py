"""The older Completions: a prompt in, its continuation out."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.simulator.answer import Answer
from gateway.simulator.formats.base import Dialect, Reply, Step, sse
from gateway.simulator.formats.openai_chat import read_common, usage
from gateway.simulator.question import BadRequest, JSONDict, Question, get

_FINISH = {"stop_sequence": "stop", "refusal": "content_filter"}


class OpenAICompletions(Dialect):
    family = "openai"

    def read(self, body: JSONDict) -> Question:
        question = read_common(body)
        prompt = body.get("prompt", "")
        texts = [prompt] if isinstance(prompt, str) else prompt
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise BadRequest("Invalid type for 'prompt': expected a string or an array of strings.", "prompt")
        question.hear("user", "\n".join(texts))
        if body.get("logprobs") is not None:
            question.top_logprobs = get(body, "logprobs", int, 0, least=0)
        return question

    def whole(self, reply: Reply) -> JSONDict:
        choices = []
        for index, answer in enumerate(reply.answers):
            echoed = reply.question.text if reply.question.body.get("echo") else ""
            finish = _FINISH.get(answer.finish, answer.finish)
            choices.append(_choice(index, echoed + answer.text, _logprobs(answer, reply), finish))
        body = {**_envelope(reply), "choices": choices}
        return body if reply.behavior.no_usage else {**body, "usage": usage(reply)}

    def stream(self, reply: Reply) -> Iterator[Step]:
        envelope = _envelope(reply)
        for index, answer in enumerate(reply.answers):
            for piece in answer.pieces:
                yield Step(sse({**envelope, "choices": [_choice(index, piece, None, None)]}), True)
            finish = _FINISH.get(answer.finish, answer.finish)
            yield Step(sse({**envelope, "choices": [_choice(index, "", None, finish)]}))
        if reply.question.include_usage and not reply.behavior.no_usage:
            yield Step(sse({**envelope, "choices": [], "usage": usage(reply)}))
        if not reply.behavior.no_done:
            yield Step(sse(b"[DONE]"))

    def stream_error(self, body: JSONDict) -> bytes:
        return sse(body)


def _envelope(reply: Reply) -> JSONDict:
    return {
        "id": f"cmpl-{reply.id}",
        "object": "text_completion",
        "created": reply.created,
        "model": reply.question.model,
        "system_fingerprint": "fp_simulated",
    }


def _choice(index: int, text: str, logprobs: JSONDict | None, finish: str | None) -> JSONDict:
    return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish}


def _logprobs(answer: Answer, reply: Reply) -> JSONDict | None:
    if reply.question.top_logprobs is None:
        return None
    offsets, position = [], len(reply.question.text)
    for piece in answer.pieces:
        offsets.append(position)
        position += len(piece)
    return {
        "tokens": answer.pieces,
        "token_logprobs": [-0.25] * len(answer.pieces),
        "top_logprobs": [{piece: -0.25} for piece in answer.pieces] if reply.question.top_logprobs else None,
        "text_offset": offsets,
    }
