"""AssemblyAI: upload, order a transcript, ask until it is there (https://www.assemblyai.com/docs)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.wire.transcription.transcript import Transcript, Word, by_pauses
from gateway.wire.transcription.wish import Wish
from omniroute.errors import UpstreamBroken, UpstreamRefused
from omniroute.types import JSONDict

PASSED = frozenset({
    "disfluencies", "domain", "filter_profanity", "keyterms_prompt", "multichannel", "redact_pii",
    "redact_pii_policies", "redact_pii_sub", "speaker_labels", "speakers_expected", "speech_threshold",
})  # fmt: skip
"""Options of its own that a client may put into the form."""
_PROMPTED = "universal-3"
"""Models that take a prompt."""
FIRST_WAIT_S, LAST_WAIT_S, FACTOR = 1.0, 5.0, 1.3


def order(wish: Wish, model: str, address: str) -> JSONDict:
    """The body that orders the transcript of what was uploaded to `address`."""
    body: JSONDict = {
        "audio_url": address,
        "speech_models": [model],
        "punctuate": True,
        "format_text": True,
    }
    if wish.language:
        body["language_code"] = wish.language.replace("-", "_").lower()
    else:
        body["language_detection"] = True
    if wish.prompt and model.startswith(_PROMPTED):
        body["prompt"] = wish.prompt
    return body | {name: _typed(value) for name, value in (wish.extra or {}).items() if name in PASSED}


def _typed(value: Any) -> Any:
    """A form knows only texts, this body also truth and numbers."""
    if value in ("true", "false"):
        return value == "true"
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 9 else value


def uploaded(value: JSONDict) -> str:
    """Where the sound is now. Raise `UpstreamBroken`."""
    return _text(value, "upload_url")


def ordered(value: JSONDict) -> str:
    """The transcript's id. Raise `UpstreamBroken`."""
    name = _text(value, "id")
    if not name.replace("-", "").replace("_", "").isalnum():
        raise UpstreamBroken("The provider's answer has an id that is none")
    return name


def is_ready(value: JSONDict) -> bool:
    """Raise `UpstreamRefused` where the transcript failed."""
    status = value.get("status")
    if status == "error":
        said = str(value.get("error") or "The provider could not transcribe this")
        raise UpstreamRefused(said[:2000], status=400, code="transcription_failed")
    if status not in ("queued", "processing", "completed"):
        raise UpstreamBroken("The provider's answer says nothing about the transcript's state")
    return bool(status == "completed")


def wait(asked: int) -> float:
    """Seconds to wait after `asked` questions."""
    return min(LAST_WAIT_S, FIRST_WAIT_S * FACTOR**asked)


def parse(value: JSONDict) -> Transcript:
    """A transcript that is ready. Its times are milliseconds."""
    words = [
        Word(str(each.get("text") or ""), _seconds(each.get("start")), _seconds(each.get("end")))
        for each in _dicts(value.get("words"))
    ]
    duration = value.get("audio_duration")
    return Transcript(
        text=str(value.get("text") or ""),
        duration=float(duration) if isinstance(duration, int | float) else 0.0,
        language=str(value.get("language_code") or ""),
        segments=by_pauses(words),
        words=words,
    )


def _text(value: JSONDict, name: str) -> str:
    found = value.get(name)
    if not isinstance(found, str) or not found:
        raise UpstreamBroken(f"The provider's answer has no {name!r}")
    return found


def _dicts(value: Any) -> Sequence[JSONDict]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _seconds(value: Any) -> float:
    return value / 1000 if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
