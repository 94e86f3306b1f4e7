"""Bodies that somebody keeps for the translator."""

from __future__ import annotations

from django.db import models


class TranslatorSample(models.Model):
    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, default="request")
    """A key of `gateway.translator.formats.KINDS`."""
    format = models.CharField(max_length=30, blank=True, default="")
    """The wire format of the body; "": found out by looking at it."""
    body = models.TextField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name",)
        permissions = [
            ("use_translator", "Can use the translator and its test bench"),
            ("send_through_translator", "Can send requests to models from the translator"),
        ]

    def __str__(self) -> str:
        return self.name
