"""Management API of the login's obligation, which OmniRoute's scripts ask for and here cannot be switched off."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router
from pydantic import StrictBool

from omniroute.errors import InvalidRequest
from omniroute.schema import CamelModel, StrictModel

router = Router(tags=["Login"], by_alias=True)


class LoginPolicy(CamelModel):
    require_login: bool = True


class LoginPolicyChange(StrictModel):
    require_login: StrictBool


@router.get("/settings/require-login", response=LoginPolicy)
def get_require_login(request: HttpRequest) -> LoginPolicy:
    """Whether the dashboard and this API need a login: always."""
    return LoginPolicy()


@router.post("/settings/require-login", response=LoginPolicy)
def set_require_login(request: HttpRequest, body: LoginPolicyChange) -> LoginPolicy:
    """`true` is taken, `false` refused: whoever may open the dashboard may read every key of the gateway."""
    if not body.require_login:
        raise InvalidRequest("The login cannot be switched off", param="requireLogin")
    return LoginPolicy()
