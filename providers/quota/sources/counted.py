"""Windows that no vendor tells of: requests are counted here, against the allowance that the vendor once announced.

They are shown, and hold an account back only as far as its reserve says: the allowance may have changed since, and what
the vendor's own program used is not in the count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from providers.quota import Window


@dataclass(frozen=True, slots=True)
class Counted:
    key: str
    label: str
    kind: Literal["daily", "monthly"]
    limit: int
    """Requests."""
    utc_offset_h: int = 0
    """Of the clock by which days begin; months begin in UTC."""

    def begins(self, now: datetime) -> datetime:
        if self.kind == "monthly":
            return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        there = now + timedelta(hours=self.utc_offset_h)
        midnight = there.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - timedelta(hours=self.utc_offset_h)

    def ends(self, now: datetime) -> datetime:
        begun = self.begins(now)
        if self.kind == "daily":
            return begun + timedelta(days=1)
        return begun.replace(year=begun.year + begun.month // 12, month=begun.month % 12 + 1)

    def window(self, requests: int, now: datetime) -> Window:
        return Window(
            key=self.key,
            label=self.label,
            kind=self.kind,
            used_percent=min(100.0, requests / self.limit * 100),
            used=requests,
            limit=self.limit,
            remaining=max(0, self.limit - requests),
            resets_at=self.ends(now),
            source="counted",
            fetched_at=now,
        )
