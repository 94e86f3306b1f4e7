"""Management API of sign-ins (docs/protocol-notes.md, Sign-in in general). No answer holds a token."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Router
from pydantic import StringConstraints

from omniroute.errors import ClientError, Forbidden, InvalidRequest, NotFound
from omniroute.schema import CamelModel, Line, StrictModel
from providers.accounts import find_spec
from providers.models import Account, SignIn
from providers.oauth import importing, offer, sessions
from providers.oauth.answers import SignInError
from providers.oauth.code_flow import read_callback
from providers.spec import ProviderSpec

router = Router(tags=["Sign-in"], by_alias=True)

Pasted = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000)]
Content = Annotated[str, StringConstraints(max_length=1_000_000)]


class Begun(CamelModel):
    state: str
    flow: str
    auth_url: str | None = None
    """To be opened in a browser."""
    redirect_uri: str | None = None
    user_code: str | None = None
    verification_uri: str | None = None
    interval: float | None = None
    """Seconds between questions."""
    expires_at: datetime
    status_note: str
    terms_warning: str


class ExchangeIn(StrictModel):
    state: Line
    code: Pasted = ""
    """The code, `code#state`, or the whole address that the browser was sent back to."""


class PollIn(StrictModel):
    state: Line


class Progress(CamelModel):
    status: str
    message: str
    connection_id: str | None


class ImportIn(StrictModel):
    content: Content = ""
    """Of the credential file; empty, with `token` empty too: the file on the gateway's own machine."""
    token: Pasted = ""


class FoundFile(CamelModel):
    path: str
    summary: list[str]


class Places(CamelModel):
    paths: list[str]
    found: FoundFile | None
    problem: str | None


@router.get("/oauth/{provider}/authorize", response=Begun)
def authorize(
    request: HttpRequest, provider: str, manual: bool = False, connection: str = "", idp: str = ""
) -> Begun:
    """Begin a sign-in in the browser. `manual`: the vendor's page shows the code; `connection`: sign in again; `idp`:
    Google or Github (Kiro)."""
    spec, again = _offered(provider), _again(provider, connection)
    with _told():
        home = request.build_absolute_uri("/")
        if idp:
            return _begun(sessions.begin_social(spec, idp, again=again, home=home), spec)
        return _begun(sessions.begin_code(spec, manual=manual, again=again, home=home), spec)


@router.post("/oauth/{provider}/exchange", response=Progress)
def exchange(request: HttpRequest, provider: str, body: ExchangeIn) -> Progress:
    """End a sign-in that began in the browser: the code, or the whole address that the browser came back to."""
    spec = _offered(provider)
    row = _sign_in(body.state, spec)
    with _told():
        return _progress(sessions.finish(row, spec, read_callback(body.code)))


@router.get("/oauth/{provider}/device-code", response=Begun)
def device_code(
    request: HttpRequest, provider: str, connection: str = "", region: str = "", start_url: str = ""
) -> Begun:
    """Begin a device flow. `region` and `start_url`: of an AWS directory (Kiro)."""
    spec, again = _offered(provider), _again(provider, connection)
    with _told():
        row = sessions.begin_device(spec, {"region": region, "startUrl": start_url}, again)
        return _begun(row, spec)


@router.post("/oauth/{provider}/poll", response=Progress)
def poll(request: HttpRequest, provider: str, body: PollIn) -> Progress:
    """`status` is pending, done, failed or expired. Asking more often than the vendor allows costs nothing."""
    spec = _offered(provider)
    with _told():
        return _progress(sessions.poll(_sign_in(body.state, spec), spec))


@router.get("/oauth/{provider}/import", response=Places)
def find_file(request: HttpRequest, provider: str) -> Places:
    """Where the vendor's own program keeps its sign-in on the gateway's machine, and what is there."""
    spec = _offered(provider)
    found = importing.look(spec)
    shown = FoundFile(path=found.place, summary=found.summary) if isinstance(found, importing.Found) else None
    problem = found.message if isinstance(found, SignInError) else None
    return Places(paths=[str(path) for path in importing.places(spec)], found=shown, problem=problem)


@router.post("/oauth/{provider}/import", response=Progress)
def import_file(request: HttpRequest, provider: str, body: ImportIn) -> Progress:
    """Make an account of a sign-in of the vendor's own program: of its file on this machine, the file's `content`, or a
    `token`."""
    spec = _offered(provider)
    with _told():
        if body.token:
            tokens = importing.of_text(spec, body.token)
        elif body.content:
            tokens = importing.parse(spec, body.content.encode())
        else:
            found = importing.look(spec)
            if found is None:
                raise NotFound("There is no credential file on the gateway's machine")
            if isinstance(found, SignInError):
                raise found
            tokens = found.tokens
        account = importing.adopt(spec, tokens)
    return Progress(status="done", message=f"Connected as {account.name}", connection_id=str(account.pk))


class _told:
    """Puts a `SignInError` into the API's own words."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SignInError):
            raise ClientError(error.message, status=400, code=error.code or "sign_in_failed") from None


def _offered(provider: str) -> ProviderSpec:
    """Raise `NotFound`, or `Forbidden` for a discontinued provider that nobody opted in to."""
    spec = find_spec(provider)
    if spec is None or spec.oauth is None:
        raise NotFound(f"{provider!r} is no provider that one signs in to")
    if problem := offer.refusal(spec):
        raise Forbidden(problem, code="discontinued")
    return spec


def _again(provider: str, connection: str) -> Account | None:
    if not connection:
        return None
    spec = find_spec(provider)
    row = Account.objects.filter(pk=connection if connection.isdecimal() else -1).first()
    if row is None or spec is None or row.provider != spec.id:
        raise InvalidRequest("There is no such connection of this provider", param="connection")
    return row


def _sign_in(state: str, spec: ProviderSpec) -> SignIn:
    row = sessions.find(state, spec.id)
    if row is None:
        raise NotFound("There is no such sign-in")
    return row


def _begun(row: SignIn, spec: ProviderSpec) -> Begun:
    device = row.flow == "device"
    return Begun(
        state=row.state,
        flow=row.flow,
        auth_url=None if device else row.verification_uri,
        redirect_uri=row.redirect_uri or None,
        user_code=row.user_code or None,
        verification_uri=row.verification_uri if device else None,
        interval=row.interval_s if device else None,
        expires_at=row.expires_at,
        status_note=spec.status_note,
        terms_warning=spec.terms_warning,
    )


def _progress(row: SignIn) -> Progress:
    done = row.status == SignIn.Status.DONE
    return Progress(
        status=row.status,
        message=row.message,
        connection_id=str(row.account_id) if done and row.account_id else None,
    )
