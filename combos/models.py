"""Combos and aliases: names of the user's own for models of any provider."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from combos.cascade import HEDGES, ComboSettings
from omniroute.singleton import Singleton
from providers import selection

NAME_VALIDATOR = RegexValidator(r"^[a-zA-Z0-9_/.-]+$", "Letters, digits, and _ / . - only.")


class TargetOptions(models.Model):
    """How targets are tried. Empty: as the next wider level says (`combos.cascade`)."""

    max_retries = models.PositiveSmallIntegerField(
        "retries",
        null=True,
        blank=True,
        validators=[MaxValueValidator(20)],
        help_text="Further tries of the same target after a passing failure, before the next target. "
        "0 moves on at once.",
    )
    retry_delay_ms = models.PositiveIntegerField(
        "retry delay (ms)", null=True, blank=True, validators=[MaxValueValidator(600_000)]
    )
    target_timeout_s = models.FloatField(
        "timeout per target (s)",
        null=True,
        blank=True,
        validators=[MinValueValidator(0.001), MaxValueValidator(86_400)],
        help_text="How long a target may take to its first event; then the next one is asked.",
    )
    concurrency_per_model = models.PositiveIntegerField(
        "requests at a time",
        null=True,
        blank=True,
        validators=[MaxValueValidator(100_000)],
        help_text="How many requests one target works on at the same time; further ones wait. 0: no limit.",
    )
    queue_timeout_ms = models.PositiveIntegerField(
        "longest wait (ms)",
        null=True,
        blank=True,
        validators=[MaxValueValidator(3_600_000)],
        help_text="How long a request waits for its turn at a busy target, before the next one is asked.",
    )
    queue_depth = models.PositiveIntegerField(
        "waiting requests",
        null=True,
        blank=True,
        validators=[MaxValueValidator(100_000)],
        help_text="How many may wait at a busy target; one more goes to the next target at once.",
    )
    hedge = models.CharField(
        "hedging",
        max_length=10,
        blank=True,
        default="",
        choices=HEDGES,
        help_text="Ask the next target beside one that has sent nothing for a while. The first to answer wins, "
        "the other one is cancelled; what it cost by then is spent.",
    )
    hedge_after_s = models.FloatField(
        "hedge after (s)",
        null=True,
        blank=True,
        validators=[MinValueValidator(0.001), MaxValueValidator(3600)],
        help_text="The fixed time; also used until there are enough recent answers.",
    )

    class Meta:
        abstract = True

    @property
    def combo_settings(self) -> ComboSettings:
        """What this level says."""
        return ComboSettings(
            max_retries=self.max_retries,
            retry_delay_s=_seconds(self.retry_delay_ms),
            target_timeout_s=self.target_timeout_s,
            combo_timeout_s=getattr(self, "combo_timeout_s", None),
            concurrency=self.concurrency_per_model,
            queue_timeout_s=_seconds(self.queue_timeout_ms),
            queue_depth=self.queue_depth,
            hedge=self.hedge or None,
            hedge_after_s=self.hedge_after_s,
        )


class ComboOptions(TargetOptions):
    """`TargetOptions`, and what concerns a combo as a whole."""

    combo_timeout_s = models.FloatField(
        "timeout of the whole combo (s)",
        null=True,
        blank=True,
        validators=[MinValueValidator(0.001), MaxValueValidator(86_400)],
        help_text="After this time without a first event, no further target is asked.",
    )

    class Meta:
        abstract = True


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


class Combo(ComboOptions):
    """An ordered group of models under one name, which clients use as the model."""

    name = models.CharField(
        max_length=120, unique=True, validators=[NAME_VALIDATOR], help_text="What clients send as the model."
    )
    description = models.CharField(max_length=300, blank=True, default="")
    strategy = models.CharField(
        max_length=30, default="priority", help_text="How the first target is chosen."
    )
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ComboTarget(models.Model):
    """One line of a combo: `provider/model`, or another combo's name."""

    combo = models.ForeignKey(Combo, on_delete=models.CASCADE, related_name="targets")
    position = models.PositiveIntegerField(default=0, db_index=True)
    model = models.CharField(max_length=250, help_text="provider/model, or the name of another combo.")
    weight = models.PositiveIntegerField(
        default=1, help_text="Share of the traffic, for the weighted strategy."
    )
    is_active = models.BooleanField("active", default=True)

    class Meta:
        ordering = ["position", "id"]
        verbose_name = "target"

    def __str__(self) -> str:
        return self.model


class ModelAlias(models.Model):
    """Another name for a model or combo. `*` stands for any characters, `?` for one; an exact name wins."""

    pattern = models.CharField(
        max_length=200, unique=True, help_text="A name, or a pattern such as claude-sonnet-*."
    )
    target = models.CharField(max_length=250, help_text="provider/model, or a combo's name.")
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pattern"]
        verbose_name = "model alias"
        verbose_name_plural = "model aliases"

    def __str__(self) -> str:
        return f"{self.pattern} → {self.target}"


def _check_strategy(name: str, *, allow_none: bool = False) -> None:
    """Raise `ValidationError`, naming the strategies that there are."""
    if name not in selection.registry and not (allow_none and not name):
        raise ValidationError({"account_strategy": f"One of: {', '.join(selection.registry)}."})


def _check_lines(field: str, value: object) -> None:
    if not isinstance(value, list) or not all(isinstance(line, str) and line for line in value):
        raise ValidationError({field: "Enter a list of texts."})


class FallbackChain(models.Model):
    """What is tried when everything that a request named has failed."""

    name = models.CharField(max_length=120, unique=True, help_text="How you tell it from the others.")
    model = models.CharField(
        max_length=250,
        blank=True,
        default="",
        help_text="Only for requests to this model, combo or alias. Empty: for every request.",
    )
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        verbose_name = "fallback chain"
        constraints = [
            models.UniqueConstraint(fields=["model"], condition=~models.Q(model=""), name="one_chain_a_model")
        ]

    def __str__(self) -> str:
        return self.name


class FallbackEntry(models.Model):
    """One line of a chain: `provider/model`, a combo, or a provider alone, which is asked for the same model."""

    chain = models.ForeignKey(FallbackChain, on_delete=models.CASCADE, related_name="entries")
    position = models.PositiveIntegerField(default=0, db_index=True)
    target = models.CharField(
        max_length=250, help_text="provider/model, a combo's name, or a provider: then for the same model."
    )
    is_active = models.BooleanField("active", default=True)

    class Meta:
        ordering = ["position", "id"]
        verbose_name = "fallback"

    def __str__(self) -> str:
        return self.target


class RoutingSettings(Singleton, ComboOptions):
    """How accounts are chosen, and how combos are tried where they say nothing themselves."""

    account_strategy = models.CharField(
        max_length=30, default="fill_first", help_text="How an account is chosen when a provider has several."
    )
    sticky_limit = models.PositiveIntegerField(
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
        help_text="Round robin: how many requests in a row an account gets.",
    )
    session_affinity = models.BooleanField(
        "keep conversations on their account",
        default=True,
        help_text="So that the provider's prompt cache keeps working. Under strategies that spread requests.",
    )
    affinity_minutes = models.PositiveIntegerField(
        "for how long (minutes)",
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(10_080)],
        help_text="After the last request of a conversation.",
    )
    error_texts = models.JSONField(
        default=list,
        blank=True,
        help_text="One a line. An answer that begins with such a text counts as a failure, and the next target is "
        "asked: for providers that send “out of credits” or “sign in” as if it were an answer.",
    )

    class Meta:
        verbose_name = "routing settings"
        verbose_name_plural = "routing settings"

    def __str__(self) -> str:
        return "Routing settings"

    def clean(self) -> None:
        _check_strategy(self.account_strategy)
        _check_lines("error_texts", self.error_texts)


class ProviderRouting(TargetOptions):
    """What is different for one provider."""

    provider = models.CharField(max_length=60, unique=True, help_text="Id of a built-in or custom provider.")
    account_strategy = models.CharField(
        max_length=30, blank=True, default="", help_text="How an account is chosen. Empty: as everywhere."
    )
    sticky_limit = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
        help_text="Round robin: how many requests in a row an account gets. Empty: as everywhere.",
    )
    is_blocked = models.BooleanField(
        "blocked", default=False, help_text="Nothing is sent there, and its models are not listed."
    )
    blocked_models = models.JSONField(
        default=list,
        blank=True,
        help_text="One a line, the provider's own ids or patterns such as gpt-4*. Nothing is sent to them.",
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["provider"]
        verbose_name = "provider rule"

    def __str__(self) -> str:
        return self.provider

    @property
    def has_routing(self) -> bool:
        """Says something beside `combo_settings`."""
        return bool(
            self.account_strategy or self.sticky_limit is not None or self.is_blocked or self.blocked_models
        )

    @property
    def says_something(self) -> bool:
        return self.has_routing or bool(self.combo_settings.said())

    def clean(self) -> None:
        _check_strategy(self.account_strategy, allow_none=True)
        _check_lines("blocked_models", self.blocked_models)
