"""What a request may ask the simulator to do wrong, and the words for it (docs/simulator.md lists them)."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any


class UnknownBehavior(ValueError):
    """A word that the simulator does not know. A typo must not pass for good behaviour."""


@dataclass(frozen=True, slots=True)
class Behavior:
    """Counts are content events, times are milliseconds. The default is a provider in good health."""

    status: int | None = None
    retry_after: int | None = None
    retry_as_date: bool = False
    html: bool = False
    error_in_200: bool = False
    empty: bool = False
    malformed: bool = False
    hang: bool = False
    cut_after: int | None = None
    """Connection closed in the middle of the body."""
    end_after: int | None = None
    """Body ended properly, answer unfinished."""
    stall_after: int | None = None
    error_after: int | None = None
    """An error event inside of the stream."""
    delay_ms: int = 0
    first_ms: int = 0
    """Between the response's headers and its first content event."""
    events: int | None = None
    interval_ms: int = 0
    split: int | None = None
    """Bytes per write."""
    comments: bool = False
    gzip: bool = False
    json_to_stream: bool = False
    sse_to_plain: bool = False
    think: bool = False
    refuse: bool = False
    no_usage: bool = False
    no_done: bool = False
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int = 0
    chaos: bool = False
    """Another fault with every request."""

    def and_then(self, other: Behavior) -> Behavior:
        """Both together; where they differ, `other` wins."""
        changed = {
            field.name: value
            for field in fields(other)
            if (value := getattr(other, field.name)) != field.default
        }
        return replace(self, **changed)


_Values = Callable[[re.Match[str]], dict[str, Any]]


def _number(name: str) -> _Values:
    return lambda found: {name: int(found[1])}


def _flag(**values: Any) -> _Values:
    return lambda found: values


def _refusal(found: re.Match[str]) -> dict[str, Any]:
    seconds = int(found[2]) if found[2] else None
    return {"status": int(found[1]), "retry_after": seconds, "retry_as_date": bool(found[3])}


_WORDS: dict[str, tuple[str, _Values]] = {
    "ok": ("ok", _flag()),
    "STATUS[-retrySECONDS[-date]]": (r"([45]\d\d)(?:-retry(\d+)(-date)?)?", _refusal),
    "htmlSTATUS": (r"html([45]\d\d)", lambda found: {"status": int(found[1]), "html": True}),
    "error200": ("error200", _flag(error_in_200=True)),
    "empty": ("empty", _flag(empty=True)),
    "malformed": ("malformed", _flag(malformed=True)),
    "hang": ("hang", _flag(hang=True)),
    "cutN": (r"cut(\d+)", _number("cut_after")),
    "endN": (r"end(\d+)", _number("end_after")),
    "stallN": (r"stall(\d+)", _number("stall_after")),
    "inbandN": (r"inband(\d+)", _number("error_after")),
    "slowMS": (r"slow(\d+)", _number("delay_ms")),
    "firstMS": (r"first(\d+)", _number("first_ms")),
    "nN": (r"n(\d+)", _number("events")),
    "iMS": (r"i(\d+)", _number("interval_ms")),
    "nN-iMS": (r"n(\d+)-i(\d+)", lambda found: {"events": int(found[1]), "interval_ms": int(found[2])}),
    "splitN": (r"split([1-9]\d*)", _number("split")),
    "comments": ("comments", _flag(comments=True)),
    "gzip": ("gzip", _flag(gzip=True)),
    "json-to-stream": ("json-to-stream", _flag(json_to_stream=True)),
    "sse-to-plain": ("sse-to-plain", _flag(sse_to_plain=True)),
    "think": ("think", _flag(think=True)),
    "refuse": ("refuse", _flag(refuse=True)),
    "nousage": ("nousage", _flag(no_usage=True)),
    "nodone": ("nodone", _flag(no_done=True)),
    "inN": (r"in(\d+)", _number("input_tokens")),
    "outN": (r"out(\d+)", _number("output_tokens")),
    "cachedN": (r"cached(\d+)", _number("cached_tokens")),
    "chaos": ("chaos", _flag(chaos=True)),
}
"""By how a person would write it: the pattern, and what it sets."""


FAULTS = (
    *(
        "400",
        "401",
        "402",
        "403",
        "404",
        "408",
        "413",
        "422",
        "429",
        "429-retry1",
        "429-retry1-date",
        "500",
        "501",
    ),
    *(
        "502",
        "503",
        "504",
        "524",
        "529",
        "html502",
        "html503",
        "error200",
        "empty",
        "malformed",
        "hang",
        "slow3000",
    ),
    *(
        "first3000",
        "cut0",
        "cut1",
        "cut3",
        "end0",
        "end1",
        "end3",
        "stall0",
        "stall1",
        "stall3",
        "inband0",
        "inband1",
    ),
    *(
        "inband3",
        "429+gzip",
        "cut0+gzip",
        "malformed+comments",
        "sse-to-plain+cut0",
        "json-to-stream+malformed",
    ),
)
HARMLESS = (
    *(
        "ok",
        "slow50",
        "first50",
        "n40-i1",
        "split5",
        "comments",
        "gzip",
        "json-to-stream",
        "sse-to-plain",
        "nousage",
    ),
    *("nodone", "think", "refuse", "in1000+out500+cached300"),
)


def of_chaos() -> Behavior:
    """Two requests of three fail, in one way or another; the rest is answered oddly."""
    return parse(random.choice(FAULTS if random.random() < 2 / 3 else HARMLESS))  # noqa: S311


def parse(text: str) -> Behavior:
    """Words joined by `+`, each with or without the prefix `sim-`: `429-retry7`, `sim-slow500+cut3`.

    Raise `UnknownBehavior`, naming the word.
    """
    behavior = Behavior()
    for word in text.split("+"):
        behavior = behavior.and_then(_parse_word(word.strip().removeprefix("sim-")))
    return behavior


def of_model(model: str) -> Behavior:
    """A model name asks for something when its last segment begins with `sim-`."""
    name = model.rpartition("/")[2]
    return parse(name) if name.startswith("sim-") else Behavior()


def of_key(key: str) -> Behavior:
    """An API key may ask for something in the same words; any other key is just a key."""
    try:
        return of_model(key)
    except UnknownBehavior:
        return Behavior()


def _parse_word(word: str) -> Behavior:
    for pattern, values in _WORDS.values():
        if found := re.fullmatch(pattern, word):
            return Behavior(**values(found))
    raise UnknownBehavior(f"The simulator knows no behaviour {word!r}. Known: {', '.join(_WORDS)}")
