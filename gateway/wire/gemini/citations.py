"""Sources of a candidate: what Google grounded the answer on, and what the model recited.

Google counts a segment in bytes of UTF-8 within one part, the neutral form in characters of one text.
"""

from __future__ import annotations

from typing import Any

from gateway.wire import ir
from gateway.wire.gemini.fields import as_list, get
from omniroute.types import JSONDict

_KINDS = ("web", "retrievedContext", "maps")


def parse_citations(candidate: JSONDict, texts: dict[int, str]) -> dict[int, list[ir.Citation]]:
    """By part. `texts`: the candidate's texts by their place among its parts, thoughts aside."""
    found: dict[int, list[ir.Citation]] = {}
    if not texts:
        return found
    for number, citation in [*_grounding(candidate, texts), *_recited(candidate, texts)]:
        found.setdefault(number, []).append(citation)
    return found


def _grounding(candidate: JSONDict, texts: dict[int, str]) -> list[tuple[int, ir.Citation]]:
    metadata = get(candidate, "groundingMetadata")
    if not isinstance(metadata, dict):
        return []
    chunks = [_source(chunk) for chunk in as_list(get(metadata, "groundingChunks"))]
    named: set[int] = set()
    found: list[tuple[int, ir.Citation]] = []
    for support in as_list(get(metadata, "groundingSupports")):
        segment = get(support, "segment") if isinstance(support, dict) else None
        if not isinstance(segment, dict):
            continue
        part, start, end = _place(segment, texts)
        for number in as_list(get(support, "groundingChunkIndices")):
            source = chunks[number] if isinstance(number, int) and 0 <= number < len(chunks) else None
            if source is not None:
                named.add(number)
                found.append((part, ir.Citation(source.url, source.title, start, end, source.quote)))
    last = max(texts)
    unnamed = [source for number, source in enumerate(chunks) if source is not None and number not in named]
    return found + [(last, source) for source in unnamed]


def _source(chunk: Any) -> ir.Citation | None:
    for kind in _KINDS if isinstance(chunk, dict) else ():
        said = get(chunk, kind)
        if isinstance(said, dict):
            url, title, quote = (_word(said.get(name)) for name in ("uri", "title", "text"))
            return ir.Citation(url, title, quote=quote) if url or title else None
    return None


def _recited(candidate: JSONDict, texts: dict[int, str]) -> list[tuple[int, ir.Citation]]:
    metadata = get(candidate, "citationMetadata")
    if not isinstance(metadata, dict):
        return []
    found = []
    for raw in as_list(metadata.get("citations", get(metadata, "citationSources"))):
        url = _word(raw.get("uri")) if isinstance(raw, dict) else None
        if url is not None:
            part, start, end = _place(raw, texts)
            found.append((part, ir.Citation(url, _word(raw.get("title")), start, end)))
    return found


def _place(segment: JSONDict, texts: dict[int, str]) -> tuple[int, int | None, int | None]:
    """(part, start, end in characters). Without a text at the part that is named: the first that there is."""
    part = _number(get(segment, "partIndex"))
    if part not in texts:
        part = min(texts)
    content = texts[part].encode("utf-8", "surrogatepass")
    start, end = _number(get(segment, "startIndex")), _number(get(segment, "endIndex"))
    if not start <= end <= len(content) or end == 0:
        return part, None, None
    return part, _characters(content[:start]), _characters(content[:end])


def _characters(content: bytes) -> int:
    return len(content.decode("utf-8", "replace"))


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def emit_citations(cited: list[tuple[int, ir.Text]]) -> JSONDict | None:
    """`groundingMetadata` of texts, each with its place among the parts; None without a source."""
    chunks: list[JSONDict] = []
    supports: dict[tuple[int, int, int], JSONDict] = {}
    for part, text in cited:
        for citation in text.citations:
            if not (citation.url or citation.title):
                continue
            number = _chunk_number(chunks, citation)
            if citation.end is None or citation.start is None or not citation.end:
                continue
            key = part, citation.start, citation.end
            if key not in supports:
                supports[key] = {"segment": _segment(part, text.text, citation), "groundingChunkIndices": []}
            if number not in supports[key]["groundingChunkIndices"]:
                supports[key]["groundingChunkIndices"].append(number)
    if not chunks:
        return None
    metadata: JSONDict = {"groundingChunks": chunks}
    return {**metadata, "groundingSupports": list(supports.values())} if supports else metadata


def _chunk_number(chunks: list[JSONDict], citation: ir.Citation) -> int:
    said = {"uri": citation.url, "title": citation.title or citation.url}
    chunk = {"web": said} if citation.url else {"retrievedContext": {"title": citation.title}}
    if chunk not in chunks:
        chunks.append(chunk)
    return chunks.index(chunk)


def _segment(part: int, text: str, citation: ir.Citation) -> JSONDict:
    before, said = text[: citation.start], text[citation.start : citation.end]
    start = len(before.encode("utf-8", "surrogatepass"))
    segment: JSONDict = {"partIndex": part} if part else {}
    if start:
        segment["startIndex"] = start
    return {**segment, "endIndex": start + len(said.encode("utf-8", "surrogatepass")), "text": said}
