"""Sign-ins that the vendors' own programs have made: their credential files, read and told about without a secret.

Source: docs/protocol-notes.md, Subscriptions.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from django.utils import timezone

from providers import outgoing
from providers.models import Account
from providers.oauth import kiro_files
from providers.oauth.accounts import keep
from providers.oauth.answers import SignInError, Tokens, expiry_of_jwt, moment_of, text_of
from providers.oauth.asking import DEFAULT_REGION, Asking
from providers.oauth.sessions import oauth_of
from providers.oauth.vendors import vendor_of
from providers.oauth.vendors.codex import with_claims
from providers.oauth.vendors.iflow import COOKIE
from providers.spec import ProviderSpec

MAX_BYTES = 1 << 20
MAX_DATABASE_BYTES = 64 << 20
COOKIE_PREFIX = "BXAuth="
_SQLITE = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class Found:
    """A sign-in in a file. `summary` is for people."""

    tokens: Tokens = field(repr=False)
    place: str

    @property
    def summary(self) -> list[str]:
        tokens = self.tokens
        told = [
            tokens.email and f"account {tokens.email}",
            tokens.plan and f"plan {tokens.plan}",
            _life(tokens),
            "with a refresh token" if tokens.refresh else "without a refresh token: it ends for good",
        ]
        return [line for line in told if line]


def _life(tokens: Tokens) -> str:
    if tokens.expires_at is None:
        return ""
    ended = tokens.expires_at <= timezone.now()
    return f"token {'ended' if ended else 'ends'} {tokens.expires_at:%Y-%m-%d %H:%M} UTC"


def places(spec: ProviderSpec) -> list[Path]:
    """Where the vendor's program may keep its sign-in. A variable that is not set leaves its place out."""
    found = []
    for text in spec.oauth.credential_files if spec.oauth else ():
        expanded = os.path.expandvars(os.path.expanduser(text))
        if "$" not in expanded:
            found.append(Path(expanded))
    return found


def look(spec: ProviderSpec) -> Found | SignInError | None:
    """The sign-in on the gateway's machine, why it cannot be read, or None where there is no file."""
    problem: SignInError | None = None
    for path in places(spec):
        if path.is_file():
            try:
                return read_file(spec, path)
            except SignInError as error:
                problem = problem or error
    return problem


def read_file(spec: ProviderSpec, path: Path) -> Found:
    """Raise `SignInError`."""
    try:
        limit = MAX_DATABASE_BYTES if path.suffix == ".sqlite3" else MAX_BYTES
        if path.stat().st_size > limit:
            raise SignInError(f"{path} is too large for a credential file", code="bad_file")
        if path.suffix == ".sqlite3":
            return Found(kiro_files.of_database(path), str(path))
        content = path.read_bytes()
    except OSError as error:
        raise SignInError(f"{path} cannot be read: {error.strerror}", code="bad_file") from None
    return Found(parse(spec, content, beside=path.parent), str(path))


def read_upload(spec: ProviderSpec, content: bytes, name: str) -> Found:
    """Raise `SignInError`."""
    if content.startswith(_SQLITE) and spec.id == "kiro":
        return Found(kiro_files.of_uploaded_database(content), name)
    if len(content) > MAX_BYTES:
        raise SignInError("The file is too large for a credential file", code="bad_file")
    return Found(parse(spec, content), name)


def parse(spec: ProviderSpec, content: bytes, beside: Path | None = None) -> Tokens:
    """`beside`: the folder that the file came from, for what else it needs. Raise `SignInError`."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise SignInError(
            "The file is not JSON: it may be encrypted, or another file", code="bad_file"
        ) from None
    reader = _READERS.get(spec.id)
    if reader is None:
        raise SignInError(f"Nothing is known about files of {spec.name}", code="not_offered")
    tokens = kiro_files.of_json(body, beside) if spec.id == "kiro" else reader(body)
    if tokens is None or not (tokens.access or tokens.refresh or tokens.api_key):
        raise SignInError(f"The file holds no sign-in of {spec.name}", code="bad_file")
    return tokens


def of_text(spec: ProviderSpec, text: str) -> Tokens:
    """What somebody pasted: the content of a credential file, or a token on its own (of `claude setup-token`, a GitHub
    token, a refresh token of Kiro, a cookie of iFlow's console). Raise `SignInError`."""
    if text.lstrip().startswith("{"):
        return parse(spec, text.encode("utf-8", "replace"))
    token = "".join(text.split())
    if not token or not token.isascii() or not token.isprintable():
        raise SignInError("This is not a token", code="bad_token")
    if spec.id == "claude" and token.startswith("sk-ant-oat"):
        return Tokens(access=token, scope="user:inference")
    if spec.id == "github" and token.startswith(("ghu_", "gho_", "ghp_", "github_pat_")):
        return Tokens(access=token)
    if spec.id == "kiro" and token.startswith("aorAAAAAG"):
        return Tokens(refresh=token, data={"authMethod": "imported"})
    if spec.id == "iflow" and token.startswith(COOKIE_PREFIX):
        cookie = token.removeprefix(COOKIE_PREFIX).partition(";")[0]
        return Tokens(refresh=cookie, data={"authMethod": COOKIE})
    raise SignInError(f"This is not a token of {spec.name} that can be used on its own", code="bad_token")


def adopt(spec: ProviderSpec, tokens: Tokens, again: Account | None = None) -> Account:
    """Make an account of what was found. Asks the vendor whose it is, where that can be asked. Raise `SignInError`."""
    return keep(spec, async_to_sync(_completed)(spec, tokens), again)


async def _completed(spec: ProviderSpec, tokens: Tokens) -> Tokens:
    oauth, vendor = oauth_of(spec), vendor_of(spec.id)
    hidden = tuple(filter(None, (tokens.access, tokens.refresh, tokens.id_token, tokens.api_key)))
    async with outgoing.client(provider=spec.id) as http:
        asking = Asking(oauth, http, str(tokens.data.get("region") or DEFAULT_REGION), hidden)
        if not tokens.access and tokens.refresh:
            tokens = await vendor.renew(asking, tokens)
        ended = tokens.expires_at is not None and tokens.expires_at <= timezone.now()
        if ended or tokens.api_key:
            return tokens  # renewed before its first use
        found = await vendor.identify(asking, tokens)
    plan = found.plan or tokens.plan
    return replace(found, plan=plan, data={**tokens.data, **found.data})


def _claude(body: Any) -> Tokens | None:
    kept = body.get("claudeAiOauth") if isinstance(body, Mapping) else None
    if not isinstance(kept, Mapping):
        return None
    scopes = kept.get("scopes")
    tier = text_of(kept, "rateLimitTier")
    return Tokens(
        access=text_of(kept, "accessToken"),
        refresh=text_of(kept, "refreshToken"),
        expires_at=moment_of(kept.get("expiresAt")),
        scope=" ".join(map(str, scopes)) if isinstance(scopes, list) else "",
        plan=text_of(kept, "subscriptionType").capitalize(),
    ).with_data(rateLimitTier=tier)


def _codex(body: Any) -> Tokens | None:
    kept = body.get("tokens") if isinstance(body, Mapping) else None
    if not isinstance(kept, Mapping):
        if text_of(body, "OPENAI_API_KEY"):
            raise SignInError(
                "Codex is used with an API key: add it as an account of OpenAI", code="bad_file"
            )
        return None
    access = text_of(kept, "access_token")
    tokens = Tokens(
        access=access,
        refresh=text_of(kept, "refresh_token"),
        id_token=text_of(kept, "id_token"),
        external_id=text_of(kept, "account_id"),
        expires_at=expiry_of_jwt(access),
    )
    return with_claims(tokens.with_data(accountId=tokens.external_id))


def _plain(body: Any) -> Tokens | None:
    """Gemini CLI's and Qwen Code's files, and iFlow's first one."""
    if not isinstance(body, Mapping):
        return None
    access = text_of(body, "access_token")
    return Tokens(
        access=access,
        refresh=text_of(body, "refresh_token"),
        id_token=text_of(body, "id_token"),
        api_key=text_of(body, "apiKey", "iflowApiKey"),
        expires_at=moment_of(body.get("expiry_date")),
        scope=text_of(body, "scope"),
    ).with_data(resourceUrl=text_of(body, "resource_url"))


def _github(body: Any) -> Tokens | None:
    for entry in body.values() if isinstance(body, Mapping) else ():
        if token := text_of(entry, "oauth_token"):
            return Tokens(access=token, refresh=token, email=text_of(entry, "user"))
    return None


_READERS: dict[str, Callable[[Any], Tokens | None]] = {
    "claude": _claude,
    "codex": _codex,
    "gemini-cli": _plain,
    "github": _github,
    "iflow": _plain,
    "qwen": _plain,
    "kiro": kiro_files.of_json,
}
