"""Speech to text through a real process: every vendor's interface, every shape of an answer, and what it costs."""

from __future__ import annotations

import io
import json
import wave
from decimal import Decimal
from typing import Any

import httpx
import openai
import pytest

from gateway.simulator import Simulator
from tests.e2e.server import Gateway

SECONDS = 6


@pytest.fixture(scope="module", autouse=True)
def _vendors(_gateway: Gateway, _simulator: Simulator) -> None:
    keys = {"deepgram": "dg-key", "assemblyai": "aai-key"}
    for provider in ("deepgram", "assemblyai", "groq", "openai", "openrouter", "anthropic"):
        address = f"{_simulator.url}/v2" if provider == "assemblyai" else _simulator.openai_url
        account = {
            "provider": provider,
            "apiKey": keys.get(provider, f"sk-{provider}-0123456789"),
            "name": f"speech {provider}",
            "providerSpecificData": {"baseUrl": address},
        }
        _gateway.manage("POST", "/api/providers", account)


def sound(seconds: float = SECONDS) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(b"\0\1" * round(8000 * seconds))
    return file.getvalue()


WAV = sound()
TEXT = f"You sent {len(WAV)} bytes of sound."


def post(gateway: Gateway, model: str, file: Any = None, path: str = "", **fields: Any) -> httpx.Response:
    given = ("talk.wav", WAV, "audio/wav") if file is None else file
    return gateway.http.post(
        path or "/v1/audio/transcriptions", data={"model": model, **fields}, files={"file": given}
    )


def last(gateway: Gateway) -> dict[str, Any]:
    row: dict[str, Any] = gateway.rows("SELECT * FROM billing_usagerecord ORDER BY id DESC LIMIT 1")[0]
    return {**row, "apart": json.loads(row["priced_apart"])}


MODELS = {
    "deepgram/nova-3": Decimal("0.0043") * SECONDS / 60,
    "assemblyai/universal-2": Decimal("0.15") * SECONDS / 3600,
    "groq/whisper-large-v3": Decimal("0.111") * 10 / 3600,  # ten seconds at least
    "openai/whisper-1": Decimal("0.006") * SECONDS / 60,
}


@pytest.mark.parametrize("model", MODELS)
def test_every_vendor_answers_in_openais_shape_and_is_paid_by_the_second(
    gateway: Gateway, model: str
) -> None:
    answer = post(gateway, model)
    assert (answer.status_code, answer.json()["text"]) == (200, TEXT), answer.text
    row = last(gateway)
    assert (row["endpoint"], row["status"], row["input_tokens"]) == ("/v1/audio/transcriptions", 200, 0)
    assert row["apart"]["audio_seconds"] == SECONDS
    assert round(Decimal(str(row["cost"])), 9) == round(MODELS[model], 9)
    assert row["cost_source"] == "dataset"
    assert answer.headers["x-omniroute-provider"] == model.partition("/")[0]


def test_openais_newer_models_are_paid_by_the_token(gateway: Gateway) -> None:
    assert post(gateway, "openai/gpt-4o-transcribe").json()["text"] == TEXT
    row = last(gateway)
    assert (row["input_tokens"], row["output_tokens"], row["apart"]["input_audio_tokens"]) == (64, 6, 60)
    assert Decimal(str(row["cost"])) == (4 * Decimal("2.5") + 60 * 6 + 6 * 10) / 1_000_000


@pytest.mark.parametrize("model", MODELS)
def test_subtitles_and_plain_text_are_made_here_where_the_vendor_has_none(
    gateway: Gateway, model: str
) -> None:
    text = post(gateway, model, response_format="text")
    assert (text.text, text.headers["content-type"]) == (f"{TEXT}\n", "text/plain; charset=utf-8")
    srt = post(gateway, model, response_format="srt").text
    assert srt.startswith("1\n00:00:00,000 --> 00:00:02,400\nYou sent ")
    vtt = post(gateway, model, response_format="vtt")
    assert vtt.text.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:02.400\nYou sent ")
    assert vtt.headers["content-type"] == "text/vtt"
    assert last(gateway)["apart"]["audio_seconds"] == SECONDS


@pytest.mark.parametrize("model", MODELS)
def test_the_sdk_gets_words_and_segments_with_their_times(gateway: Gateway, model: str) -> None:
    client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none")
    said = client.audio.transcriptions.create(
        model=model,
        file=("talk.wav", WAV),
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert (said.text, said.language, float(said.duration)) == (TEXT, "english", SECONDS)
    assert said.words
    assert said.segments
    assert [word.word for word in said.words] == TEXT.split()
    assert (said.words[1].start, said.words[1].end) == (0.4, 0.8)
    assert [segment.text.strip() for segment in said.segments] == [TEXT]


def test_a_model_without_times_refuses_subtitles_before_anything_is_spent(
    gateway: Gateway, simulator: Simulator
) -> None:
    refused = post(gateway, "openai/gpt-4o-transcribe", response_format="srt")
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "response_format")
    assert simulator.requests == []
    gateway.add_combo("subtitles", "openai/gpt-4o-transcribe", "deepgram/nova-3")
    assert post(gateway, "subtitles", response_format="srt").text.startswith("1\n00:00:00,000")


def test_a_vendor_that_fails_is_followed_by_the_next_one(gateway: Gateway, simulator: Simulator) -> None:
    gateway.add_combo("speech", "sim1/sim-500", "assemblyai/universal-2", "deepgram/nova-3")
    assert post(gateway, "speech").json()["text"] == TEXT
    row = last(gateway)
    assert (row["provider"], row["attempt_count"]) == ("assemblyai", 2)
    simulator.behave("503", path="/upload", times=1)
    assert post(gateway, "speech").json()["text"] == TEXT
    assert last(gateway)["provider"] == "deepgram"


def test_what_the_vendor_cannot_read_is_the_clients_to_hear(gateway: Gateway) -> None:
    broken = ("talk.mp3", b"not sound at all", "audio/mpeg")
    for model, said in (("assemblyai/universal-2", "does not appear"), ("deepgram/nova-3", "corrupt")):
        answer = post(gateway, model, broken)
        assert answer.status_code == 400
        assert said in answer.json()["error"]["message"]
        assert post(gateway, model).status_code == 200  # nobody is put aside for it


def test_deepgram_is_sent_the_bare_sound_and_its_own_options(gateway: Gateway, simulator: Simulator) -> None:
    post(gateway, "dg/nova-2", ("talk.bin", WAV, "video/x-ms"), language="de", diarize="true", keyterm="Bix")
    asked = simulator.requests[-1]
    assert asked.body == WAV
    headers = dict(asked.headers)
    assert headers["authorization"] == "Token dg-key"
    assert headers["content-type"] == "audio/wav"
    assert "model=nova-2&smart_format=true&punctuate=true&language=de" in asked.query
    assert {"diarize=true", "keyterm=Bix"} <= set(asked.query.split("&"))


def test_assemblyai_is_asked_until_the_transcript_is_there(gateway: Gateway, simulator: Simulator) -> None:
    post(gateway, "aai/best", language="en", prompt="Names: Bix", speaker_labels="true")
    sent = [(asked.method, asked.path.rpartition("/v2")[2]) for asked in simulator.requests]
    assert sent[:2] == [("POST", "/upload"), ("POST", "/transcript")]
    assert [method for method, _ in sent[2:]] == ["GET"] * 3
    assert {dict(asked.headers)["authorization"] for asked in simulator.requests} == {"aai-key"}
    order = json.loads(simulator.requests[1].body)
    assert (order["speech_models"], order["language_code"]) == (["universal-3-pro"], "en")
    assert (order["prompt"], order["speaker_labels"]) == ("Names: Bix", True)


def test_a_compatible_vendor_gets_the_form_as_it_came(gateway: Gateway, simulator: Simulator) -> None:
    answer = post(
        gateway, "sim1/parakeet", ("memo.opus", b"OggS" + bytes(6000), ""), hotwords="Bix", temperature="0.2"
    )
    assert answer.status_code == 200
    body = simulator.requests[-1].body
    for part in (b'name="model"\r\n\r\nparakeet\r\n', b'name="hotwords"\r\n\r\nBix', b'filename="memo.ogg"'):
        assert part in body
    assert b"response_format" not in body


def test_openrouter_is_sent_base64_within_json(gateway: Gateway, simulator: Simulator) -> None:
    assert post(gateway, "openrouter/openai/whisper-1").json()["text"] == TEXT
    sent = json.loads(simulator.requests[-1].body)
    assert (sent["model"], sent["input_audio"]["format"]) == ("openai/whisper-1", "wav")


@pytest.mark.parametrize("model", ["openai/gpt-4o-transcribe", *MODELS])
def test_a_transcript_is_streamed_to_the_sdk_whoever_makes_it(gateway: Gateway, model: str) -> None:
    """As it comes from those who stream, at once from those who do not."""
    client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none")
    given: Any = {"model": model, "file": ("talk.wav", WAV), "stream": True}
    events = list(client.audio.transcriptions.create(**given))
    said = [event.delta for event in events if event.type == "transcript.text.delta"]
    assert ("".join(said), len(said)) == (TEXT, 6 if "4o" in model else 1)
    assert (events[-1].type, events[-1].text) == ("transcript.text.done", TEXT)
    row = last(gateway)
    assert (row["status"], row["stream"]) == (200, 1)
    if model in MODELS:
        assert round(Decimal(str(row["cost"])), 9) == round(MODELS[model], 9)
    else:
        assert (row["input_tokens"], row["output_tokens"]) == (64, 6)


def test_a_streamed_transcript_that_breaks_is_told_and_before_it_began_the_next_one_is_asked(
    gateway: Gateway, simulator: Simulator
) -> None:
    simulator.behave("inband2", model="gpt-4o-transcribe", times=1)
    broken = post(gateway, "openai/gpt-4o-transcribe", stream="true")
    assert (broken.text.count("transcript.text.delta"), '"error"' in broken.text) == (2, True)
    assert last(gateway)["status"] != 200
    simulator.behave("cut3", model="gpt-4o-transcribe", times=1)
    cut = post(gateway, "openai/gpt-4o-transcribe", stream="true")
    assert "stream_cut" in cut.text or "broken" in cut.text
    gateway.add_combo("spoken", "openai/gpt-4o-transcribe", "deepgram/nova-3")
    simulator.behave("inband0", model="gpt-4o-transcribe")
    other = post(gateway, "spoken", stream="true")
    assert "transcript.text.done" in other.text
    assert last(gateway)["provider"] == "deepgram"


def test_a_recording_is_translated_by_who_has_that(gateway: Gateway, simulator: Simulator) -> None:
    client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none")
    said = client.audio.translations.create(model="openai/whisper-1", file=("talk.wav", WAV))
    assert said.text == TEXT
    assert simulator.requests[-1].path.endswith("/v1/audio/translations")
    row = last(gateway)
    assert (row["endpoint"], row["apart"]["audio_seconds"]) == ("/v1/audio/translations", SECONDS)
    gateway.add_combo("translating", "deepgram/nova-3", "groq/whisper-large-v3")
    assert post(gateway, "translating", path="/v1/audio/translations").json()["text"] == TEXT
    assert last(gateway)["provider"] == "groq"


def test_the_dedicated_route_and_the_list_of_models_know_them(gateway: Gateway) -> None:
    answer = post(gateway, "nova-3", path="/v1/providers/deepgram/audio/transcriptions")
    assert answer.json()["text"] == TEXT
    listed = {each["id"]: each.get("type") for each in gateway.http.get("/v1/models").json()["data"]}
    assert listed["deepgram/nova-3"] == listed["assemblyai/universal-2"] == "transcription"


@pytest.mark.parametrize(
    ("content_type", "body", "param"),
    [
        ("application/json", b'{"model": "deepgram/nova-3"}', None),
        ("multipart/form-data", b"--x--", None),
        ("multipart/form-data; boundary=x", b"", None),
        ("multipart/form-data; boundary=x", b"--x--\r\n", "file"),
        ("multipart/form-data; boundary=x", b"--y\r\n\r\n--y--", None),
        ("multipart/form-data; boundary=x", b'--x\r\ncontent-disposition: form-data; name="file"', None),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\ncontent-disposition: form-data; name="file"\r\n\r\nno name\r\n--x--',
            "file",
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nabc\r\n--x--',
            "model",
        ),
    ],
)
def test_forms_that_are_none_are_refused_in_words(
    gateway: Gateway, content_type: str, body: bytes, param: str | None
) -> None:
    headers = {"content-type": content_type}
    answer = gateway.http.post("/v1/audio/transcriptions", content=body, headers=headers)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)


def test_what_cannot_be_done_is_said_by_name(gateway: Gateway) -> None:
    streamed = post(gateway, "openai/whisper-1", stream="true", response_format="srt").json()["error"]
    assert streamed["param"] == "response_format"
    translated = post(gateway, "deepgram/nova-3", path="/v1/audio/translations").json()["error"]
    assert translated["code"] == "unsupported_operation"
    assert post(gateway, "deepgram/nova-3", ("a.wav", b"", "audio/wav")).json()["error"]["param"] == "file"
    shape = post(gateway, "deepgram/nova-3", response_format="diarized_json").json()["error"]
    assert shape["param"] == "response_format"
    assert gateway.chat("deepgram/nova-3").json()["error"]["code"] == "unsupported_operation"
    assert post(gateway, "anthropic/claude-haiku-4-5").json()["error"]["code"] == "unsupported_operation"


def test_a_file_that_is_too_large_is_told_so(gateway: Gateway) -> None:
    answer = post(gateway, "deepgram/nova-3", ("a.wav", bytes(33 << 20), "audio/wav"))
    assert (answer.status_code, answer.json()["error"]["type"]) == (413, "request_too_large")
