"""Rows about custom nodes, and nodes as providers. Source: docs/protocol-notes.md, Custom nodes."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from providers.catalog.clones import ANTHROPIC_CLONE
from providers.credentials import is_header
from providers.nodes import is_local, normalise_base_url, prefix_problem
from providers.spec import Auth, Endpoint, ProviderSpec

LOCAL_FIRST_EVENT_S = 600.0
"""A local server loads a model before it answers."""
PREFIX_VALIDATOR = RegexValidator(
    r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*$", "Letters, digits, dots, dashes and underscores; no slash."
)


def validate_base_url(value: str) -> None:
    """Looser than Django's URLField, which refuses a container's bare host name (http://ollama:11434/v1)."""
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or any(character.isspace() for character in value):
        raise ValidationError("Enter an address such as http://localhost:11434/v1.")


def new_node_id() -> str:
    return f"node-{secrets.token_hex(5)}"


class ProviderNode(models.Model):
    """An OpenAI- or Anthropic-compatible server of one's own: Ollama, vLLM, LM Studio, a company's proxy."""

    class Kind(models.TextChoices):
        OPENAI = "openai-compatible", "OpenAI-compatible"
        ANTHROPIC = "anthropic-compatible", "Anthropic-compatible"

    class ApiType(models.TextChoices):
        CHAT = "chat", "Chat Completions"
        RESPONSES = "responses", "Responses"

    id = models.CharField(primary_key=True, max_length=40, default=new_node_id, editable=False)
    name = models.CharField(max_length=100)
    prefix = models.CharField(
        max_length=60,
        unique=True,
        validators=[PREFIX_VALIDATOR],
        help_text="What clients write before the slash: <prefix>/<model>.",
    )
    kind = models.CharField(max_length=30, choices=Kind, default=Kind.OPENAI)
    api_type = models.CharField(
        max_length=20, choices=ApiType, default=ApiType.CHAT, help_text="Only for OpenAI-compatible servers."
    )
    base_url = models.CharField(
        "base URL",
        max_length=500,
        validators=[validate_base_url],
        help_text="Up to and including the version, e.g. http://localhost:11434/v1. "
        "A full endpoint address works too.",
    )
    headers = models.JSONField(
        default=dict, blank=True, help_text="Further headers for every request, as a JSON object."
    )
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        verbose_name = "custom provider"

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Put the address right, and refuse a prefix that means somebody else in any letter case."""
        if self.base_url:
            self.base_url = normalise_base_url(self.base_url)
        errors: dict[str, str] = {}
        if problem := prefix_problem(self.prefix):
            errors["prefix"] = problem
        elif ProviderNode.objects.filter(prefix__iexact=self.prefix).exclude(pk=self.pk).exists():
            errors["prefix"] = f"Another custom provider has the prefix “{self.prefix}”."
        if not isinstance(self.headers, dict) or not all(
            isinstance(text, str) and is_header(name, text) for name, text in self.headers.items()
        ):
            errors["headers"] = 'Enter an object of plain texts, such as {"X-Team": "research"}.'
        if errors:
            raise ValidationError(errors)


def spec_of_node(node: ProviderNode) -> ProviderSpec:
    base_url = normalise_base_url(node.base_url)
    anthropic = node.kind == "anthropic-compatible"
    format = "openai_responses" if node.api_type == "responses" else "openai_chat"
    auth: Auth = "x-api-key+bearer" if anthropic else "bearer"
    endpoint = Endpoint(
        format="anthropic_messages" if anthropic else format,
        base_url=base_url,
        auth=auth,
        headers={str(name): str(text) for name, text in (node.headers or {}).items()},
    )
    return ProviderSpec(
        id=node.id,
        name=node.name,
        prefix=node.prefix,
        tier="custom",
        endpoints=(endpoint,),
        quirks=ANTHROPIC_CLONE if anthropic else (),
        timeout_first_event_s=LOCAL_FIRST_EVENT_S if is_local(base_url) else None,
    )
