"""Rows about providers: accounts, custom nodes and models, learned quirks. Built-in providers are code (`catalog/`)."""

from __future__ import annotations

import uuid

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models

from omniroute.crypto import EncryptedTextField, Unreadable, mask
from providers import catalog
from providers.credentials import is_sendable
from providers.limit_fields import RateLimited
from providers.listing.models import ListedModel as ListedModel
from providers.listing.models import ModelSync as ModelSync
from providers.nodes import normalise_base_url
from providers.nodes.models import ProviderNode as ProviderNode
from providers.nodes.models import spec_of_node, validate_base_url
from providers.oauth.fields import SignedIn
from providers.oauth.fields import SignIn as SignIn
from providers.oauth.fields import SignInSettings as SignInSettings
from providers.proxies.models import ProxyRule as ProxyRule
from providers.quota.models import QuotaCheck as QuotaCheck
from providers.quota.models import QuotaWindow as QuotaWindow
from providers.refusals.remedies import Remedy
from providers.spec import ProviderSpec


def spec_by_id(provider: str) -> ProviderSpec | None:
    """The built-in or custom provider of this id, from the database: for forms and tests, not for routing."""
    if spec := catalog.load().get(provider):
        return spec
    node = ProviderNode.objects.filter(pk=provider).first()
    return spec_of_node(node) if node else None


def new_uid() -> str:
    return uuid.uuid4().hex


class Account(RateLimited, SignedIn):
    """A credential at a provider. Several may serve one provider; the lowest priority number goes first."""

    class AuthType(models.TextChoices):
        API_KEY = "api_key", "API key"
        OAUTH = "oauth", "OAuth login"
        NONE = "none", "None"

    class TestStatus(models.TextChoices):
        UNTESTED = "", "Not tested"
        VALID = "valid", "Valid"
        WARNING = "warning", "Valid, with a warning"
        INVALID = "invalid", "Invalid"
        UNREACHABLE = "unreachable", "Could not be verified"

    uid = models.CharField(max_length=32, unique=True, default=new_uid, editable=False)
    """Names the account on every machine that shares it."""
    provider = models.CharField(
        max_length=60, db_index=True, help_text="Id of a built-in or custom provider."
    )
    name = models.CharField(max_length=100, help_text="How you tell this account from the others.")
    auth_type = models.CharField(max_length=20, choices=AuthType, default=AuthType.API_KEY)
    api_key = EncryptedTextField("API key", blank=True, default="")
    priority = models.PositiveIntegerField(default=1, help_text="1 is asked first.")
    is_active = models.BooleanField("active", default=True)
    base_url = models.CharField(
        "base URL",
        max_length=500,
        blank=True,
        default="",
        validators=[validate_base_url],
        help_text="Replaces the provider's own address.",
    )
    variant = models.CharField(
        "endpoint", max_length=40, blank=True, default="", help_text="Where the provider offers a choice."
    )
    region = models.CharField(
        max_length=40, blank=True, default="", help_text="Where the provider offers a choice."
    )
    default_model = models.CharField(max_length=200, blank=True, default="")
    quota_reserve = models.PositiveSmallIntegerField(
        "reserve",
        default=0,
        validators=[MaxValueValidator(100)],
        help_text="Percent of every window of the plan that the gateway leaves alone.",
    )
    plan_only = models.BooleanField(
        default=False,
        help_text="Never spend paid use beyond the plan: the account rests until its window begins anew.",
    )
    provider_data = models.JSONField(
        "provider-specific data", default=dict, blank=True, help_text="Further options, as a JSON object."
    )
    test_status = models.CharField(
        max_length=20, choices=TestStatus, default=TestStatus.UNTESTED, blank=True, editable=False
    )
    last_error = models.TextField(blank=True, default="", editable=False)
    last_tested_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["provider", "priority", "id"]
        indexes = [models.Index(fields=["provider", "is_active"])]

    def __str__(self) -> str:
        spec = spec_by_id(self.provider)
        return f"{self.name} · {spec.name if spec else self.provider}"

    def clean(self) -> None:
        """Put the address right; refuse an unknown provider, and a choice that it does not offer."""
        self.api_key = self.api_key.strip() or self.api_key
        if not is_sendable(self.api_key):
            raise ValidationError({"api_key": "The key holds a line break or a character that no key has."})
        if self.base_url:
            self.base_url = normalise_base_url(self.base_url)
        spec = spec_by_id(self.provider)
        if spec is None:
            raise ValidationError({"provider": f"There is no provider “{self.provider}”."})
        errors = {
            name: f"Choose one of: {', '.join(offered)}."
            if offered
            else f"{spec.name} offers no choice here."
            for name, chosen, offered in (
                ("variant", self.variant, spec.variants),
                ("region", self.region, spec.regions),
            )
            if chosen and chosen not in offered
        }
        if errors:
            raise ValidationError(errors)

    @property
    def masked_key(self) -> str:
        return mask(self.api_key)

    @property
    def is_unreadable(self) -> bool:
        """Its credential was encrypted under a key that this installation does not have."""
        return not self.bearer and any(
            isinstance(value, Unreadable) for value in (self.api_key, self.access_token, self.refresh_token)
        )

    @property
    def bearer(self) -> str:
        """What requests are made with: the key, or the token of the sign-in."""
        return self.api_key or self.access_token


class CustomModel(models.Model):
    """A model id added to a provider by hand, without waiting for a release."""

    class Kind(models.TextChoices):
        CHAT = "chat", "Chat"
        EMBEDDING = "embedding", "Embedding"
        IMAGE = "image", "Image"
        TRANSCRIPTION = "transcription", "Transcription"

    provider = models.CharField(max_length=60, db_index=True)
    model_id = models.CharField(
        "model id", max_length=200, help_text="As the provider spells it, without prefix."
    )
    name = models.CharField(max_length=200, blank=True, default="")
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.CHAT)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["provider", "model_id"]
        constraints = [models.UniqueConstraint(fields=["provider", "model_id"], name="one_custom_model")]

    def __str__(self) -> str:
        spec = spec_by_id(self.provider)
        return f"{spec.shown_prefix if spec else self.provider}/{self.model_id}"


class LearnedQuirk(models.Model):
    """What a provider refused about one model's requests, and what made them acceptable.

    An active one is applied to every request of that provider, model and wire format. One that was switched off is
    neither applied nor learned again: the refusal goes to the client.
    """

    class Kind(models.TextChoices):
        DROP = "drop", "Left out"
        RENAME = "rename", "Renamed"
        CLAMP = "clamp", "Kept within limits"
        ONE_OF = "one_of", "Nearest known word"
        MESSAGES = "messages", "Messages changed"
        EDIT = "edit", "Request changed"
        TRAIT = "trait", "Written differently"

    provider = models.CharField(max_length=60)
    model = models.CharField(max_length=250, help_text="The provider's own id.")
    format = models.CharField("wire format", max_length=40)
    kind = models.CharField(max_length=20, choices=Kind)
    field = models.CharField("parameter", max_length=200)
    value = models.JSONField(null=True, blank=True)
    reason = models.CharField(
        "refusal", max_length=500, blank=True, default="", help_text="What the provider said."
    )
    hits = models.PositiveIntegerField(
        "refusals", default=1, help_text="How often the provider refused before this was applied."
    )
    is_active = models.BooleanField(
        "active", default=True, help_text="Switched off, it is neither applied nor learned again."
    )
    learned_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["provider", "model", "field"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "model", "format", "kind", "field"], name="one_learned_quirk"
            )
        ]
        verbose_name = "learned quirk"

    def __str__(self) -> str:
        spec = spec_by_id(self.provider)
        return f"{spec.shown_prefix if spec else self.provider}/{self.model}: {self.remedy}"

    @property
    def remedy(self) -> Remedy:
        return Remedy(self.kind, self.field, self.value)  # type: ignore[arg-type]  # the choices are the kinds
