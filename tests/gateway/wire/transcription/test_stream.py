"""Vendors' streams of transcripts as OpenAI's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.wire.sse import Decoder
from gateway.wire.transcription import stream
from omniroute.errors import UpstreamBroken


def read(*values: Any, done: bool = False) -> tuple[list[dict[str, Any]], stream.Events]:
    """What the client gets until its end, and how that stands."""
    sent = b"".join(b"data: " + json.dumps(value).encode() + b"\n\n" for value in values)
    events = stream.Events()
    out = b"".join(map(events.read, Decoder().feed(sent + (b"data: [DONE]\n\n" if done else b""))))
    if events.has_ended:
        out += events.close()
    return [json.loads(event.data) for event in Decoder().feed(out)], events


def test_openais_events_pass_as_they_are():
    sent = [
        {"type": "transcript.text.delta", "delta": "Hi", "logprobs": []},
        {"type": "transcript.text.segment", "id": "1", "start": 0, "end": 1, "text": "Hi", "speaker": "A"},
        {"type": "transcript.text.done", "text": "Hi", "usage": {"input_tokens": 3, "output_tokens": 1}},
    ]
    found, events = read(*sent)
    assert found == sent
    assert events.answer["usage"] == {"input_tokens": 3, "output_tokens": 1}


def test_mistrals_events_become_openais():
    usage = {"prompt_audio_seconds": 4, "prompt_tokens": 5, "completion_tokens": 2}
    found, events = read(
        {"type": "transcription.language", "audio_language": "en"},
        {"type": "transcription.text.delta", "text": "Hi "},
        {"type": "transcription.text.delta", "text": "you"},
        {
            "type": "transcription.done",
            "model": "voxtral",
            "text": "Hi you",
            "language": "en",
            "usage": usage,
        },
    )
    assert [each.get("delta") for each in found] == ["Hi ", "you", None]
    assert found[-1] == {"type": "transcript.text.done", "text": "Hi you", "usage": usage}
    assert events.answer["usage"] == usage


@pytest.mark.parametrize("done", [True, False])
def test_chunks_in_the_shape_of_chat_become_openais(done):
    found, _ = read(
        {"choices": [{"delta": {"content": "Hi"}}]},
        {"choices": [{"delta": {"content": " you"}, "finish_reason": "stop"}]},
        done=done,
    )
    assert [each.get("delta") for each in found] == ["Hi", " you", None]
    assert found[-1] == {"type": "transcript.text.done", "text": "Hi you"}


def test_silence_is_an_answer_and_a_bare_end_is_none():
    assert read({"type": "transcript.text.done", "text": ""})[1].has_begun
    nothing = read(done=True)[1]
    assert not nothing.has_begun
    assert not nothing.has_ended


@pytest.mark.parametrize(
    "said", [{"error": {"message": "no sound"}}, {"type": "error", "error": "no sound"}, ["no object"]]
)
def test_an_error_in_the_stream_is_one(said):
    with pytest.raises(UpstreamBroken):
        read(said)


def test_a_transcript_that_came_at_once_is_a_stream_of_one_word():
    sent = stream.whole({"text": "Hi you", "usage": {"seconds": 3}})
    found = [json.loads(event.data) for event in Decoder().feed(sent)]
    assert [each["type"] for each in found] == ["transcript.text.delta", "transcript.text.done"]
    assert found[1]["usage"] == {"seconds": 3}
