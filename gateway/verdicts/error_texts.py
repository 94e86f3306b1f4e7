"""Answers that are errors in disguise: what the administrator knows some provider to say instead of an answer.

An answer that begins with such a text counts as a failure. Of a stream, only as much is held back as still looks like
the beginning of one; so an ordinary answer is never late.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from omniroute.errors import UpstreamBroken

_SAID = re.compile(rb'"(?:content|text|delta)"\s*:\s*"((?:[^"\\]|\\.)*)"')
"""What is said, in any of the wire formats: whole answers and events alike."""
_LOOKED_AT = 1 << 16


def check(body: bytes, texts: Sequence[str]) -> bool:
    """Whether more of the answer has to be seen: not where it begins with something else than words, such as a model's
    reasoning or a call. `texts` are case-folded. Raise `UpstreamBroken` for one of them."""
    said = _said(body)
    begins = said.lstrip().casefold()
    for text in texts:
        if begins.startswith(text):
            raise UpstreamBroken(
                f"The provider answered with an error: {said.lstrip()[:200]!r}", code="error_text"
            )
    return bool(said) and any(text.startswith(begins) for text in texts)


def _said(body: bytes) -> str:
    return "".join(map(_decoded, _SAID.findall(body, 0, _LOOKED_AT)))


def _decoded(part: bytes) -> str:
    try:
        return str(json.loads(b'"' + part + b'"'))
    except ValueError:
        return part.decode("utf-8", "replace")
