"""Citations of Anthropic Messages. A text block is what its citations support; each says where in the source."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir
from gateway.wire.anthropic_messages.signatures import MARK
from omniroute.types import JSONDict

NAME = "anthropic_messages"
FOREIGN_INDEX = f"{MARK.decode()}citation"
"""In the place of `encrypted_index`: another vendor's source, which Anthropic would refuse when it comes back."""


def parse_citations(value: Any, length: int) -> list[ir.Citation]:
    """`length`: of the block's text."""
    cited = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    return [_parse(item, length) for item in cited]


def _parse(raw: JSONDict, length: int) -> ir.Citation:
    url = raw.get("url")
    if raw.get("type") == "search_result_location" and str(raw.get("source")).startswith("http"):
        url = raw["source"]
    title, quote = raw.get("title", raw.get("document_title")), raw.get("cited_text")
    return ir.Citation(
        url=url if isinstance(url, str) and url else None,
        title=title if isinstance(title, str) else None,
        start=0,
        end=length,
        quote=quote if isinstance(quote, str) and quote else None,
        extra={NAME: raw},
    )


def emit_citations(citations: list[ir.Citation]) -> list[JSONDict]:
    """Sources on the web. A document is named by its place in the request, which another vendor does not tell."""
    return [
        {
            "type": "web_search_result_location",
            "cited_text": citation.quote or "",
            "encrypted_index": FOREIGN_INDEX,
            "title": citation.title,
            "url": citation.url,
        }
        for citation in citations
        if citation.url and NAME not in citation.extra
    ]


def without_foreign(value: Any) -> Any:
    """`citations` of a block as Anthropic takes it."""
    if not isinstance(value, list):
        return value
    return [item for item in value if not is_foreign(item)]


def is_foreign(citation: Any) -> bool:
    return isinstance(citation, dict) and citation.get("encrypted_index") == FOREIGN_INDEX
