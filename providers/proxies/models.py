"""Proxies that were configured, one row an entry. What the environment says is in no row."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from omniroute.crypto import EncryptedTextField
from providers.proxies import Proxy, ProxyTable, environment

_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


class ProxyRule(models.Model):
    """What requests go through: everywhere, or those of one provider, combo or account.

    `target` is the provider's id, or the primary key of the combo or account; empty for the global entry.
    """

    class Level(models.TextChoices):
        GLOBAL = "global", "Everything"
        PROVIDER = "provider", "One provider"
        COMBO = "combo", "One combo"
        KEY = "key", "One account"

    class Kind(models.TextChoices):
        HTTP = "http", "HTTP proxy"
        HTTPS = "https", "HTTPS proxy (TLS to the proxy)"
        SOCKS5 = "socks5", "SOCKS5 proxy (resolves names itself)"
        DIRECT = "direct", "Direct: no proxy"

    level = models.CharField("applies to", max_length=10, choices=Level, default=Level.GLOBAL)
    target = models.CharField(max_length=60, blank=True, default="", editable=False)
    kind = models.CharField("type", max_length=10, choices=Kind, default=Kind.HTTP)
    host = models.CharField(max_length=255, blank=True, default="")
    port = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    username = models.CharField(max_length=255, blank=True, default="")
    password = EncryptedTextField(blank=True, default="")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["level", "target"]
        constraints = [models.UniqueConstraint(fields=["level", "target"], name="one_proxy_rule")]
        verbose_name = "proxy"
        verbose_name_plural = "proxies"

    def __str__(self) -> str:
        return self.proxy.shown

    @property
    def proxy(self) -> Proxy:
        if self.kind == self.Kind.DIRECT:
            return Proxy("direct")
        return Proxy(self.kind, self.host, self.port or 0, self.username, self.password)

    def clean(self) -> None:
        if self.kind == self.Kind.DIRECT:
            self.host, self.port, self.username, self.password = "", None, "", ""
            return
        self.host = self.host.strip().removeprefix("[").removesuffix("]")
        errors = {}
        if not _HOST.fullmatch(self.host):
            errors["host"] = "Enter the proxy's name or address, without http:// and without port."
        if self.port is None:
            errors["port"] = "Enter the proxy's port, 1 to 65535."
        if errors:
            raise ValidationError(errors)


def load_proxies() -> ProxyTable:
    """Every entry, for routing. One query."""
    tables: dict[str, dict[str, Proxy]] = {level: {} for level in ProxyRule.Level.values}
    for row in ProxyRule.objects.all():
        tables[row.level][row.target] = row.proxy
    levels = ProxyRule.Level
    return ProxyTable(
        accounts={int(target): proxy for target, proxy in tables[levels.KEY].items()},
        combos={int(target): proxy for target, proxy in tables[levels.COMBO].items()},
        providers=tables[levels.PROVIDER],
        everywhere=tables[levels.GLOBAL].get(""),
        environment=environment(),
    )
