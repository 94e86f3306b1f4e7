"""Sound: OpenAI's transcripts and speech, Deepgram's transcripts, and AssemblyAI's, which is asked several times.

What was said is a sentence about the file, a word every 0.4 seconds; speech is silence of that length. How long a file
lasted: by the header of a WAV file, else 16 kB are a second.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import secrets
import wave
from collections import OrderedDict
from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import parse_qs

from gateway.simulator.question import BadRequest, JSONDict

FORMS = ("/audio/transcriptions", "/audio/translations")
"""OpenAI's, which take a form."""
ENDINGS = ("/audio/speech", *FORMS, "/listen", "/upload", "/transcript")
BYTES_PER_SECOND = 16_000
WORD_S = 0.4
POLLS = 2
"""How often an order of AssemblyAI's is not ready yet."""
KEPT = 1000


@dataclass(frozen=True, slots=True)
class Said:
    """Content type and body of an answer."""

    content_type: str
    body: bytes
    events: tuple[JSONDict, ...] = ()
    """Of an answer that is streamed."""


@dataclass(slots=True)
class _Order:
    sound: bytes
    body: JSONDict
    asked: int = 0


_uploads: OrderedDict[str, bytes] = OrderedDict()
_orders: OrderedDict[str, _Order] = OrderedDict()


def model_of(ending: str, body: bytes, headers: dict[str, str], query: str) -> str:
    """Raise `BadRequest`."""
    if ending == "/listen":
        return parse_qs(query).get("model", ["base"])[0]
    if ending in FORMS:
        return str(_form(body, headers)[0].get("model") or "")
    if ending == "/audio/speech":
        return str(_json(body).get("model") or "")
    if ending == "/transcript":
        models = _json(body).get("speech_models") or [""]
        return str(models[0]) if isinstance(models, list) else ""
    return ""


def answer(ending: str, body: bytes, headers: dict[str, str], query: str) -> Said:
    """Raise `BadRequest`."""
    if ending == "/listen":
        return _as_json(_listen(body, parse_qs(query)))
    if ending in FORMS:
        return _transcribe(*_form(body, headers))
    if ending == "/audio/speech":
        return _speak(_json(body))
    if ending == "/upload":
        name = secrets.token_hex(8)
        _keep(_uploads, name, body)
        return _as_json({"upload_url": f"https://cdn.assemblyai.com/upload/{name}"})
    wanted = _json(body)
    sound = _uploads.get(str(wanted.get("audio_url")).rpartition("/")[2])
    if sound is None or not wanted.get("speech_models"):
        raise BadRequest("Invalid audio_url or speech_models", "audio_url")
    name = secrets.token_hex(8)
    _keep(_orders, name, _Order(sound, wanted))
    return _as_json({"id": name, "status": "queued"})


def ordered(name: str) -> Said | None:
    """How an order of AssemblyAI's stands. None: there is none."""
    order = _orders.get(name)
    if order is None:
        return None
    order.asked += 1
    if order.asked <= POLLS:
        return _as_json({"id": name, "status": "processing"})
    if order.sound.startswith(b"not sound"):
        return _as_json({"id": name, "status": "error", "error": "File does not appear to contain audio"})
    words = [
        {"text": word, "start": round(start * 1000), "end": round(end * 1000), "confidence": 0.99}
        for word, start, end in _words(order.sound)
    ]
    return _as_json(
        {
            "id": name,
            "status": "completed",
            "text": _sentence(order.sound),
            "words": words,
            "audio_duration": max(1, round(_seconds(order.sound))),
            "language_code": order.body.get("language_code") or "en_us",
        }
    )


def _speak(body: JSONDict) -> Said:
    if not isinstance(body.get("input"), str) or not body.get("voice"):
        raise BadRequest("'input' and 'voice' are required.", "voice")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(round(len(body["input"].split()) * WORD_S * 8000) * 2))
    return Said("audio/wav", file.getvalue())


def _listen(sound: bytes, query: dict[str, list[str]]) -> JSONDict:
    if not sound or sound.startswith(b"not sound"):
        raise BadRequest("Bad Request: failed to process audio: corrupt or unsupported data")
    words = [
        {
            "word": word.lower().strip("."),
            "punctuated_word": word,
            "start": start,
            "end": end,
            "confidence": 0.9,
        }
        for word, start, end in _words(sound)
    ]
    said = {"transcript": _sentence(sound), "confidence": 0.98, "words": words}
    results: JSONDict = {"channels": [{"alternatives": [said]}]}
    if query.get("detect_language") == ["true"]:
        results["channels"][0]["detected_language"] = "en"
    if query.get("language") == ["multi"]:
        said["languages"] = ["en"]
    if query.get("utterances") == ["true"]:
        times = {"start": words[0]["start"], "end": words[-1]["end"], "confidence": 0.98, "channel": 0}
        results["utterances"] = [{**times, "transcript": said["transcript"]}]
    metadata = {"request_id": secrets.token_hex(8), "duration": _seconds(sound), "channels": 1}
    return {"metadata": metadata, "results": results}


def _transcribe(fields: JSONDict, sound: bytes) -> Said:
    shape, model = str(fields.get("response_format") or "json"), str(fields.get("model"))
    text, seconds = _sentence(sound), _seconds(sound)
    counts_tokens = "transcribe" in model
    if counts_tokens and shape not in ("json", "text"):
        raise BadRequest(
            f"response_format '{shape}' is not compatible with model '{model}'.", "response_format"
        )
    if shape == "text":
        return Said("text/plain; charset=utf-8", f"{text}\n".encode())
    usage: JSONDict = {"type": "duration", "seconds": -(-seconds // 1)}
    if counts_tokens:
        asked, made = round(seconds * 10) + 4, len(text.split())
        details = {"text_tokens": 4, "audio_tokens": asked - 4}
        usage = {"type": "tokens", "input_tokens": asked, "output_tokens": made, "total_tokens": asked + made}
        usage["input_token_details"] = details
    if counts_tokens and fields.get("stream") == "true":
        words: list[JSONDict] = [
            {"type": "transcript.text.delta", "delta": f" {word}" if number else word}
            for number, word in enumerate(text.split())
        ]
        done = {"type": "transcript.text.done", "text": text, "usage": usage}
        return Said("text/event-stream", b"", (*words, done))
    if shape == "json":
        return _as_json({"text": text, "usage": usage})
    if shape != "verbose_json":
        raise BadRequest(f"response_format '{shape}' is not supported.", "response_format")
    timed = _words(sound)
    segment = {
        "id": 0,
        "seek": 0,
        "start": timed[0][1],
        "end": timed[-1][2],
        "text": f" {text}",
        "tokens": [1],
    }
    segment |= {"temperature": 0, "avg_logprob": -0.2, "compression_ratio": 1.1, "no_speech_prob": 0.01}
    verbose = {"task": "transcribe", "language": "english", "duration": seconds, "text": text, "usage": usage}
    if "word" in fields.get("timestamp_granularities", ()):
        verbose["words"] = [{"word": word, "start": start, "end": end} for word, start, end in timed]
    return _as_json({**verbose, "segments": [segment]})


def _form(body: bytes, headers: dict[str, str]) -> tuple[JSONDict, bytes]:
    """Fields and file; also of OpenRouter's JSON. Raise `BadRequest`."""
    kind = headers.get("content-type", "")
    if kind.startswith("application/json"):
        fields = _json(body)
        try:
            return fields, base64.b64decode(fields["input_audio"]["data"], validate=True)
        except (KeyError, TypeError, binascii.Error):
            raise BadRequest("'input_audio' must have the sound as base64.", "input_audio") from None
    form = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body, policy=policy.HTTP)
    fields, sound = {}, b""
    for part in form.iter_parts() if form.is_multipart() else ():
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        if part.get_filename() is not None:
            sound = content if isinstance(content, bytes) else b""
        elif name.endswith("[]"):
            fields.setdefault(name[:-2], []).append(bytes(content or b"").decode())
        else:
            fields[name] = bytes(content or b"").decode()
    if not sound or not fields.get("model"):
        raise BadRequest("'file' and 'model' are required.", "file")
    return fields, sound


def _json(body: bytes) -> JSONDict:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise BadRequest("The body of your request must be a JSON object.")
    return value


def _as_json(value: JSONDict) -> Said:
    return Said("application/json", json.dumps(value).encode())


def _keep(kept: OrderedDict[str, Any], name: str, value: Any) -> None:
    kept[name] = value
    while len(kept) > KEPT:
        kept.popitem(last=False)


def _seconds(sound: bytes) -> float:
    try:
        with wave.open(io.BytesIO(sound)) as file:
            return float(round(file.getnframes() / file.getframerate(), 3))
    except (wave.Error, EOFError, ZeroDivisionError):
        return round(len(sound) / BYTES_PER_SECOND, 3)


def _sentence(sound: bytes) -> str:
    return f"You sent {len(sound)} bytes of sound."


def _words(sound: bytes) -> list[tuple[str, float, float]]:
    return [
        (word, round(number * WORD_S, 2), round((number + 1) * WORD_S, 2))
        for number, word in enumerate(_sentence(sound).split())
    ]
