"""Qwen Code's tokens, each bound to the host that came with it. Source: facts/oauth_providers.md §6.2."""

from __future__ import annotations

from typing import Any

from providers.oauth.answers import Tokens, parse_tokens, text_of
from providers.oauth.vendors.base import Vendor


class Qwen(Vendor):
    fatal_statuses = frozenset({400, 401})

    def read(self, body: Any) -> Tokens:
        return parse_tokens(body).with_data(resourceUrl=text_of(body, "resource_url"))
