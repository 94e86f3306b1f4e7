"""What somebody asks for, checked: in the admin, over the API, on the command line."""

from __future__ import annotations

from django.conf import settings

from gateway import snapshot as snapshots
from gateway.cli_tools.rows import Choice, Tool
from gateway.cli_tools.status import status_of
from gateway.cli_tools.urls import clean_url, is_known
from gateway.opening import route_of
from omniroute.errors import ClientError, Forbidden, InvalidRequest, ModelNotFound
from omniroute.redact import MASK

NO_KEY = "omniroute"
"""What tools send where the gateway asks for no key: most of them insist on some."""


def check_writes() -> None:
    """Raise `Forbidden` where the gateway must not write tools' settings."""
    if not settings.CLI_ALLOW_CONFIG_WRITES:
        raise Forbidden(
            "This gateway does not write tools' settings (CLI_ALLOW_CONFIG_WRITES). Run `omniroute configure` where "
            "the tool is, or do it by hand",
            code="config_writes_disabled",
        )


def make_choice(tool: Tool, *, url: str, key: str, model: str, small: str = "") -> Choice:
    """An empty or masked key: the one that is configured for the same address, else none where the gateway asks for
    none. Raise `InvalidRequest`."""
    url = clean_url(url)
    for name, value in (("model", model), ("smallModel", small)):
        if not value.isprintable() or len(value) > 200 or value != value.strip():
            raise InvalidRequest(f"{name}: the name of a model is needed", param=name)
    if not model:
        raise InvalidRequest("model: choose a model or a combo", param="model")
    if not key or MASK in key:
        status = status_of(tool)
        key = status.key if status.url == url else ""
    if not key and is_known(url) and not settings.REQUIRE_API_KEY:
        key = NO_KEY
    if not key:
        raise InvalidRequest("apiKey: this gateway needs one", param="apiKey")
    if not key.isprintable() or " " in key or len(key) > 500:
        raise InvalidRequest("apiKey: it has spaces or other characters that no key has", param="apiKey")
    return Choice(url, key, model, small)


def check_model(name: str, param: str = "model") -> None:
    """Raise `InvalidRequest` for a model that this gateway does not know."""
    try:
        route_of(name, snapshots.refresh())
    except ModelNotFound as error:
        raise InvalidRequest(f"{param}: {error.message}", param=param) from None
    except ClientError:
        return  # known, and refused for a reason that may pass
