"""Management API of the gateway's settings: one field for every field of `GatewaySettings`."""

from __future__ import annotations

from typing import Any

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
from pydantic import BaseModel, ConfigDict, create_model

from gateway.models import GatewaySettings
from omniroute.errors import Unauthorized
from omniroute.schema import CamelModel, Line
from providers import selection

router = Router(tags=["Settings"], by_alias=True)

_FIELDS = [field for field in GatewaySettings._meta.get_fields() if field.concrete and not field.primary_key]


def _kind(field: Any) -> Any:
    if isinstance(field, TextField):
        return str
    kind: Any = TYPES[field.get_internal_type()]
    return Line if kind is str else kind


_CHANGES: Any = {field.name: (_kind(field), None) for field in _FIELDS}  # null is no value for any
_VALUES: Any = {field.name: (_kind(field), ...) for field in _FIELDS}


class _Passwords(CamelModel):
    model_config = ConfigDict(extra="forbid")

    current_password: str | None = None
    new_password: str | None = None


class _Environment(CamelModel):
    require_api_key: bool
    """Set by the environment, like the next."""
    enable_request_logs: bool
    has_password: bool


SettingsPatch: type[BaseModel] = create_model("SettingsPatch", __base__=_Passwords, **_CHANGES)
SettingsOut: type[BaseModel] = create_model("SettingsOut", __base__=_Environment, **_VALUES)


@router.get("/settings", response=SettingsOut)
def get_settings(request: HttpRequest) -> BaseModel:
    return _shown(request)


@router.patch("/settings", response=SettingsOut)
def patch_settings(request: HttpRequest, body: SettingsPatch) -> BaseModel:  # type: ignore[valid-type]
    """Only the fields that are present change. `newPassword` needs `currentPassword`."""
    changes: dict[str, Any] = body.model_dump(exclude_unset=True)  # type: ignore[attr-defined]
    current, new = changes.pop("current_password", None), changes.pop("new_password", None)
    with transaction.atomic():
        if new is not None:
            _change_password(request, current or "", new)
        if changes:
            row = GatewaySettings.load()
            for name, value in changes.items():
                setattr(row, name, value)
            row.account_strategy = row.account_strategy.replace("-", "_")
            row.full_clean()
            if row.account_strategy not in selection.registry:
                raise ValidationError({"account_strategy": f"One of: {', '.join(selection.registry)}."})
            row.save()
    return _shown(request)


def _administrator(request: HttpRequest) -> User | None:
    """The one who is logged in; behind an API key, the first superuser."""
    if request.user.is_authenticated:
        return request.user
    return User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()


def _change_password(request: HttpRequest, current: str, new: str) -> None:
    user = _administrator(request)
    if user is None or not user.check_password(current):
        raise Unauthorized(
            "The current password is wrong", code="invalid_credentials", param="currentPassword"
        )
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
    return SettingsOut(
        require_api_key=settings.REQUIRE_API_KEY,
        enable_request_logs=settings.ENABLE_REQUEST_LOGS,
        has_password=bool(user and user.has_usable_password()),
        **{field.name: getattr(row, field.name) for field in _FIELDS},
    )
