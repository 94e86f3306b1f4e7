"""The management API: its parts, put together. Served by Django's own handler under /api/."""

from __future__ import annotations

from django.urls import re_path
from django.urls.resolvers import URLPattern, URLResolver
from ninja import NinjaAPI

from billing.api.budgets import router as budgets
from billing.api.keys import router as keys
from combos.api.combos import router as combos
from combos.api.fallback import router as fallback
from combos.api.models import router as names
from combos.api.routing import router as routing
from gateway.api.analytics import router as analytics
from gateway.api.auth import router as login
from gateway.api.cache import router as cache
from gateway.api.call_logs import router as call_logs
from gateway.api.combos import router as combos_at_work
from gateway.api.errors import StrictParser, install, json_not_allowed, not_found
from gateway.api.explain import router as explain
from gateway.api.export import router as export
from gateway.api.ip_filter import router as ip_filter
from gateway.api.limits import router as limits
from gateway.api.management_auth import MANAGEMENT_AUTH
from gateway.api.me import router as own_usage
from gateway.api.monitoring import router as monitoring
from gateway.api.policies import router as policies
from gateway.api.pricing import router as prices
from gateway.api.proxy import router as proxies
from gateway.api.resilience import router as resilience
from gateway.api.settings import router as settings
from gateway.api.system import router as system
from gateway.api.usage import router as usage
from omniroute import __version__
from providers.api.accounts import router as accounts
from providers.api.checks import router as checks
from providers.api.learned import router as learned
from providers.api.models import router as models
from providers.api.nodes import router as nodes
from providers.api.oauth import router as sign_ins
from providers.api.quota import router as quota

_DESCRIPTION = """Everything that the admin configures, for scripts.

Authenticate with an API key of scope `manage` (`Authorization: Bearer`, or `x-api-key`), or with an
administrator's session; a session sends the CSRF token as `X-CSRFToken` with everything but GET.
Every error has the shape `{"error": {"message", "type", "code", "field"}}`, `field` where one is at fault.
"""


class ManagementAPI(NinjaAPI):
    """Answers in JSON also where ninja would not: wrong methods, and paths that nothing serves."""

    def _get_urls(self) -> list[URLResolver | URLPattern]:
        patterns = super()._get_urls()
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                pattern.callback = json_not_allowed(pattern.callback)
        return [*patterns[:-1], re_path(r"^.+", not_found), patterns[-1]]


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
    checks,
    accounts,
    nodes,
    sign_ins,
    models,
    learned,
    names,
    combos_at_work,
    combos,
    routing,
    explain,
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
    resilience,
    limits,
    ip_filter,
    monitoring,
    system,
):
    api.add_router("", router)
