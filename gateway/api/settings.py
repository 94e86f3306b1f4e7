"""Management API of the gateway's settings: one field for every field of `GatewaySettings`."""

from __future__ import annotations

from typing import Annotated, Any

from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import TextField
from django.http import HttpRequest
from ninja import Router
from ninja.orm.fields import TYPES
from pydantic import AliasChoices, BaseModel, Field, create_model

from combos.api.routing import Limit, RoutingPatch, save_routing, shown_routing
from gateway.models import GatewaySettings
from omniroute.errors import Unauthorized
from omniroute.schema import CamelModel, Line, StrictModel
from resilience.lockout import lockouts

router = Router(tags=["Settings"], by_alias=True)

_FIELDS = [field for field in GatewaySettings._meta.get_fields() if field.concrete and not field.primary_key]


def _kind(field: Any) -> Any:
    if isinstance(field, TextField):
        return str
    kind: Any = TYPES[field.get_internal_type()]
    return Line if kind is str else kind


_CHANGES: Any = {field.name: (_kind(field), None) for field in _FIELDS}  # null is no value for any
_VALUES: Any = {field.name: (_kind(field), ...) for field in _FIELDS}


class _Passwords(StrictModel):
    current_password: str | None = None
    new_password: str | None = None


class _Routing(CamelModel):
    """The routing settings that OmniRoute's clients expect here; all of them are under `/settings/routing`."""

    account_strategy: Annotated[
        Line, Field(validation_alias=AliasChoices("accountStrategy", "fallbackStrategy", "account_strategy"))
    ] = None  # type: ignore[assignment]  # null is no value
    sticky_limit: Annotated[
        Limit,
        Field(validation_alias=AliasChoices("stickyLimit", "stickyRoundRobinLimit", "sticky_limit")),
    ] = None  # type: ignore[assignment]
    blocked_providers: Annotated[list[Line], Field(max_length=1000)] = None  # type: ignore[assignment]


class _Environment(CamelModel):
    require_api_key: bool
    """Set by the environment, like the next."""
    enable_request_logs: bool
    has_password: bool
    account_strategy: str
    sticky_limit: int
    blocked_providers: list[str]


class _Changes(_Passwords, _Routing):
    pass


SettingsPatch: type[BaseModel] = create_model("SettingsPatch", __base__=_Changes, **_CHANGES)
SettingsOut: type[BaseModel] = create_model("SettingsOut", __base__=_Environment, **_VALUES)


@router.get("/settings", response=SettingsOut)
def get_settings(request: HttpRequest) -> BaseModel:
    """The gateway's own settings, and a few of routing and of the environment."""
    return _shown(request)


@router.patch("/settings", response=SettingsOut)
def patch_settings(request: HttpRequest, body: SettingsPatch) -> BaseModel:  # type: ignore[valid-type]
    """Only the fields that are present change. `newPassword` needs `currentPassword`."""
    changes: dict[str, Any] = body.model_dump(exclude_unset=True)  # type: ignore[attr-defined]
    current, new = changes.pop("current_password", None), changes.pop("new_password", None)
    with transaction.atomic():
        if new is not None:
            _change_password(request, current or "", new)
        routing = {name: changes.pop(name) for name in _Routing.model_fields if name in changes}
        if routing:
            save_routing(RoutingPatch(**routing))
        if changes:
            row = GatewaySettings.load()
            for name, value in changes.items():
                setattr(row, name, value)
            row.full_clean()
            row.save()
    return _shown(request)


def _administrator(request: HttpRequest) -> User | None:
    """The one who is logged in; behind an API key, the first superuser."""
    if request.user.is_authenticated:
        return request.user
    return User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()


def _change_password(request: HttpRequest, current: str, new: str) -> None:
    attempt = f"password:{request.META.get('REMOTE_ADDR', '')}"
    lockouts.attempt(attempt, "wrong passwords")  # the holder of a key must not guess it either
    user = _administrator(request)
    if user is None or not user.check_password(current):
        raise Unauthorized(
            "The current password is wrong", code="invalid_credentials", param="currentPassword"
        )
    lockouts.forgive(attempt)
    try:
        validate_password(new, user)
    except ValidationError as error:
        raise ValidationError({"new_password": error.messages}) from None
    user.set_password(new)
    user.save()
    if request.user.is_authenticated:
        update_session_auth_hash(request, request.user)


def _shown(request: HttpRequest) -> BaseModel:
    row = GatewaySettings.load()
    user = _administrator(request)
    routing = shown_routing()
    return SettingsOut(
        account_strategy=routing.account_strategy,
        sticky_limit=routing.sticky_limit,
        blocked_providers=routing.blocked_providers,
        require_api_key=settings.REQUIRE_API_KEY,
        enable_request_logs=settings.ENABLE_REQUEST_LOGS,
        has_password=bool(user and user.has_usable_password()),
        **{field.name: getattr(row, field.name) for field in _FIELDS},
    )
