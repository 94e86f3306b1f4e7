"""Management API of client API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Status
from pydantic import Field

from billing.keys import create_api_key
from billing.models import ApiKey
from omniroute.errors import NotFound
from omniroute.schema import CamelModel, Message, ModelName, Moment, Name, StrictModel, row_id

router = Router(tags=["API keys"], by_alias=True)

AllowedModels = Annotated[list[ModelName], Field(max_length=1000)]


class KeyIn(StrictModel):
    name: Name
    scope: ApiKey.Scope = ApiKey.Scope.USE
    expires_at: Moment | None = None
    allowed_models: AllowedModels = []
    cache: ApiKey.Cache = ApiKey.Cache.OWN
    """Whose cached answers it may get: `own`, `shared` with all keys of this setting, `off`."""
    similar_answers: bool = False


class KeyOut(CamelModel):
    id: str
    name: str
    key: str
    """Masked, except in the answer to its creation."""
    scope: str
    is_active: bool
    expires_at: datetime | None
    allowed_models: list[str]
    cache: str
    similar_answers: bool
    created_at: datetime
    last_used_at: datetime | None


class KeyPatch(StrictModel):
    shown_as = KeyOut

    name: Name | None = None
    scope: ApiKey.Scope | None = None
    is_active: bool | None = None
    expires_at: Moment | None = None
    """null: never."""
    allowed_models: AllowedModels | None = None
    cache: ApiKey.Cache | None = None
    similar_answers: bool | None = None


class KeyList(CamelModel):
    keys: list[KeyOut]
    total: int


@router.get("/keys", response=KeyList)
def list_keys(request: HttpRequest) -> KeyList:
    """All API keys. Of each only the first and last characters are shown."""
    keys = [_shown(key) for key in ApiKey.objects.all()]
    return KeyList(keys=keys, total=len(keys))


@router.post("/keys", response={201: KeyOut})
def create_key(request: HttpRequest, body: KeyIn) -> Status[KeyOut]:
    """`key` of the answer is the whole key. It is shown this once."""
    _check_expiry(body.expires_at)
    secret, record = create_api_key(
        body.name,
        body.scope,
        expires_at=body.expires_at,
        allowed_models=body.allowed_models,
        cache=body.cache,
        similar_answers=body.similar_answers,
    )
    return Status(201, _shown(record, secret))


@router.get("/keys/{id}", response=KeyOut)
def get_key(request: HttpRequest, id: str) -> KeyOut:
    """One API key, without its secret."""
    return _shown(_find(id))


@router.put("/keys/{id}", response=KeyOut)
def update_key(request: HttpRequest, id: str, body: KeyPatch) -> KeyOut:
    """Only the fields that are present change."""
    key = _find(id)
    for name in ("name", "scope", "is_active", "allowed_models", "cache", "similar_answers"):
        if (value := getattr(body, name)) is not None:
            setattr(key, name, value)
    if "expires_at" in body.model_fields_set and body.expires_at != key.expires_at:
        _check_expiry(body.expires_at)
        key.expires_at = body.expires_at
    key.save()
    return _shown(key)


@router.delete("/keys/{id}", response=Message)
def delete_key(request: HttpRequest, id: str) -> Message:
    """Delete a key: it is refused from now on. Its usage stays."""
    _find(id).delete()
    return Message(message="API key deleted")


def _check_expiry(moment: datetime | None) -> None:
    if moment and moment <= timezone.now():
        raise ValidationError({"expires_at": "Must be in the future."})


def _find(id: str) -> ApiKey:
    key = ApiKey.objects.filter(pk=row_id(id)).first()
    if key is None:
        raise NotFound("API key not found")
    return key


def _shown(key: ApiKey, secret: str = "") -> KeyOut:
    return KeyOut(
        id=str(key.pk),
        name=key.name,
        key=secret or key.hint,
        scope=key.scope,
        is_active=key.is_active,
        expires_at=key.expires_at,
        allowed_models=key.allowed_models,
        cache=key.cache,
        similar_answers=key.similar_answers,
        created_at=key.created_at,
        last_used_at=key.last_used_at,
    )
