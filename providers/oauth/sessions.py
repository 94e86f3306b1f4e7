"""Sign-ins from their beginning to their end. Blocking: for views, commands and the management API.

What has to be kept meanwhile is in the database (`SignIn`), so that any process can go on with it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from providers import outgoing
from providers.models import Account, SignIn
from providers.oauth import code_flow, listener
from providers.oauth.accounts import keep
from providers.oauth.answers import SignInError, Tokens
from providers.oauth.asking import DEFAULT_REGION, PAUSES_S, Asking, client_secret
from providers.oauth.code_flow import Callback
from providers.oauth.device import DeviceCode, Waiting, dialect_of
from providers.oauth.spec import OAuthSpec
from providers.oauth.vendors import vendor_of
from providers.oauth.vendors.kiro import IDPS, exchange_social, social_url
from providers.spec import ProviderSpec

CODE_LIFE = timedelta(minutes=10)
_TURN = timedelta(seconds=60)
"""How long a question to the vendor may take before somebody else may ask."""
KEPT = timedelta(days=1)
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")

T = TypeVar("T")
Work = Callable[[Asking], Awaitable[T]]


def oauth_of(spec: ProviderSpec) -> OAuthSpec:
    if spec.oauth is None:
        raise SignInError(f"{spec.name} has API keys, no sign-in", code="not_offered")
    return spec.oauth


def begin_code(
    spec: ProviderSpec, *, manual: bool = False, again: Account | None = None, home: str = ""
) -> SignIn:
    """`manual`: the vendor's page shows the code, for a browser that cannot reach the gateway's machine. `home`: where
    a listener sends the browser on to. The address to open is `verification_uri`. Raise `SignInError`."""
    oauth = oauth_of(spec)
    client_secret(oauth)
    state, verifier = code_flow.random_text(), code_flow.random_text()
    message = ""
    if manual and oauth.manual_redirect_uri:
        redirect_uri = oauth.manual_redirect_uri
    else:
        port, message = _port(oauth, home)
        redirect_uri = oauth.redirect_uri.replace("{port}", str(port))
    url = code_flow.authorize_url(oauth, state=state, verifier=verifier, redirect_uri=redirect_uri)
    return _begin(
        spec,
        "code",
        state,
        {"verifier": verifier},
        again,
        uri=url,
        redirect_uri=redirect_uri,
        message=message,
    )


def _port(oauth: OAuthSpec, home: str) -> tuple[int, str]:
    """Where the vendor sends the browser, and what there is to say about it."""
    if not oauth.listen_ports:
        return settings.PORT, ""
    life_s = CODE_LIFE.total_seconds()
    port = listener.listen(oauth.listen_ports, home, life_s, settings.HOST) if home else None
    if port is not None or not home:
        return port or oauth.listen_ports[0], ""
    taken = ", ".join(map(str, oauth.listen_ports))
    return (
        oauth.listen_ports[0],
        f"Other programs hold the ports that it comes back to ({taken}): paste the address that the browser is sent to",
    )


def begin_social(spec: ProviderSpec, idp: str, *, again: Account | None = None, home: str = "") -> SignIn:
    """`idp`: Google or Github. `home`: where a listener sends the browser on to. Raise `SignInError`."""
    oauth = oauth_of(spec)
    if "social" not in oauth.flows or idp not in IDPS.values():
        raise SignInError(f"Choose one of: {', '.join(IDPS.values())}", code="not_offered")
    state, verifier = code_flow.random_text(), code_flow.random_text()
    port, message = _port(oauth, home)
    redirect_uri = oauth.redirect_uri.replace("{port}", str(port))
    challenge = code_flow.challenge_of(verifier)
    return _begin(
        spec,
        "social",
        state,
        {"verifier": verifier},
        again,
        uri=social_url(oauth, idp, state=state, challenge=challenge, redirect_uri=redirect_uri),
        options={"idp": idp},
        redirect_uri=redirect_uri,
        message=message,
    )


def begin_device(
    spec: ProviderSpec, options: Mapping[str, str] | None = None, again: Account | None = None
) -> SignIn:
    """Ask the vendor for a code. `options`: `region` and `startUrl` of an AWS directory. Raise `SignInError`."""
    chosen = {name: text for name, text in (options or {}).items() if text}
    if not _REGION.fullmatch(chosen.get("region", DEFAULT_REGION)):
        raise SignInError("This is no AWS region: write it like us-east-1", code="bad_region")
    if not chosen.get("startUrl", "https://").startswith("https://"):
        raise SignInError("The start URL begins with https://", code="bad_start_url")

    async def ask(asking: Asking) -> DeviceCode:
        return await dialect_of(asking).begin(asking, chosen)

    code = _with_vendor(spec, ask, chosen.get("region", ""))
    return _begin(
        spec,
        "device",
        code_flow.random_text(),
        dict(code.secrets),
        again,
        uri=code.page,
        options=chosen,
        life=timedelta(seconds=code.life_s),
        user_code=code.user_code,
        interval_s=code.interval_s,
        next_poll_at=timezone.now() + timedelta(seconds=code.interval_s),
    )


def _begin(
    spec: ProviderSpec,
    flow: str,
    state: str,
    secrets: dict[str, Any],
    again: Account | None,
    *,
    uri: str,
    life: timedelta = CODE_LIFE,
    **fields: Any,
) -> SignIn:
    row = SignIn(provider=spec.id, flow=flow, state=state, account=again, verification_uri=uri, **fields)
    row.secrets = secrets
    row.expires_at = timezone.now() + life
    row.save()
    return row


def find(state: str, provider: str = "") -> SignIn | None:
    rows = SignIn.objects.filter(state=state, **({"provider": provider} if provider else {}))
    return rows.select_related("account").first() if state else None


def finish(row: SignIn, spec: ProviderSpec, came_back: Callback) -> SignIn:
    """What the browser brought back for tokens. Works once: whoever comes second is told so. Raise `SignInError`."""
    _expire(row)
    if row.status != SignIn.Status.PENDING or not _take_turn(row):
        raise SignInError("This sign-in is over or being finished already: begin again", code="used")
    if came_back.state and came_back.state != row.state:
        _give_turn_back(row)
        raise SignInError(
            "This belongs to another sign-in: open the page again, and paste what comes of that",
            code="wrong_state",
        )
    if came_back.error:
        return _fail(row, f"The vendor refused: {came_back.said or came_back.error}", came_back.error)
    verifier = str(row.secrets.get("verifier", ""))

    async def exchange(asking: Asking) -> Tokens:
        if row.flow == "social":
            return await exchange_social(
                asking,
                code=came_back.code,
                verifier=verifier,
                redirect_uri=row.redirect_uri,
                option=came_back.option or str(row.options.get("idp", "")),
            )
        return await code_flow.exchange(
            asking,
            row.provider,
            code=came_back.code,
            state=row.state,
            verifier=verifier,
            redirect_uri=row.redirect_uri,
        )

    try:
        return _done(row, spec, _with_vendor(spec, exchange))
    except SignInError as error:
        if came_back.state and not error.transient:
            return _fail(row, error.message)
        _give_turn_back(row)  # the code may still be good; or it was none: browsers bring the state along
        raise


def poll(row: SignIn, spec: ProviderSpec) -> SignIn:
    """Where a device flow stands. Asks the vendor when its interval has passed, and never twice at once."""
    _expire(row)
    if row.status != SignIn.Status.PENDING or row.flow != "device" or not _take_turn(row):
        return row

    async def ask(asking: Asking) -> Tokens | Waiting:
        answer = await dialect_of(asking).poll(asking, row.secrets, row.interval_s)
        return await _identified(asking, row.provider, answer) if isinstance(answer, Tokens) else answer

    try:
        answer = _with_vendor(spec, ask, str(row.options.get("region", "")))
    except SignInError as error:
        if not error.transient:
            return _fail(row, error.message, error.code)
        answer = Waiting(row.interval_s)
        row.message = error.message[:500]
    else:
        row.message = ""
    if isinstance(answer, Tokens):
        return _done(row, spec, answer)
    row.interval_s = answer.interval_s
    row.next_poll_at = timezone.now() + timedelta(seconds=answer.interval_s)
    row.save(update_fields=["interval_s", "next_poll_at", "message"])
    return row


async def _identified(asking: Asking, provider: str, tokens: Tokens) -> Tokens:
    """The code is spent by now: what fails for a passing reason is tried again here, and is final after that."""
    for pause in (*PAUSES_S, None):
        try:
            return await vendor_of(provider).identify(asking, tokens)
        except SignInError as error:
            if pause is None or not error.transient:
                error.fatal = True
                raise
            await asyncio.sleep(pause)
    raise AssertionError("the last try returns or raises")


def forget_old() -> int:
    return SignIn.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]


def _take_turn(row: SignIn) -> bool:
    """Whether it is this caller's turn to ask the vendor."""
    now = timezone.now()
    free = Q(next_poll_at=None) | Q(next_poll_at__lte=now)
    rows = SignIn.objects.filter(free, pk=row.pk, status=SignIn.Status.PENDING)
    return bool(rows.update(next_poll_at=now + _TURN))


def _give_turn_back(row: SignIn) -> None:
    SignIn.objects.filter(pk=row.pk).update(next_poll_at=None)


def _expire(row: SignIn) -> None:
    """Unless somebody is about to finish it right now."""
    now = timezone.now()
    if row.status == SignIn.Status.PENDING and row.expires_at <= now and _take_turn(row):
        _end(row, SignIn.Status.EXPIRED, "Nobody signed in in time: begin again")


def _fail(row: SignIn, message: str, code: str = "") -> SignIn:
    if code == "expired_token":
        return _end(row, SignIn.Status.EXPIRED, "The code has expired: begin again")
    if code == "access_denied":
        message = "The sign-in was declined at the vendor's page"
    return _end(row, SignIn.Status.FAILED, message)


def _done(row: SignIn, spec: ProviderSpec, tokens: Tokens) -> SignIn:
    row.account = keep(spec, tokens, row.account)
    return _end(row, SignIn.Status.DONE, f"Connected as {row.account.name}")


def _end(row: SignIn, status: str, message: str) -> SignIn:
    """What was secret about it is forgotten."""
    row.status, row.message, row.private = status, message[:500], ""
    row.save()
    return row


def _with_vendor(spec: ProviderSpec, work: Work[T], region: str = "") -> T:
    async def run() -> T:
        async with outgoing.client(provider=spec.id) as http:
            return await work(Asking(oauth_of(spec), http, region or DEFAULT_REGION))

    return async_to_sync(run)()
