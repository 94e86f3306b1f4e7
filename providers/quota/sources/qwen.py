"""Qwen Code's day, which its vendor never told of. Days end at midnight in Beijing.

Source: docs/protocol-notes.md, Qwen Code.
"""

from __future__ import annotations

from providers.quota.sources.base import QuotaSource, registry
from providers.quota.sources.counted import Counted


class Qwen(QuotaSource):
    asks = False
    counted = (Counted("daily", "Day", "daily", 1000, utc_offset_h=8),)


registry.register("qwen")(Qwen())
