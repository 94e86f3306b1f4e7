"""The page that connects accounts of one provider by signing in, and what it asks for while somebody does."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import segno
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.debug import sensitive_post_parameters

from omniroute.net import is_loopback
from omniroute.pages import page
from omniroute.types import JSONDict
from providers.accounts import find_spec
from providers.models import Account, SignIn
from providers.oauth import importing, key_stores, offer, sessions
from providers.oauth.answers import SignInError, Tokens
from providers.oauth.code_flow import read_callback
from providers.oauth.sessions import oauth_of
from providers.spec import ProviderSpec

PERMISSION = "providers.add_account"
TOKEN_HINTS = {
    "claude": (
        "the token of “claude setup-token”",
        "sk-ant-oat01-… It cannot be renewed, and tells nothing about quota.",
    ),
    "github": ("a GitHub token", "ghu_… or gho_… of an account with Copilot."),
    "kiro": ("a refresh token", "aorAAAAAG… of the editor or the command line."),
    "iflow": ("a cookie", "BXAuth=… of platform.iflow.cn, as the browser's developer tools show it."),
}


@page("catalog/connect", title="Connect", section="", permission=PERMISSION, route="<str:provider>/")
@sensitive_post_parameters("token", "pasted")
def connect(request: HttpRequest, provider: str) -> JSONDict | HttpResponse:
    spec = _spec(provider)
    if request.method == "POST":
        return _act(request, spec)
    row = sessions.find(request.GET.get("sign-in", ""), spec.id)
    again = row.account if row and row.account else _again(request, spec)
    found = None if row else importing.look(spec)
    return {
        "title": f"Connect {spec.name}",
        "spec": spec,
        "oauth": spec.oauth,
        "row": row,
        "left_s": max(0, math.ceil((row.expires_at - timezone.now()).total_seconds())) if row else 0,
        "qr": qr_code(row.verification_uri) if row and row.flow == "device" else "",
        "shows_code": bool(
            row and row.redirect_uri and row.redirect_uri == oauth_of(spec).manual_redirect_uri
        ),
        "again": again,
        "refusal": offer.refusal(spec),
        "missing_secret": offer.missing_secret(spec),
        "found": found if isinstance(found, importing.Found) else None,
        "problem": found.message if isinstance(found, SignInError) else "",
        "places": importing.places(spec),
        "accounts": Account.objects.filter(provider=spec.id).order_by("priority", "id"),
        "token_hint": TOKEN_HINTS.get(spec.id),
        "key_stores": key_stores.NOTES.get(spec.id, ()),
        "remote": not is_loopback(request.get_host().rpartition(":")[0].strip("[]") or request.get_host()),
        "accounts_url": f"{reverse('admin:providers_account_changelist')}?provider={spec.id}",
    }


@page(
    "catalog/connect-progress", title="Progress", section="", permission=PERMISSION, route="<str:provider>/"
)
def progress(request: HttpRequest, provider: str) -> HttpResponse:
    """Asked by the page's script, by POST: it may make the gateway ask the vendor."""
    spec = _spec(provider)
    row = sessions.find(request.POST.get("state", ""), spec.id)
    if row is None or request.method != "POST":
        raise Http404
    row = sessions.poll(row, spec)
    done = row.status == SignIn.Status.DONE and row.account_id
    return JsonResponse(
        {
            "status": row.status,
            "message": row.message,
            "left": max(0, math.ceil((row.expires_at - timezone.now()).total_seconds())),
            "account": reverse("admin:providers_account_change", args=(row.account_id,)) if done else "",
        }
    )


def qr_code(address: str) -> SafeString:
    """As SVG, dark on light in every theme, since scanners want it so."""
    code = segno.make(address, error="m")
    drawn = code.svg_inline(
        scale=4, border=3, dark="#0f172a", light="#ffffff", title="QR code of the address"
    )
    return mark_safe(drawn)  # noqa: S308  (drawn from squares; the address is in it only as squares)


def _spec(provider: str) -> ProviderSpec:
    spec = find_spec(provider)
    if spec is None or spec.oauth is None:
        raise Http404(f"There is no sign-in for {provider}")
    return spec


def _again(request: HttpRequest, spec: ProviderSpec) -> Account | None:
    chosen = request.POST.get("account") or request.GET.get("account") or ""
    return Account.objects.filter(pk=chosen, provider=spec.id).first() if chosen.isdecimal() else None


def _act(request: HttpRequest, spec: ProviderSpec) -> HttpResponse:
    """One of the page's buttons, then back to the page: a reload repeats nothing."""
    again = _again(request, spec)
    state = request.POST.get("state", "")
    try:
        if problem := offer.refusal(spec):
            raise SignInError(problem)
        action = request.POST.get("action", "")
        if action in _BEGINNINGS and spec.terms_warning and not request.POST.get("read"):
            raise SignInError("Confirm that you have read the warning first")
        if action in ("import", "upload", "token"):
            account = importing.adopt(spec, _tokens(request, spec, action), again)
            messages.success(request, f"Connected as {account.name}.")
            return HttpResponseRedirect(reverse("admin:providers_account_change", args=(account.pk,)))
        state = _proceed(request, spec, action, again).state
    except SignInError as error:
        messages.error(request, error.advice)
    query = f"?sign-in={state}" if state else f"?account={again.pk}" if again else ""
    return HttpResponseRedirect(request.path + query)


_BEGINNINGS = ("code", "manual", "device", "social", "import", "upload", "token")


def _proceed(request: HttpRequest, spec: ProviderSpec, action: str, again: Account | None) -> SignIn:
    home = request.build_absolute_uri("/")
    if action in ("code", "manual"):
        return sessions.begin_code(spec, manual=action == "manual", again=again, home=home)
    if action == "device":
        options = {"region": request.POST.get("region", ""), "startUrl": request.POST.get("start_url", "")}
        return sessions.begin_device(spec, {name: text.strip() for name, text in options.items()}, again)
    if action == "social":
        return sessions.begin_social(spec, request.POST.get("idp", ""), again=again, home=home)
    row = sessions.find(request.POST.get("state", ""), spec.id)
    if action != "paste" or row is None:
        raise SignInError("This sign-in is not known any more: begin again")
    return sessions.finish(row, spec, read_callback(request.POST.get("pasted", "")))


def _tokens(request: HttpRequest, spec: ProviderSpec, action: str) -> Tokens:
    if action == "token":
        return importing.of_text(spec, request.POST.get("token", ""))
    if action == "upload":
        file: Any = request.FILES.get("file")
        if file is None:
            raise SignInError("Choose a file first")
        if file.size > importing.MAX_DATABASE_BYTES:
            raise SignInError("The file is too large for a credential file")
        found = importing.read_upload(spec, file.read(), Path(file.name or "file").name)
        messages.info(request, f"{found.place}: {', '.join(found.summary)}.")
        return found.tokens
    looked = importing.look(spec)
    if isinstance(looked, SignInError):
        raise looked
    if looked is None:
        raise SignInError("The file is gone")
    return looked.tokens
