"""What belongs to no app: who changed what."""

from __future__ import annotations

from django.db import models


class AuditEntry(models.Model):
    """Something that somebody did to the gateway: a login, a change in the admin, a call of the management API."""

    created_at = models.DateTimeField("time", auto_now_add=True)
    actor = models.CharField("who", max_length=200, blank=True)
    """A user's name, or `API key` and the key's."""
    address = models.CharField(max_length=45, blank=True)
    action = models.CharField("did", max_length=60)
    target = models.CharField("to what", max_length=300, blank=True)
    details = models.CharField(max_length=1000, blank=True)
    """Which fields, never their values: those may be secret."""

    class Meta:
        ordering = ["-id"]
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.target}".strip()
