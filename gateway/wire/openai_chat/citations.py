"""Sources of an answer: OpenAI's annotations, and the lists beside the choices of Perplexity and xAI."""

from __future__ import annotations

import re
from typing import Any

from gateway.wire import ir
from gateway.wire.openai_chat.keep import CHAT
from omniroute.types import JSONDict

LISTS = ("search_results", "citations")
"""Top-level fields, the fuller one first. Their order is what `[1]` in the text counts by."""
_MARKER = re.compile(r"\[(\d{1,3})\]")


def parse_annotations(value: Any) -> list[ir.Citation]:
    """OpenAI nests a `url_citation`; imitators send it flat."""
    cited = []
    for item in value if isinstance(value, list) else ():
        inner = item.get("url_citation", item) if isinstance(item, dict) else None
        if isinstance(inner, dict) and isinstance(inner.get("url"), str) and inner["url"]:
            quote = _word(inner.get("content"))
            start, end = _position(inner.get("start_index")), _position(inner.get("end_index"))
            cited.append(
                ir.Citation(inner["url"], _word(inner.get("title")), start, end, quote, {CHAT: item})
            )
    return cited


def sources_of(body: JSONDict) -> list[ir.Citation]:
    """Of a whole body or of a chunk, without places."""
    for name in LISTS:
        listed = body.get(name)
        found = [source for item in listed if (source := _source(item))] if isinstance(listed, list) else []
        if found:
            return found
    return []


def _source(item: Any) -> ir.Citation | None:
    if isinstance(item, str) and item:
        return ir.Citation(item)
    if isinstance(item, dict) and isinstance(item.get("url"), str) and item["url"]:
        return ir.Citation(item["url"], _word(item.get("title")), quote=_word(item.get("snippet")))
    return None


def place(sources: list[ir.Citation], text: str) -> list[ir.Citation]:
    """Where the text names them: one citation for each marker, and one without a place for each unnamed source."""
    placed: list[ir.Citation] = []
    named: set[int] = set()
    for marker in _MARKER.finditer(text):
        number = int(marker[1]) - 1
        if 0 <= number < len(sources):
            source = sources[number]
            named.add(number)
            placed.append(ir.Citation(source.url, source.title, marker.start(), marker.end(), source.quote))
    return placed + [source for number, source in enumerate(sources) if number not in named]


def emit_annotations(citations: list[ir.Citation], offset: int) -> list[JSONDict]:
    """Sources on the web. `offset`: of the citations' text in the whole content, which the places count in."""
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "url": citation.url,
                "title": citation.title or citation.url,
                "start_index": 0 if citation.start is None else offset + citation.start,
                "end_index": 0 if citation.end is None else offset + citation.end,
            },
        }
        for citation in citations
        if citation.url
    ]


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _position(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
