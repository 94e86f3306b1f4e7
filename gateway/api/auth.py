"""Logging in and out for the management API."""

from __future__ import annotations

from typing import Annotated

from django.conf import settings
from django.contrib.auth import authenticate, get_user_model, login, logout
from django.http import HttpRequest
from django.middleware.csrf import get_token
from ninja import Router
from pydantic import StringConstraints

from omniroute.errors import Forbidden, Unauthorized
from omniroute.net import is_own_origin
from omniroute.schema import CamelModel, Line, StrictModel, Success
from resilience.lockout import lockouts

router = Router(tags=["Login"], by_alias=True)


class LoginIn(StrictModel):
    password: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    username: Line = ""
    """Empty: the first superuser."""


class LoggedIn(CamelModel):
    success: bool = True
    csrf_token: str
    """To be sent as X-CSRFToken with everything but GET."""


@router.post("/auth/login", response=LoggedIn, auth=None)
def log_in(request: HttpRequest, body: LoginIn) -> LoggedIn:
    """Start an administrator's session. Five failures within five minutes block the address for the rest."""
    _refuse_foreign_page(request)
    address = request.META.get("REMOTE_ADDR", "")
    lockouts.attempt(f"login:{address}", "failed logins")
    username = body.username or _first_superuser()
    # An unknown name costs a password hash as well, so that the time tells nothing.
    user = authenticate(request, username=username, password=body.password)
    if user is None or not user.is_staff:
        raise Unauthorized("Wrong user name or password", code="invalid_credentials")
    lockouts.forgive(f"login:{address}")
    login(request, user)
    return LoggedIn(csrf_token=get_token(request))


@router.post("/auth/logout", response=Success)
def log_out(request: HttpRequest) -> Success:
    """End the session; a key has none to end."""
    logout(request)
    return Success()


def _first_superuser() -> str:
    users = get_user_model().objects.filter(is_superuser=True, is_active=True).order_by("pk")
    user = users.first()
    return user.get_username() if user else ""


def _refuse_foreign_page(request: HttpRequest) -> None:
    """A web page must not spend the attempts of the person who looks at it."""
    origin = request.headers.get("Origin", "")
    if origin and not is_own_origin(origin, request.get_host(), settings.CSRF_TRUSTED_ORIGINS):
        raise Forbidden("Logging in is not possible from another site", code="foreign_origin")
