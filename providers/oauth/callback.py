"""Where vendors send the browser back to: the gateway's own address.

The state, which is random, short-lived and works once, says who comes back. No session is asked for: the browser was
sent to `localhost`, and may be logged in under another name of this machine.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from omniroute.types import JSONDict
from providers.accounts import find_spec
from providers.models import SignIn
from providers.oauth import sessions
from providers.oauth.answers import SignInError
from providers.oauth.code_flow import read_callback

TEMPLATE = "admin/providers/callback.html"


@require_GET
@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    try:
        came_back = read_callback("?" + request.META.get("QUERY_STRING", ""))
    except SignInError as error:
        return _page(request, {"problem": error.message}, 400)
    row = sessions.find(came_back.state)
    spec = find_spec(row.provider) if row else None
    if row is None or spec is None or spec.oauth is None:
        problem = "This sign-in is not known here. Go back to the gateway's page and begin again."
        return _page(request, {"problem": problem}, 400)
    again = {"spec": spec, "again": reverse("admin:providers_catalog_connect", args=(spec.id,))}
    if row.status != SignIn.Status.DONE:  # else the tab was opened once more
        try:
            row = sessions.finish(row, spec, came_back)
        except SignInError as error:
            retry = {"retry": request.get_full_path()} if error.vendor_is_away else {}
            return _page(request, {**again, **retry, "problem": error.advice}, 400)
    if row.status != SignIn.Status.DONE or row.account is None:
        return _page(request, {**again, "problem": row.message}, 400)
    link = reverse("admin:providers_account_change", args=(row.account.pk,))
    return _page(request, {"spec": spec, "account": row.account, "link": link})


def _page(request: HttpRequest, context: JSONDict, status: int = 200) -> HttpResponse:
    response = render(request, TEMPLATE, context, status=status)
    response["Referrer-Policy"] = "no-referrer"
    return response
