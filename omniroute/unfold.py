"""The admin's look and navigation."""

from __future__ import annotations

from typing import Any

UNFOLD: dict[str, Any] = {"SITE_TITLE": "OmniRoute", "SITE_HEADER": "OmniRoute"}
