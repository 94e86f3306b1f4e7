"""JSON that a model put between Markdown fences although the client had asked for JSON alone.

Models that are asked in words do so now and then (docs/protocol-notes.md, Structured output). In a stream it stays.
"""

from __future__ import annotations

import re
from dataclasses import replace

from gateway.wire import ir

_FENCED = re.compile(r"\s*```(?:json|JSON)?[ \t]*\n(.*?)\n?```\s*", re.DOTALL)


def unfence(response: ir.Response, request: ir.Request) -> ir.Response:
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        return response
    candidates = [
        replace(candidate, parts=[_unfenced(part) for part in candidate.parts])
        for candidate in response.candidates
    ]
    return replace(response, candidates=candidates)


def _unfenced(part: ir.Part) -> ir.Part:
    if not isinstance(part, ir.Text):
        return part
    fenced = _FENCED.fullmatch(part.text)
    return replace(part, text=fenced[1], citations=[]) if fenced else part
