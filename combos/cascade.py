"""How a combo's targets are tried, and where that is said: the narrowest level that says something wins.

Built in <- combo defaults <- the provider's override <- the combo <- a combo inside of it, for its own targets.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class ComboSettings:
    """None: as the next wider level says. Times in seconds."""

    max_retries: int | None = None
    """Further tries of the same target after a passing failure."""
    retry_delay_s: float | None = None
    target_timeout_s: float | None = None
    """To the first content of a target's answer. None on every level: the gateway's own limits."""
    combo_timeout_s: float | None = None
    """To the first content of any target's."""
    concurrency: int | None = None
    """Requests that one target works on at the same time; 0: no limit."""
    queue_timeout_s: float | None = None
    """How long a request waits for its turn at a busy target, before the next one is asked."""
    queue_depth: int | None = None
    """How many may wait."""
    hedge: str | None = None
    """`off`; `after`: a target that sent nothing for `hedge_after_s` gets company; `p95`: after its own recent one."""
    hedge_after_s: float | None = None
    max_hedges: int | None = None
    """How many targets may run beside the first one."""

    def over(self, wider: ComboSettings) -> ComboSettings:
        """What this level leaves open, taken from the wider one."""
        return ComboSettings(
            *(
                getattr(wider, name) if (value := getattr(self, name)) is None else value
                for name in SETTING_NAMES
            )
        )

    def said(self) -> dict[str, Any]:
        """What this level says itself."""
        return {name: value for name in SETTING_NAMES if (value := getattr(self, name)) is not None}


SETTING_NAMES = tuple(field.name for field in fields(ComboSettings))
HEDGES = (
    ("off", "Off"),
    ("after", "After a fixed time"),
    ("p95", "After the time that 95 of 100 recent answers stayed below"),
)
BUILT_IN = ComboSettings(
    max_retries=0,
    retry_delay_s=2.0,
    combo_timeout_s=600.0,
    concurrency=0,
    queue_timeout_s=30.0,
    queue_depth=20,
    hedge="off",
    hedge_after_s=5.0,
    max_hedges=1,
)
"""One after the other, without repeating (docs/decisions.md)."""
NOTHING_SAID = ComboSettings()
