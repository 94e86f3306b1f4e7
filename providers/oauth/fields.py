"""What an account keeps of a sign-in, and sign-ins that are under way."""

from __future__ import annotations

import json
from typing import Any

from django.db import models

from omniroute.crypto import EncryptedTextField
from omniroute.singleton import Singleton


class SignedIn(models.Model):
    """Columns of an account that somebody signed in to. Tokens are encrypted, and no page or API shows them.

    `access_token` is what requests are made with, unless the sign-in yielded a key of its own (`api_key`, iFlow).
    For GitHub it is the minted Copilot token, and `refresh_token` the GitHub token that it is minted from.
    """

    access_token = EncryptedTextField(blank=True, default="", editable=False)
    refresh_token = EncryptedTextField(blank=True, default="", editable=False)
    id_token = EncryptedTextField(blank=True, default="", editable=False)
    token_secrets = EncryptedTextField(blank=True, default="", editable=False)
    """JSON: what else of the sign-in is secret, such as the client that AWS registered for this installation."""
    expires_at = models.DateTimeField("token expires", null=True, blank=True, editable=False)
    """Null: never, or not known."""
    scope = models.TextField(blank=True, default="", editable=False)
    email = models.CharField(max_length=254, blank=True, default="", editable=False)
    plan = models.CharField(max_length=100, blank=True, default="", editable=False)
    external_id = models.CharField(max_length=200, blank=True, default="", editable=False)
    """The vendor's own id of the account or workspace: who signs in again gets the same row."""
    last_refresh_at = models.DateTimeField("token renewed", null=True, blank=True, editable=False)
    sign_in_needed_at = models.DateTimeField("sign-in needed since", null=True, blank=True, editable=False)
    sign_in_reason = models.CharField(max_length=300, blank=True, default="", editable=False)
    refresh_lease = models.CharField(max_length=40, blank=True, default="", editable=False)
    """Who is renewing the token right now."""
    refresh_lease_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Without the columns of the sign-in, unless they are named or the row is new: who edits the rest of a row must
        not put back a token that was renewed meanwhile."""
        if not self._state.adding and kwargs.get("update_fields") is None:
            kwargs["update_fields"] = self._columns() - {field.name for field in SignedIn._meta.get_fields()}
        super().save(*args, **kwargs)

    def save_whole(self) -> None:
        """With the columns of the sign-in."""
        super().save(update_fields=None if self._state.adding else self._columns())

    def _columns(self) -> set[str]:
        return {field.name for field in self._meta.concrete_fields if not field.primary_key}

    @property
    def needs_sign_in(self) -> bool:
        return self.sign_in_needed_at is not None

    @property
    def secrets(self) -> dict[str, Any]:
        """`token_secrets`, decoded; empty where it cannot be read."""
        return _decoded(self.token_secrets)

    @secrets.setter
    def secrets(self, value: dict[str, Any]) -> None:
        self.token_secrets = json.dumps(value) if value else ""


class SignIn(models.Model):
    """A sign-in that somebody began and has not finished: kept in the database, since any process may end it."""

    in_backups = "never"

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        DONE = "done", "Connected"
        FAILED = "failed", "Failed"
        EXPIRED = "expired", "Expired"

    state = models.CharField(max_length=64, unique=True)
    """Random, single use: who brings it back is who began."""
    provider = models.CharField(max_length=60)
    flow = models.CharField(max_length=20)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    message = models.CharField(max_length=500, blank=True, default="")
    redirect_uri = models.CharField(max_length=500, blank=True, default="")
    options = models.JSONField(default=dict, blank=True)
    """What was chosen and may be seen: region, start URL, identity provider."""
    private = EncryptedTextField(blank=True, default="")
    """JSON: PKCE verifier, device code, registered client."""
    user_code = models.CharField(max_length=40, blank=True, default="")
    verification_uri = models.CharField(max_length=2000, blank=True, default="")
    interval_s = models.FloatField(default=5.0)
    next_poll_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    account = models.ForeignKey(
        "providers.Account", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    """The account that is signed in again; once done, the one that came of it."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "providers"
        ordering = ["-created_at"]
        verbose_name = "sign-in"

    def __str__(self) -> str:
        return f"{self.provider}: {self.status}"

    @property
    def secrets(self) -> dict[str, Any]:
        return _decoded(self.private)

    @secrets.setter
    def secrets(self, value: dict[str, Any]) -> None:
        self.private = json.dumps(value) if value else ""


def _decoded(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


class SignInSettings(Singleton):
    """What may be signed in to."""

    allow_discontinued = models.BooleanField(
        "offer discontinued providers",
        default=False,
        help_text="Offer sign-ins that their vendors have closed. They fail, unless the vendor opens them again.",
    )

    class Meta:
        app_label = "providers"
        verbose_name = "sign-in settings"
        verbose_name_plural = "sign-in settings"
