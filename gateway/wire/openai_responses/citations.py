"""Annotations of a text: the citations among them, into neutral ones and back."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir
from gateway.wire.openai_chat import citations as chat
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


def cite(parts: list[ir.Part], sources: list[ir.Citation]) -> None:
    """Give the last text the sources, where no text names any: xAI's are in a list of their own then."""
    texts = [part for part in parts if isinstance(part, ir.Text)]
    if sources and texts and not any(text.citations for text in texts):
        texts[-1].citations = chat.place(sources, texts[-1].text)


def sources_of(response: JSONDict) -> list[ir.Citation]:
    """What a response lists as a whole, else what its searches found."""
    listed = chat.sources_of(response)
    output = response.get("output")
    items = output if isinstance(output, list) and not listed else []
    return listed or unique([source for item in items if isinstance(item, dict) for source in found_by(item)])


def found_by(item: JSONDict) -> list[ir.Citation]:
    """Of a web search's item. OpenAI names its sources only to who asks for them."""
    action = item.get("action") if item.get("type") == "web_search_call" else None
    found = action.get("sources") if isinstance(action, dict) else None
    return chat.sources_of({"citations": found})


def unique(sources: list[ir.Citation]) -> list[ir.Citation]:
    return list({source.url: source for source in sources}.values())


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
