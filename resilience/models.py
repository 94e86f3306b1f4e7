"""Settings of resilience and of access by address; and what of the processes' state survives a restart."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from omniroute.singleton import Singleton
from resilience.ip_filter import BLACKLIST, MODES, parse_address, parse_entry
from resilience.profiles import API_KEY, LOCAL, OAUTH, PROFILES, Profile

KINDS = {OAUTH: "Accounts signed in to", API_KEY: "Accounts with an API key", LOCAL: "Servers of your own"}


class ProviderProfile(models.Model):
    """How patient the gateway is with a provider. One for each kind of account, and one for every provider that
    needs its own."""

    name = models.CharField(
        "applies to",
        max_length=60,
        unique=True,
        help_text="oauth, apikey or local; or a provider's id, which then has a profile of its own.",
    )
    transient_cooldown_s = models.FloatField(
        "cooldown after trouble (s)",
        default=3,
        validators=[MinValueValidator(0), MaxValueValidator(3600)],
        help_text="How long an account is asked last after a timeout, a lost connection or a 5xx.",
    )
    rate_limit_cooldown_s = models.FloatField(
        "cooldown after a rate limit (s)",
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(86400)],
        help_text="Where the provider names no time of its own. 0: one second, doubled each time.",
    )
    max_backoff_level = models.PositiveSmallIntegerField(
        "doubled at most",
        default=5,
        validators=[MaxValueValidator(15)],
        help_text="How often that time doubles when the next request is limited again.",
    )
    breaker_failures = models.PositiveSmallIntegerField(
        "failures in a row",
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="So many open the provider's circuit: it is left alone.",
    )
    breaker_reset_s = models.FloatField(
        "circuit open for (s)",
        default=30,
        validators=[MinValueValidator(0.1), MaxValueValidator(86400)],
        help_text="Then one request tries whether the provider works again.",
    )
    throttle_below_percent = models.PositiveSmallIntegerField(
        "slow down below (%)",
        default=10,
        validators=[MaxValueValidator(50)],
        help_text="Accounts with rate limit protection slow down when less than this is left of a limit.",
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def as_profile(self) -> Profile:
        return Profile(
            self.name,
            self.transient_cooldown_s,
            self.rate_limit_cooldown_s,
            self.max_backoff_level,
            self.breaker_failures,
            self.breaker_reset_s,
            self.throttle_below_percent / 100,
        )

    @classmethod
    def of(cls, name: str, kind: str = API_KEY) -> ProviderProfile:
        """The row; before the first save that of the `kind`, or its defaults."""
        row = cls.objects.filter(name=name).first()
        if row is not None:
            return row
        profile = PROFILES.get(name)
        if profile is None:
            base = cls.objects.filter(name=kind).first()
            profile = base.as_profile() if base else PROFILES[kind]
        return cls(
            name=name,
            transient_cooldown_s=profile.transient_cooldown_s,
            rate_limit_cooldown_s=profile.rate_limit_cooldown_s,
            max_backoff_level=profile.max_backoff_level,
            breaker_failures=profile.breaker_failures,
            breaker_reset_s=profile.breaker_reset_s,
            throttle_below_percent=round(profile.throttle_below * 100),
        )


class RateLimitSettings(Singleton):
    """For accounts with rate limit protection that have no values of their own."""

    requests_per_minute = models.PositiveIntegerField(
        default=100, validators=[MaxValueValidator(1_000_000)], help_text="For each account. 0: no limit."
    )
    min_gap_ms = models.PositiveIntegerField(
        "time between requests (ms)",
        default=200,
        validators=[MaxValueValidator(3_600_000)],
        help_text="The least between two requests of an account.",
    )
    max_concurrent = models.PositiveIntegerField(
        "concurrent requests",
        default=10,
        validators=[MaxValueValidator(100_000)],
        help_text="At a time, for each account. 0: no limit.",
    )
    queue_size = models.PositiveIntegerField(
        default=100,
        validators=[MaxValueValidator(100_000)],
        help_text="So many requests may wait for an account; more fall back at once.",
    )
    queue_timeout_s = models.FloatField(
        "longest wait (s)",
        default=30,
        validators=[MinValueValidator(0), MaxValueValidator(600)],
        help_text="Then a waiting request falls back to the next account or target.",
    )

    class Meta:
        verbose_name = "rate limits"
        verbose_name_plural = "rate limits"


class IpRules(Singleton):
    """Which addresses may talk to the gateway."""

    enabled = models.BooleanField("filter addresses", default=False)
    mode = models.CharField(max_length=30, choices=list(MODES.items()), default=BLACKLIST)
    blacklist = models.JSONField(default=list, blank=True)
    whitelist = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name = "IP access"
        verbose_name_plural = "IP access"

    def clean(self) -> None:
        errors: dict[str, list[str]] = {}
        for name in ("blacklist", "whitelist"):
            entries = getattr(self, name)
            if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
                errors[name] = ["Enter addresses and ranges as texts."]
                continue
            for entry in entries:
                try:
                    parse_entry(entry)
                except ValueError as error:
                    errors.setdefault(name, []).append(f"{error}.")
        if errors:
            raise ValidationError(errors)


class TemporaryBan(models.Model):
    """An address that may not talk to the gateway for a while, whether addresses are filtered or not."""

    address = models.CharField(max_length=45, unique=True)
    until = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-until"]

    def __str__(self) -> str:
        return self.address

    @property
    def is_over(self) -> bool:
        return self.until <= timezone.now()

    def clean(self) -> None:
        address = parse_address(self.address.strip())
        if address is None:
            raise ValidationError({"address": "Enter one address."})
        self.address = str(address)


class StoredState(models.Model):
    """A value of a `Store`, as JSON: what the next process begins with."""

    in_backups = "never"

    store = models.CharField(max_length=30)
    key = models.CharField(max_length=400)
    value = models.TextField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "key"], name="one_stored_state")]

    def __str__(self) -> str:
        return f"{self.store} {self.key}"
