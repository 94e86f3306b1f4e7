"""Limits of an account that the gateway keeps by itself, opt-in."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.validators import MaxValueValidator
from django.db import models

from resilience.limits import Limits

LIMIT_FIELDS = ("rate_limit_protection", "requests_per_minute", "min_gap_ms", "max_concurrent")


@dataclass(frozen=True, slots=True)
class OwnLimits:
    """None: the system's default."""

    requests_per_minute: int | None = None
    min_gap_ms: int | None = None
    max_concurrent: int | None = None

    def over(self, default: Limits) -> Limits:
        rpm, gap, most = self.requests_per_minute, self.min_gap_ms, self.max_concurrent
        return Limits(
            default.requests_per_minute if rpm is None else rpm,
            default.min_gap_s if gap is None else gap / 1000,
            default.max_concurrent if most is None else most,
        )


class RateLimited(models.Model):
    rate_limit_protection = models.BooleanField(
        default=False,
        help_text="Keep the limits below, and slow down when the provider says that little is left: requests wait "
        "for their turn.",
    )
    requests_per_minute = models.PositiveIntegerField(
        null=True, blank=True, validators=[MaxValueValidator(1_000_000)], help_text="0: no limit."
    )
    min_gap_ms = models.PositiveIntegerField(
        "time between requests (ms)",
        null=True,
        blank=True,
        validators=[MaxValueValidator(3_600_000)],
    )
    max_concurrent = models.PositiveIntegerField(
        "concurrent requests",
        null=True,
        blank=True,
        validators=[MaxValueValidator(100_000)],
        help_text="0: no limit.",
    )

    class Meta:
        abstract = True

    @property
    def own_limits(self) -> OwnLimits | None:
        """None: not protected."""
        if not self.rate_limit_protection:
            return None
        return OwnLimits(self.requests_per_minute, self.min_gap_ms, self.max_concurrent)
