"""Qwen Code's day, which its vendor never told of. Days end at midnight in Beijing.

Source: docs/protocol-notes.md, Qwen Code.
"""

from __future__ import annotations

from providers.quotas.base import QuotaSource, registry
from providers.quotas.counted import Counted


class Qwen(QuotaSource):
    asks = False
    counted = (Counted("daily", "Day", "daily", 1000, utc_offset_h=8),)


registry.register("qwen")(Qwen())
