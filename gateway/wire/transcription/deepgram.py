"""Deepgram's `listen`: the sound is the body, everything else is the query (https://developers.deepgram.com)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.wire.transcription.transcript import Segment, Transcript, Word, by_pauses
from gateway.wire.transcription.wish import TIMED, Wish
from omniroute.errors import UpstreamBroken, UpstreamRefused
from omniroute.types import JSONDict

PASSED = frozenset({
    "diarize", "dictation", "filler_words", "keyterm", "keywords", "measurements", "mip_opt_out", "multichannel",
    "numerals", "paragraphs", "profanity_filter", "punctuate", "redact", "replace", "search", "smart_format", "tag",
    "utt_split", "utterances", "version",
})  # fmt: skip
"""Options of its own that a client may put into the form."""


def query(wish: Wish, model: str) -> list[tuple[str, str]]:
    options: dict[str, Any] = {"model": model, "smart_format": "true", "punctuate": "true"}
    if wish.language:
        options["language"] = wish.language
    elif model.startswith("nova-3"):
        options["language"] = "multi"
    else:
        options["detect_language"] = "true"
    if wish.shape in TIMED:
        options["utterances"] = "true"
    options |= {name: value for name, value in (wish.extra or {}).items() if name in PASSED}
    return [
        (name, str(item))
        for name, value in options.items()
        for item in (value if isinstance(value, list) else [value])
    ]


def parse(value: JSONDict) -> Transcript:
    """Raise `UpstreamBroken` for anything but a transcript."""
    results, metadata = value.get("results"), value.get("metadata")
    channels = list(_dicts(results.get("channels"))) if isinstance(results, dict) else []
    if not isinstance(results, dict) or not isinstance(metadata, dict) or not channels:
        raise UpstreamBroken("The provider's answer has no transcript")
    best = [next(_dicts(channel.get("alternatives")), {}) for channel in channels]
    words = [word for alternative in best for word in _words(alternative)]
    if len(channels) > 1:
        words.sort(key=lambda word: word.start)
    spoken = [_segment(each) for each in _dicts(results.get("utterances"))]
    return Transcript(
        text="\n".join(filter(None, (str(each.get("transcript") or "") for each in best))),
        duration=_number(metadata.get("duration")),
        language=_language(channels[0], best[0]),
        segments=spoken or by_pauses(words),
        words=words,
    )


def _words(alternative: Mapping[str, Any]) -> Iterator[Word]:
    for each in _dicts(alternative.get("words")):
        text = str(each.get("punctuated_word") or each.get("word") or "")
        yield Word(text, _number(each.get("start")), _number(each.get("end")))


def _segment(utterance: JSONDict) -> Segment:
    confidence = utterance.get("confidence")
    return Segment(
        str(utterance.get("transcript") or ""),
        _number(utterance.get("start")),
        _number(utterance.get("end")),
        confidence if isinstance(confidence, float) and 0 < confidence <= 1 else None,
    )


def _language(channel: JSONDict, alternative: Mapping[str, Any]) -> str:
    several = alternative.get("languages")
    first = several[0] if isinstance(several, list) and several else ""
    return str(channel.get("detected_language") or first or "")


def parse_error(status: int, body: JSONDict) -> UpstreamRefused | None:
    """`{err_code, err_msg, request_id}`; None for anything else."""
    said = body.get("err_msg") or body.get("details")
    code = body.get("err_code") or body.get("category")
    if not isinstance(said, str):
        return None
    return UpstreamRefused(said[:2000], status=status, code=str(code).lower() if code else None)


def _dicts(value: Any) -> Iterator[JSONDict]:
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else iter(())


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
