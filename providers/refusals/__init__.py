"""A provider's refusal of a request, read for what would make the request acceptable.

A table, read from top to bottom; the first rule that yields a remedy wins. The wordings are those of
docs/protocol-notes.md, Parameters and Thinking, and of vendors' and servers' issue trackers. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from omniroute.errors import UpstreamRefused
from omniroute.types import JSONDict
from providers.refusals.habits import HABITS, wording
from providers.refusals.limits import bounds_in, words_in
from providers.refusals.places import may_go, place_of, value_at
from providers.refusals.remedies import EFFORTS, Remedy
from resilience.classify import classify

STATUSES = (400, 422)
_OTHER_TROUBLE = frozenset({"context_length", "billing", "rate_limited", "auth"})
_RAW_LIMIT = 20_000

_NAME = r"[`'\"“]?[A-Za-z_$][\w$.\[\]/-]*[`'\"”]?"
_NAMES = rf"(?P<names>{_NAME}(?:\s*(?:,|and|or)\s*{_NAME})*)"
_PHRASE = r"(?P<names>[`'\"]?[A-Za-z_][\w .\[\]/-]{0,60}?[`'\"]?)"
_UNSUPPORTED = (
    r"(?:not (?:supported|allowed|permitted|available|enabled|valid|accepted)"
    r"|unsupported|deprecated|unexpected)"
)


_UNWANTED: tuple[re.Pattern[str], ...] = tuple(
    wording(alternative)
    for alternative in (
        rf"only the default .{{0,20}} is supported|invalid (?P<names>{_NAME}): only \S+ is allowed",
        rf"unsupported (?:parameter|field|argument|option)(?:\(s\)|s)?:?\s*{_NAMES}",
        rf"(?:unrecognized|unknown|unexpected|invalid) (?:request )?(?:argument|key|field|property)s?(?:\(s\))?"
        rf"(?: (?:supplied|in object|provided|name))?:?\s*{_NAMES}",
        rf"(?:unrecognized|unknown|unexpected|extra) (?:parameter|name|input|attribute)s?:?\s*{_NAMES}",
        rf"unexpected keyword argument:? {_NAMES}",
        rf"argument not supported(?: on this model)?:\s*{_NAMES}",
        rf"additional propert(?:y|ies) (?:are not allowed \()?{_NAMES}",
        rf"property {_NAMES} (?:should not exist|is {_UNSUPPORTED})",
        rf"{_NAMES}: (?:extra inputs are not permitted|extra fields not permitted|not permitted|unknown field)",
        rf"(?:does not|doesn't|do not) support (?:the )?(?:parameter|field|option|argument)?(?:\(s\)|s)?:?\s*{_NAMES}",
        rf"{_PHRASE},?(?: (?:parameter|field|option|argument|value))? (?:is|are|was|were|has been)? ?{_UNSUPPORTED}",
    )
)
_AT = wording(
    r"\bat ['\"](?P<place>[\w.\[\]]+)['\"]", r"['\"](?P<place2>\w+[.\[]\d+[^'\"]*)['\"]\s*:\s*property"
)
_INSTEAD = wording(
    rf"(?P<old>{_NAME})(?:[^.]|\.(?! ))*[.,;]? (?:please )?use (?P<new>{_NAME}) instead",
    rf"(?P<old2>{_NAME})[^:]{{0,60}}moved to (?P<new2>{_NAME})",
)
_LOCATION = wording(r"['\"](?:loc|path)['\"]\s*:\s*[\[(](?P<steps>[^\])]*)[\])]")
_TOKEN = re.compile(r"[`'\"]?(?P<name>[A-Za-z_][\w.\[\]-]+)[`'\"]?")
_EXTRA = wording(r"extra_forbidden", r"extra (?:inputs|fields) (?:are )?not permitted")
_CONDITIONAL = wording(r"\b(?:when|while|unless|together|both|combin\w+|at the same time|if)\b")
_TOO_LONG = wording(r"string too long")
_UNSUPPORTED_ANYHOW = wording(
    _UNSUPPORTED, r"does not support", r"unknown", r"unrecognized", r"not permitted"
)
_UNSUPPORTED_CODES = frozenset(
    {"unsupported_parameter", "unknown_parameter", "unsupported_value", "extra_forbidden"}
)
_TOKEN_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens")
_WIDEST: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "topp": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "frequencypenalty": (-2, 2),
    "presencepenalty": (-2, 2),
}
"""What some vendor takes. A value beyond is the client's mistake, and it should hear of it."""
_EFFORTS_AT = ("reasoning_effort", "reasoning.effort", "output_config.effort", "thinkingLevel", "effort")
_RENAMED = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
"""Chat Completions: either name is better than no limit."""
_SPOKEN = {"penalty": ("frequencyPenalty", "presencePenalty"), "thinking": ("thinking", "thinkingConfig")}
"""What a word of a sentence stands for."""
_SPOKEN_OF = ("thinking budget", "thinking level", "reasoning effort")

_BAD_PROOF = wording(
    r"\bsignature\b",
    r"must start with a thinking block",
    r"expected `?thinking`? or `?redacted_thinking`?",
    r"(?:thinking|reasoning)[`' ]+(?:or `redacted_thinking` )?blocks? (?:in|are|is|cannot|must)",
    r"input tag '(?:redacted_)?thinking'",
    r"encrypted[_ ]content",
    r"without its required 'reasoning' item",
    r"item with id '?rs_\w+'? not found",
)
_MISSING_PROOF = wording(r"missing an? [`']?thought_?signature")
_BAD_GEMINI_PROOF = wording(r"thought[_ ]?signature")
_GEMINI_3 = re.compile(r"gemini-(?:[3-9]|\d\d)")


@dataclass(frozen=True, slots=True)
class Case:
    """A refusal in one of its wordings, and the request that it is about."""

    text: str
    param: str
    code: str
    body: JSONDict
    format: str
    model: str


Rule = Callable[[Case], list[Remedy]]


def remedies_for(error: UpstreamRefused, body: JSONDict, format: str, model: str) -> list[Remedy]:
    """What to change in `body`, which was sent in `format`. Empty: the refusal names nothing that may be changed."""
    if error.status not in STATUSES or classify(error).reason in _OTHER_TROUBLE:
        return []
    for text in _wordings(error):
        case = Case(text, error.param or "", error.code or "", body, format, model)
        for rule in RULES:
            found = rule(case)
            if found:
                passing = _CONDITIONAL.search(text) is not None
                return [replace(one, lasting=False) if passing else one for one in found]
    return []


def _wordings(error: UpstreamRefused) -> Iterator[str]:
    """The message; then the body as text, for a refusal that another gateway wrapped into its own."""
    yield error.message
    raw = error.body[:_RAW_LIMIT].decode("utf-8", "replace")
    if raw:
        yield raw.replace("\\n", " ").replace("\\", "")


# ---- Thoughts ----------------------------------------------------------------------------------------------


def _past_thinking(case: Case) -> list[Remedy]:
    """Proofs of thoughts that this provider does not accept: of another vendor, cut, or out of place."""
    if case.format == "gemini":
        if _MISSING_PROOF.search(case.text):
            return (
                [Remedy("edit", "skipped_signatures", lasting=False)] if _GEMINI_3.search(case.model) else []
            )
        if not _BAD_GEMINI_PROOF.search(case.text):
            return []
    elif not (_BAD_PROOF.search(case.text) or case.code == "invalid_encrypted_content"):
        return []
    bare = [Remedy("edit", f"no_past_thinking_{case.format}", lasting=False)]
    if case.format == "gemini" and _GEMINI_3.search(case.model):
        bare.append(Remedy("edit", "skipped_signatures", lasting=False))
    return bare


def _habits(case: Case) -> list[Remedy]:
    """Refusals that speak of no one parameter."""
    return next(
        (
            [remedy]
            for format, pattern, remedy in HABITS
            if format == case.format and pattern.search(case.text) is not None
        ),
        [],
    )


# ---- One parameter -----------------------------------------------------------------------------------------


def _rename(case: Case) -> list[Remedy]:
    found = _INSTEAD.search(case.text)
    if found is None:
        return []
    old, new = ((found[name] or found[f"{name}2"]).strip("`'\"“”. ") for name in ("old", "new"))
    named = [case.param, old] if case.param else [old, *_tokens(case.text[: found.end()])]
    place = next((place for name in named if (place := place_of(case.body, name))), None)
    if place is None or "." in place or new == place or not may_go(place) or not may_go(new):
        return []
    return [Remedy("rename", place, new)] if re.fullmatch(r"\w+(\.\w+)?", new) else []


def _one_of(case: Case) -> list[Remedy]:
    """An effort that the model does not know; any other word it does not know is left out."""
    words = words_in(case.text)
    if words is None:
        return []
    for name in (*_named(case), *_EFFORTS_AT):
        place = place_of(case.body, name)
        given = value_at(case.body, place) if place else None
        if place is None or not isinstance(given, str) or given in words or not may_go(place):
            continue
        if given in EFFORTS and any(word in EFFORTS for word in words):
            return [Remedy("one_of", place, words)]
        if given.lower() in case.text.lower() and name not in _EFFORTS_AT:
            return [Remedy("drop", place)]
    return []


def _clamp(case: Case) -> list[Remedy]:
    bounds = bounds_in(case.text)
    if bounds is None:
        return []
    low, high = bounds
    for name in (*_named(case), *_TOKEN_LIMITS):
        place = place_of(case.body, name)
        given = value_at(case.body, place) if place else None
        if place is None or isinstance(given, bool) or not isinstance(given, int | float):
            continue
        least, most = _WIDEST.get(place.rpartition(".")[2].lower(), (given, given))
        if not least <= given <= most:
            return []
        if (high is not None and given > high) or (low is not None and given < low):
            return [Remedy("clamp", place, [low, high])]
    return []


def _drop(case: Case) -> list[Remedy]:
    for pattern in _UNWANTED:
        for found in pattern.finditer(case.text):
            names = list(_listed(found.groupdict().get("names") or ""))
            at = _AT.search(case.text)
            outer = (at["place"] or at["place2"]) if at else ""
            if not names or case.param:
                names = [case.param, *names]
            dropped = _without(case, [f"{outer}.{name}" for name in names if outer and name] or names)
            dropped = dropped or _without(case, names)
            if dropped:
                return dropped
    return []


def _drop_located(case: Case) -> list[Remedy]:
    """FastAPI and Mistral: `{"type": "extra_forbidden", "loc": ["body", "messages", 2, "assistant", "name"]}`."""
    return _without(case, _locations(case.text)) if _EXTRA.search(case.text) else []


def _drop_named(case: Case) -> list[Remedy]:
    """The refusal's own `param`, where its text says no more than that it is not wanted."""
    if not case.param:
        return []
    if _TOO_LONG.search(case.text):
        return [replace(one, lasting=False) for one in _without(case, [case.param])]
    unwanted = case.code in _UNSUPPORTED_CODES or _UNSUPPORTED_ANYHOW.search(case.text)
    return _without(case, [case.param]) if unwanted else []


def _without(case: Case, names: list[str]) -> list[Remedy]:
    meant = [word for name in names for word in _SPOKEN.get(name.lower(), (name,))]
    places = [place for name in meant if (place := place_of(case.body, name)) and may_go(place)]
    return [_drop_or_rename(case, place) for place in dict.fromkeys(places)]


def _drop_or_rename(case: Case, place: str) -> Remedy:
    other = _RENAMED.get(place)
    if case.format == "openai_chat" and other and other not in case.body:
        return Remedy("rename", place, other)
    return Remedy("drop", place)


def _listed(names: str) -> Iterator[str]:
    """The names of a list; of a phrase without quotes, its last words too: `Presence penalty`."""
    for part in re.split(r"\s*,\s*|\s+(?:and|or)\s+", names):
        name = part.strip("`'\"“”. ")
        if " " not in name:
            yield name
            continue
        words = name.split()
        yield from ("_".join(words[-count:]) for count in (3, 2, 1) if count <= len(words))


def _named(case: Case) -> list[str]:
    """Everything that may be the name of a parameter, the surest first."""
    spoken = [name.replace(" ", "_") for name in _SPOKEN_OF if name in case.text.lower()]
    return [name for name in (case.param, *_locations(case.text), *spoken, *_tokens(case.text)) if name]


def _locations(text: str) -> list[str]:
    return [found["steps"].replace(",", ".") for found in _LOCATION.finditer(text)]


def _tokens(text: str) -> list[str]:
    return [found["name"].rstrip(".") for found in _TOKEN.finditer(text)]


RULES: tuple[Rule, ...] = (
    _past_thinking,
    _habits,
    _rename,
    _one_of,
    _clamp,
    _drop,
    _drop_located,
    _drop_named,
)
