"""Kiro's tokens: of AWS IAM Identity Center, of Kiro's own Google and GitHub sign-in, of a company's directory.

Source: docs/protocol-notes.md, Kiro. `secrets` holds the client that AWS registered for this installation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode, urljoin

from omniroute.types import JSONDict
from providers.oauth.answers import SignInError, Tokens, objects_of, parse_tokens, text_of
from providers.oauth.asking import DEVICE_GRANT, Asking
from providers.oauth.spec import OAuthSpec
from providers.oauth.vendors.base import Vendor
from providers.spec import Endpoint

SOCIAL_PATH = "/oauth/callback"
IDPS = {"google": "Google", "github": "Github"}
"""As Kiro spells them, by what its page calls them."""
BUILDER_ID, IDC, SOCIAL, EXTERNAL = "builder-id", "idc", "social", "external_idp"
_PROFILES = "AmazonCodeWhispererService.ListAvailableProfiles"
_MODELS = "AmazonCodeWhispererService.ListAvailableModels"
_ISSUER = "https://identitycenter.amazonaws.com/ssoins-722374e8c3c8e6c6"
_BAD_CLIENT = frozenset({"invalid_client", "unauthorized_client"})


async def register_client(asking: Asking, own_directory: bool) -> dict[str, str]:
    """A client of this installation's own. Its secret is no more public than a token."""
    fields: dict[str, Any] = {
        "clientName": "kiro-oauth-client",
        "clientType": "public",
        "scopes": list(asking.oauth.scopes),
        "grantTypes": [DEVICE_GRANT, "refresh_token"],
    }
    if not own_directory:
        fields["issuerUrl"] = _ISSUER
    body = await asking.post(asking.oauth.register_url, fields)
    client = {"clientId": text_of(body, "clientId"), "clientSecret": text_of(body, "clientSecret")}
    if not all(client.values()):
        raise SignInError("AWS registered no client", code="bad_answer")
    return client


def social_url(oauth: OAuthSpec, idp: str, *, state: str, challenge: str, redirect_uri: str) -> str:
    """Kiro's page wants the redirect without its path, which it adds, with the choice that people made there."""
    query = {
        **oauth.authorize_params,
        "redirect_uri": redirect_uri.removesuffix(SOCIAL_PATH),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "state": state,
        "signin_methods": idp.lower(),
    }
    return f"{oauth.social_page}?{urlencode(query, quote_via=quote)}"


async def exchange_social(
    asking: Asking, *, code: str, verifier: str, redirect_uri: str, option: str
) -> Tokens:
    """`option`: what people chose at Kiro's page; a directory's sign-in comes back to it, too, but not to this."""
    idp = IDPS.get(option.lower())
    if idp is None:
        raise SignInError("Choose Google or GitHub at Kiro's page, or get a code here", code="wrong_option")
    fields = {
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": f"{redirect_uri}?login_option={quote(option)}",
    }
    vendor = Kiro()
    tokens = vendor.read(await asking.post(f"{asking.oauth.social_url}/oauth/token", fields))
    return await vendor.identify(asking, tokens.with_data(authMethod=SOCIAL, idp=idp))


class Kiro(Vendor):
    lists_models = True

    def read(self, body: Any) -> Tokens:
        return parse_tokens(body).with_data(profileArn=text_of(body, "profileArn"))

    async def identify(self, asking: Asking, tokens: Tokens) -> Tokens:
        """Finds the profile. A Builder ID may have none, which is no error."""
        if not tokens.data.get("profileArn"):
            try:
                body = await _ask_service(asking, tokens, _PROFILES, {"maxResults": 10})
            except SignInError:
                body = None
            tokens = tokens.with_data(profileArn=_first_profile(body))
        return replace(await _with_owner(asking, tokens), plan=tokens.plan or _spoken(tokens.data))

    async def probe(self, asking: Asking, tokens: Tokens, endpoint: Endpoint) -> None:
        """Some ways to sign in may not ask this, though their chats are served: that tells nothing about the token."""
        try:
            await _ask_service(asking, tokens, _PROFILES, {"maxResults": 10})
        except SignInError as error:
            bad = any(said in error.message.lower() for said in asking.oauth.expired_messages)
            if error.status == 403 and not bad:
                raise SignInError(error.message, code="not_told") from error
            raise

    async def list_models(self, asking: Asking, tokens: Tokens, endpoint: Endpoint) -> list[JSONDict]:
        arn = tokens.data.get("profileArn")
        fields = {"origin": "AI_EDITOR", **({"profileArn": arn} if arn else {})}
        body = await _ask_service(asking, tokens, _MODELS, fields)
        return [_described(model) for model in objects_of(body, "models")]

    async def renew(self, asking: Asking, tokens: Tokens) -> Tokens:
        method = tokens.data.get("authMethod")
        if method == EXTERNAL and tokens.secrets.get("tokenEndpoint"):
            return self.renewed(tokens, await self._external(asking, tokens))
        if method in (BUILDER_ID, IDC) and tokens.secrets.get("clientId"):
            return await self._of_directory(asking, tokens)
        url = f"{asking.oauth.social_url}/refreshToken"
        return self.renewed(tokens, await self._ask(asking, url, {"refreshToken": tokens.refresh}))

    async def _of_directory(self, asking: Asking, tokens: Tokens) -> Tokens:
        """AWS forgets registered clients after some 90 days: then another one is registered, once."""
        client: Mapping[str, Any] = {name: tokens.secrets.get(name) for name in ("clientId", "clientSecret")}
        fields = {"refreshToken": tokens.refresh, "grantType": "refresh_token"}
        try:
            body = await self._ask(asking, asking.oauth.token_url, {**client, **fields})
        except SignInError as error:
            if error.code not in _BAD_CLIENT:
                raise
            client = await register_client(asking, tokens.data.get("authMethod") == IDC)
            body = await self._ask(asking, asking.oauth.token_url, {**client, **fields})
        return self.renewed(tokens, body).with_secrets(**client)

    async def _external(self, asking: Asking, tokens: Tokens) -> Any:
        fields = {
            "grant_type": "refresh_token",
            "refresh_token": tokens.refresh,
            "client_id": str(tokens.secrets.get("clientId", "")),
        }
        return await self._ask(asking, str(tokens.secrets["tokenEndpoint"]), fields, "form")

    async def _ask(self, asking: Asking, url: str, fields: Mapping[str, Any], encoding: Any = "json") -> Any:
        try:
            return await asking.post(url, fields, encoding)
        except SignInError as error:
            error.fatal = error.fatal or error.status in self.fatal_statuses
            raise


async def _ask_service(asking: Asking, tokens: Tokens, target: str, fields: Mapping[str, Any]) -> JSONDict:
    """An operation of CodeWhisperer's own, in its JSON protocol."""
    headers = {
        "authorization": f"Bearer {tokens.access}",
        "x-amz-target": target,
        "content-type": "application/x-amz-json-1.0",
    }
    return await asking.post(asking.oauth.profile_url, fields, headers=headers)


async def _with_owner(asking: Asking, tokens: Tokens) -> Tokens:
    """Tokens say nothing about whose they are, but what is left of the plan comes with an address. The same address may
    have a Builder ID and a Google sign-in: two accounts."""
    url = urljoin(asking.oauth.profile_url, "getUsageLimits")
    asked = {"isEmailRequired": "true", "origin": "AI_EDITOR", "resourceType": "AGENTIC_REQUEST"}
    if arn := tokens.data.get("profileArn"):
        asked["profileArn"] = str(arn)
    try:
        body = await asking.get(url, {"authorization": f"Bearer {tokens.access}"}, asked)
    except SignInError:
        return tokens
    email = text_of(body.get("userInfo"), "email")
    if not email:
        return tokens
    way = tokens.data.get("idp") or tokens.data.get("authMethod") or ""
    return replace(tokens, email=email, external_id=f"{way}:{email}".lower())


def _described(model: JSONDict) -> JSONDict:
    limits = model.get("tokenLimits")
    return {
        "id": text_of(model, "modelId"),
        "name": text_of(model, "modelName"),
        "context_length": limits.get("maxInputTokens") if isinstance(limits, dict) else None,
    }


def _first_profile(body: Any) -> str:
    profiles = body.get("profiles") if isinstance(body, dict) else None
    return text_of(profiles[0], "arn") if isinstance(profiles, list) and profiles else ""


def _spoken(data: Mapping[str, Any]) -> str:
    method = data.get("authMethod")
    return {BUILDER_ID: "AWS Builder ID", IDC: "IAM Identity Center", EXTERNAL: "Company directory"}.get(
        str(method), str(data.get("idp", ""))
    )
