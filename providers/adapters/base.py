"""What an adapter is."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from omniroute.errors import UpstreamError
from omniroute.registry import Registry
from omniroute.types import Fields, InboundRequest
from providers.config import AccountConfig
from providers.edits.base import items, text_of, value
from providers.spec import ProviderSpec

Rewrite = Callable[[bytes], bytes]
"""One event's data, or a whole body, into what the wire format would have there. Of one answer: it may keep state."""

_CONVERSATIONS = uuid.UUID("0d4c9a52-6a5e-5c7b-8f0e-2f4b8f6f3c11")


@dataclass(slots=True, eq=False)
class Draft:
    """A request to a provider, complete but for what its adapter does to it. One attempt's own: changed in place."""

    url: str
    headers: dict[str, str]
    """Lower-case names."""
    fields: Fields
    """The body's top level in the endpoint's wire format."""
    model: str
    format: str
    stream: bool
    """How the client wants its answer."""
    account: AccountConfig
    inbound: InboundRequest
    preferred_url: str = ""
    """See `Endpoint.preferred_url`."""

    def get(self, name: str) -> Any:
        """A decoded field, or None."""
        return value(self.fields.get(name))

    def said(self, name: str) -> str:
        """A header of the client's, or ""."""
        return self.inbound.headers.get(name, "")

    def forward(self, *names: str) -> None:
        """Pass on headers of the client's; a name that ends with `*` is a prefix."""
        for name, text in self.inbound.headers.items():
            if any(name.startswith(n[:-1]) if n.endswith("*") else name == n for n in names):
                self.headers[name] = text

    def move(self, base: str) -> None:
        """To another host, keeping path and query, unless the account has an address of its own."""
        if base and not self.account.base_url:
            there = urlsplit(base if "//" in base else f"https://{base}")
            here = urlsplit(self.url)
            self.url = urlunsplit((there.scheme, there.netloc, here.path, here.query, ""))

    def conversation_id(self, field: str, *further: str) -> str:
        """The same for every turn of a conversation at this account: of the user's first words and `further` fields."""
        opening: Any = self.get(field)
        if turns := items(self.fields.get(field)):
            first = next((turn for turn in turns if value(turn.get("role")) == "user"), turns[0])
            opening = [value(raw) for raw in first.values()]
        seed = repr((self.account.key, opening, *(text_of(self.fields.get(name)) for name in further)))
        return str(uuid.uuid5(_CONVERSATIONS, seed.encode("utf-8", "replace").decode()))

    def request_id(self) -> str:
        """A UUID of this request alone."""
        return str(uuid.uuid5(_CONVERSATIONS, self.inbound.id))


class Adapter:
    """One provider's code. Stateless: shared by all of its requests."""

    always_streams = False
    """The provider only streams; who wants a whole answer gets what the stream adds up to."""
    inlines_media = False
    """Pictures behind web addresses must be sent as data."""
    operations: frozenset[str] = frozenset()
    """What else it has a say in beside answers: `embed`, `compact`."""
    counts_tokens = False
    """Whether its endpoint of the format that counts tokens is there."""

    def prepare(self, draft: Draft) -> None:
        """Change what is sent. No I/O."""

    def count_request(self, body: dict[str, Any], model: str) -> tuple[str, dict[str, Any]] | None:
        """Path and body that ask for the tokens of `body`; None where the wire format's own do."""
        return None

    def leaves(self, account: AccountConfig, error: UpstreamError) -> bool:
        """Whether the preferred host does not serve this account, as its answer says. If so, `prepare` sends nothing
        there from now on, and the request is made again."""
        return False

    def rewriter(self, format: str, model: str) -> Rewrite | None:
        """For one answer to a request in `format` for `model`; None where answers are the wire format's own."""
        return None

    async def ready(self, account: AccountConfig, spec: ProviderSpec) -> AccountConfig:
        """The account with whatever must be known of it before it can be used; asked before every request.

        Raise `UpstreamError` where it is not to be had.
        """
        return account


registry: Registry[Adapter] = Registry("adapter")
