"""What a translation left out or changed, in words: where, what, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from gateway.passage.other_format import OtherFormat
from gateway.translator.losses import Losses, Translate
from gateway.wire import ir, json
from gateway.wire.base import WireFormat

MAX_CHANGES = 80
What = Literal["left out", "without effect", "changed", "added"]
"""Left out: knowingly, as the request's log says it too. Without effect: the outcome is the same without it."""


@dataclass(frozen=True, slots=True)
class Change:
    path: str
    what: What
    why: str


def of_passage(way: OtherFormat) -> list[Change]:
    """Between the client's request and the body in the provider's format."""
    found = [*_dropped(way), *_renamed_tools(way), *_renamed_parameters(way), *_mended(way)]
    told = {change.path for change in found}
    rest = idle(json.decode_all(dict(way.inbound.fields)), _again(way), way.client, way.provider)
    return unique([*found, *(change for change in rest if change.path not in told)])


def _again(way: OtherFormat) -> Translate:
    def translate(body: Any) -> Any:
        return OtherFormat(replace(way.ends, inbound=replace(way.inbound, fields=body))).fields()

    return translate


def _dropped(way: OtherFormat) -> Iterator[Change]:
    for name in way.dropped:
        if name in way.inbound.fields and name not in way.client.understood:
            why = f"it belongs to {way.client.label} alone, and no other format is known to have it"
        else:
            why = f"{way.provider.label} has no words for it"
        yield Change(name, "left out", why)


def _renamed_tools(way: OtherFormat) -> Iterator[Change]:
    for place, (before, after) in enumerate(zip(way.request.tools, way.adapted.tools, strict=False)):
        if before.name != after.name:
            why = f"{way.provider.label} does not take the name {before.name!r}; the answer gets it back"
            yield Change(f"tools[{place}].name", "changed", f"{after.name!r}: {why}")
        if before.kind != after.kind:
            why = f"a tool of free text becomes a function: {way.provider.label} knows no others"
            yield Change(f"tools[{place}]", "changed", why)
    offered = len(way.request.tools) - len(way.adapted.tools)
    if offered > 0:
        yield Change("tools", "left out", f"{offered} with the name of another one")


def _renamed_parameters(way: OtherFormat) -> Iterator[Change]:
    if way.parameters is not None:
        yield Change(
            "tools.*.parameters",
            "changed",
            "names of parameters that Claude refuses; the answer gets them back",
        )


def _mended(way: OtherFormat) -> Iterator[Change]:
    """What `history.repair` did, as far as it shows from outside."""
    before, after, label = way.request, way.adapted, way.provider.label
    if len(after.system) > len(before.system):
        yield Change(
            "messages", "changed", f"later instructions moved up to the system's, as {label} wants it"
        )
    turns = len(before.messages) - len(after.messages)
    if turns > 0:
        yield Change(
            "messages", "changed", f"{turns} turns became part of their neighbours, as {label} wants it"
        )
    if turns < 0:
        yield Change(
            "messages", "added", f"{-turns} turns that {label} needs: a first turn, or results of calls"
        )
    known, sent = _call_ids(before), _call_ids(after)
    if changed := len(known - sent):
        yield Change(
            "messages.*.tool calls", "changed", f"{changed} ids that {label} would not take, or repeated"
        )


def _call_ids(request: ir.Request) -> set[str]:
    return {part.id for turn in request.messages for part in turn.parts if isinstance(part, ir.ToolCall)}


def idle(body: Any, translate: Translate, source: WireFormat, target: WireFormat) -> list[Change]:
    """Fields of the source's body that make no difference in the target's."""
    if source.name == target.name:
        return []
    losses = Losses(body, translate)
    why = f"{target.label} or the model has no place for it, or does so anyway"
    found = [Change(path, "without effect", why) for path in losses.paths]
    if not losses.is_complete:
        found.append(
            Change("", "without effect", "there may be more: the body has too many fields to try each")
        )
    return found


def unknown_parts(reply: ir.Response, source: WireFormat, target: WireFormat) -> list[Change]:
    """Parts that only one vendor has."""
    return [
        Change(
            f"candidates[{number}].parts[{place}]",
            "left out",
            f"{part.type!r}: only {source.label} has such a part",
        )
        for number, candidate in enumerate(reply.candidates)
        for place, part in enumerate(candidate.parts)
        if isinstance(part, ir.Unknown) and part.format != target.name
    ]


def between(before: Any, after: Any, why: str, path: str = "") -> list[Change]:
    """Where two JSON values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        found = []
        for name in dict.fromkeys([*before, *after]):
            place = f"{path}.{name}" if path else str(name)
            if name not in after:
                found.append(Change(place, "left out", why))
            elif name not in before:
                found.append(Change(place, "added", why))
            else:
                found += between(before[name], after[name], why, place)
        return found
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [each for index, (old, new) in pairs for each in between(old, new, why, f"{path}[{index}]")]
    return [] if before == after else [Change(path, "changed", why)]


def unique(changes: list[Change]) -> list[Change]:
    """Each once, and not more than anybody reads."""
    return list(dict.fromkeys(changes))[:MAX_CHANGES]
