"""The management API: its parts, put together. Served by Django's own handler under /api/."""

from __future__ import annotations

from typing import Any

from django.urls import re_path
from django.urls.resolvers import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from billing.api.budgets import router as budgets
from billing.api.keys import router as keys
from combos.api.combos import router as combos
from combos.api.fallback import router as fallback
from combos.api.models import router as names
from combos.api.routing import router as routing
from gateway.api.analytics import router as analytics
from gateway.api.audit import audited
from gateway.api.audit import router as audit
from gateway.api.auth import router as login
from gateway.api.backups import router as backups
from gateway.api.cache import router as cache
from gateway.api.call_logs import router as call_logs
from gateway.api.cli_tools import router as cli_tools
from gateway.api.combos import router as combos_at_work
from gateway.api.errors import StrictParser, install, json_not_allowed, not_found
from gateway.api.explain import router as explain
from gateway.api.export import router as export
from gateway.api.ip_filter import router as ip_filter
from gateway.api.limits import router as limits
from gateway.api.login_policy import router as login_policy
from gateway.api.management_auth import MANAGEMENT_AUTH
from gateway.api.me import router as own_usage
from gateway.api.monitoring import router as monitoring
from gateway.api.policies import router as policies
from gateway.api.pricing import router as prices
from gateway.api.proxy import router as proxies
from gateway.api.resilience import router as resilience
from gateway.api.settings import router as settings
from gateway.api.sync import router as cloud_sync
from gateway.api.system import router as system
from gateway.api.translator import router as translator
from gateway.api.usage import router as usage
from omniroute import __version__
from providers.api.accounts import router as accounts
from providers.api.checks import router as checks
from providers.api.learned import router as learned
from providers.api.models import router as models
from providers.api.nodes import router as nodes
from providers.api.oauth import router as sign_ins
from providers.api.quota import router as quota
from providers.api.tokens import router as tokens

_DESCRIPTION = """Everything that the admin configures, for scripts.

Authenticate with an API key of scope `manage` (`Authorization: Bearer`, or `x-api-key`), which the admin makes under
*API keys* and `omniroute create_api_key NAME --scope manage` on the command line; *Authorize* takes it for this page.
An administrator's session works too; it sends the CSRF token as `X-CSRFToken` with everything but GET.
Every error has the shape `{"error": {"message", "type", "code", "field"}}`, `field` where one is at fault.

The endpoints that clients send their requests to models to, under `/v1` and `/v1beta`, are the vendors' own.
"""
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "code"],
            "properties": {
                "message": {"type": "string", "description": "For people: what is wrong, and what to do."},
                "type": {"type": "string"},
                "code": {"type": "string", "description": "For programs."},
                "field": {"type": "string", "description": "The field that is at fault, where one is."},
            },
        }
    },
    "example": {
        "error": {
            "message": "Log in, or send an API key of scope 'manage' as Authorization: Bearer",
            "type": "authentication_error",
            "code": "unauthorized",
        }
    },
}


_REFUSALS = {
    "4XX": "Refused: 400 a wrong field, 401 no credentials, 403 not allowed, 404 not there",
    "5XX": "Failed: 500 the log says why, 502 and 504 somebody who was asked, 503 the database; try again",
}


class ManagementAPI(NinjaAPI):
    """Answers in JSON also where ninja would not: wrong methods, and paths that nothing serves."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._documents: dict[str, OpenAPISchema] = {}

    def _get_urls(self) -> list[URLResolver | URLPattern]:
        patterns = super()._get_urls()
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                pattern.callback = audited(json_not_allowed(pattern.callback))
        return [*patterns[:-1], re_path(r"^.+", not_found), patterns[-1]]

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """Made once: the routes are fixed, and making it takes half a second."""
        prefix = self.get_root_path(path_params or {}) if path_prefix is None else path_prefix
        if prefix not in self._documents:
            self._documents[prefix] = _with_errors(super().get_openapi_schema(path_prefix=prefix))
        return self._documents[prefix]


def _with_errors(document: OpenAPISchema) -> OpenAPISchema:
    """With the shape of errors, which is the same everywhere."""
    document["components"].setdefault("schemas", {})["Error"] = _ERROR
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, description in _REFUSALS.items():
                operation["responses"][status] = {"description": description, "content": content}
    return document


api = ManagementAPI(
    title="OmniRoute",
    version=__version__,
    description=_DESCRIPTION,
    urls_namespace="management",
    auth=MANAGEMENT_AUTH,
    parser=StrictParser(),
)
install(api)
# Where two of them fit a path (providers/validate, providers/{id}), the earlier one serves it.
for router in (
    login,
    login_policy,
    checks,
    accounts,
    nodes,
    sign_ins,
    tokens,
    models,
    learned,
    names,
    combos_at_work,
    combos,
    routing,
    explain,
    translator,
    fallback,
    keys,
    budgets,
    own_usage,
    prices,
    usage,
    analytics,
    call_logs,
    export,
    quota,
    settings,
    proxies,
    cache,
    policies,
    cli_tools,
    resilience,
    limits,
    ip_filter,
    cloud_sync,
    monitoring,
    backups,
    audit,
    system,
):
    api.add_router("", router)
