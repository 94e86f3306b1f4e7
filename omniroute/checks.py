"""System checks: configuration that would surprise later is refused at start."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from omniroute import env
from omniroute.net import is_loopback


@register()
def check_bind_address(**kwargs: Any) -> list[CheckMessage]:
    if env.hostname_was_ignored():
        return [
            Warning(
                "HOSTNAME is not an address and is ignored; the server binds to 127.0.0.1.",
                hint="Set HOST=0.0.0.0 to serve other machines.",
                id="omniroute.W001",
            )
        ]
    return []


@register()
def check_initial_password(**kwargs: Any) -> list[CheckMessage]:
    if settings.INITIAL_PASSWORD in env.WEAK_PASSWORDS and not is_loopback(settings.HOST):
        return [
            Error(
                "INITIAL_PASSWORD is one that everybody knows, and the server is bound to more than loopback.",
                hint="Choose another INITIAL_PASSWORD, or leave it unset: one is generated and printed once.",
                id="omniroute.E001",
            )
        ]
    return []


@register()
def check_public_secrets(**kwargs: Any) -> list[CheckMessage]:
    """Told at every start where others reach the gateway."""
    return (
        []
        if is_loopback(settings.HOST)
        else [Warning(text, hint=hint, id="omniroute.W002") for text, hint in _public()]
    )


@register(deploy=True)
def check_public_secrets_before_deployment(**kwargs: Any) -> list[CheckMessage]:
    return [Error(text, hint=hint, id="omniroute.E002") for text, hint in _public()]


def _public() -> list[tuple[str, str]]:
    given = {
        "JWT_SECRET": settings.SECRET_KEY,
        "API_KEY_SECRET": settings.API_KEY_SECRET,
        "INITIAL_PASSWORD": settings.INITIAL_PASSWORD,
    }
    return [
        (
            f"{name} has a value that is printed in guides.",
            f"Set {name} to a random value, or leave it unset: one is generated.",
        )
        for name, value in given.items()
        if value in env.PUBLIC_DEFAULTS
    ]
