"""Gemini CLI's tokens. The project is found by the chat adapter. Source: docs/protocol-notes.md, Gemini CLI."""

from __future__ import annotations

from dataclasses import replace

from providers.adapters import code_assist_setup as setup
from providers.oauth.answers import SignInError, Tokens, text_of
from providers.oauth.asking import Asking
from providers.oauth.vendors.base import Vendor
from providers.spec import Endpoint


class GeminiCli(Vendor):
    async def probe(self, asking: Asking, tokens: Tokens, endpoint: Endpoint) -> None:
        """Whether Code Assist serves the account: Google signs in many that it does not serve."""
        project = str(tokens.data.get(setup.PROJECT) or "")
        url = f"{endpoint.base_url}:loadCodeAssist"
        try:
            loaded = await asking.post(url, setup.question(project), headers=_headers(tokens))
        except SignInError as error:
            if setup.PERIMETER in error.message:
                return
            raise
        if refusal := setup.hindrance(loaded, project):
            raise SignInError(refusal.message, code=refusal.code, status=refusal.status)

    async def identify(self, asking: Asking, tokens: Tokens) -> Tokens:
        try:
            body = await asking.get(asking.oauth.profile_url, _headers(tokens))
        except SignInError:
            return tokens
        return replace(tokens, email=text_of(body, "email"), external_id=text_of(body, "id", "sub"))


def _headers(tokens: Tokens) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens.access}"}
