"""Reading pages in tests."""

from __future__ import annotations

import json
import re
from typing import Any


def only(pattern: str, html: str) -> str:
    """The first group of the first match, which there must be."""
    match = re.search(pattern, html, re.DOTALL)
    assert match, f"no {pattern!r} in the page"
    return match[1]


def json_script(name: str, html: str) -> Any:
    """The data of Django's `json_script`."""
    return json.loads(only(rf'id="{name}"[^>]*>(.*?)</script>', html))
