"""Which sign-ins are offered."""

from __future__ import annotations

from providers.models import SignInSettings
from providers.oauth.answers import SignInError
from providers.oauth.asking import client_secret
from providers.spec import ProviderSpec


def refusal(spec: ProviderSpec) -> str:
    """Why nobody may sign in, in a sentence; "" if anybody may."""
    if spec.status == "discontinued" and not SignInSettings.load().allow_discontinued:
        return f"{spec.status_note} It is offered once “offer discontinued providers” is on in the sign-in settings."
    return ""


def missing_secret(spec: ProviderSpec) -> str:
    """The environment variable that is needed and not set; "" if none is."""
    if spec.oauth is None:
        return ""
    try:
        client_secret(spec.oauth)
    except SignInError:
        return spec.oauth.client_secret_env
    return ""
