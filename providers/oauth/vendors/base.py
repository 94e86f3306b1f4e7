"""How tokens are read, told apart and renewed where a vendor keeps to the standard (RFC 6749)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from omniroute.types import JSONDict
from providers.oauth.answers import SignInError, Tokens, parse_tokens
from providers.oauth.asking import Asking
from providers.spec import Endpoint


class Vendor:
    """Stateless. Methods raise `SignInError`."""

    fatal_statuses: frozenset[int] = frozenset({401})
    """Of a renewal: the refresh token is dead, whatever the body says."""
    fatal_codes: frozenset[str] = frozenset()

    def read(self, body: Any) -> Tokens:
        """A token endpoint's answer."""
        return parse_tokens(body)

    async def identify(self, asking: Asking, tokens: Tokens) -> Tokens:
        """After a sign-in: add whose account it is, and what else requests will need."""
        return tokens

    async def probe(self, asking: Asking, tokens: Tokens, endpoint: Endpoint) -> None:
        """Ask something that only a good token is answered; nothing, where a vendor has nothing to ask."""

    lists_models = False

    async def list_models(self, asking: Asking, tokens: Tokens, endpoint: Endpoint) -> list[JSONDict]:
        """What the vendor lists for this account, in the words of OpenAI's list: `id`, `name`, `context_length`."""
        return []

    async def renew(self, asking: Asking, tokens: Tokens) -> Tokens:
        """New tokens for old ones. A refresh token that is not replaced stays; `data` and `secrets` are kept."""
        fields = {"grant_type": "refresh_token", "refresh_token": tokens.refresh}
        if asking.oauth.refresh_scopes:
            fields["scope"] = " ".join(asking.oauth.refresh_scopes)
        return self.renewed(tokens, await self.ask_renewal(asking, fields))

    async def ask_renewal(self, asking: Asking, fields: dict[str, str]) -> Any:
        oauth = asking.oauth
        try:
            return await asking.grant(fields, oauth.refresh_url, oauth.refresh_encoding)
        except SignInError as error:
            error.fatal = error.fatal or error.status in self.fatal_statuses or error.code in self.fatal_codes
            raise

    def renewed(self, old: Tokens, body: Any) -> Tokens:
        new = self.read(body)
        return replace(
            new,
            refresh=new.refresh or old.refresh,
            id_token=new.id_token or old.id_token,
            scope=new.scope or old.scope,
            email=new.email or old.email,
            plan=new.plan or old.plan,
            external_id=new.external_id or old.external_id,
            data={**old.data, **new.data},
            secrets={**old.secrets, **new.secrets},
        )
