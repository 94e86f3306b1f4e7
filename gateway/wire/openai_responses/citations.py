"""Annotations of a text: the citations among them, into neutral ones and back."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir
from gateway.wire.openai_responses.fields import NAME
from omniroute.types import JSONDict


def parse_annotations(value: Any) -> list[ir.Citation]:
    cited = value if isinstance(value, list) else []
    return [_parse(item) for item in cited if isinstance(item, dict) and _is_citation(item)]


def _is_citation(annotation: JSONDict) -> bool:
    return annotation.get("type") in ("url_citation", "file_citation", "container_file_citation")


def _parse(raw: JSONDict) -> ir.Citation:
    url, title = raw.get("url"), raw.get("title", raw.get("filename"))
    return ir.Citation(
        url=url if isinstance(url, str) and url else None,
        title=title if isinstance(title, str) and title else None,
        start=_position(raw.get("start_index")),
        end=_position(raw.get("end_index")),
        extra={NAME: raw},
    )


def _position(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def emit_annotations(citations: list[ir.Citation]) -> list[JSONDict]:
    """Sources on the web: a file could only be named by an id at this vendor. All fields are required."""
    return [
        {
            "type": "url_citation",
            "url": citation.url,
            "title": citation.title or citation.url,
            "start_index": citation.start or 0,
            "end_index": citation.end or 0,
        }
        for citation in citations
        if citation.url
    ]
