"""Custom providers, accounts, models added by hand, and the API keys of clients."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.exceptions import ValidationError as Unknown
from django.utils import timezone

from billing.keys import hash_key
from billing.models import ApiKey
from gateway.backups.older.reading import Source, flag, is_encrypted, mapping, secret, text
from omniroute.crypto import mask
from omniroute.types import JSONDict
from providers.accounts import find_spec
from providers.models import Account, CustomModel, ProviderNode
from providers.oauth.answers import moment_of
from providers.spec import ProviderSpec

_DATA = {
    "codex": {"accountId": "accountId", "chatgptAccountId": "accountId"},
    "qwen": {"resourceUrl": "resourceUrl"},
    "kiro": {"authMethod": "authMethod", "region": "region", "profileArn": "profileArn"},
    "gemini-cli": {"projectId": "project"},
}
"""What of an older sign-in's own data has a use, and its name here."""
_SECRETS = {"kiro": ("clientId", "clientSecret")}
_SIGN_IN_AGAIN = "Taken over without a usable token: sign in again"


class Providers:
    """Takes over everything about providers, and remembers which older id became which."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._places: Counter[str] = Counter()
        self.nodes: dict[str, ProviderNode] = {}
        self.accounts: dict[str, Account] = {}
        self.models = 0

    def take(self) -> None:
        for row in self._source.rows("provider_nodes"):
            with self._source.item(f"Custom provider {text(row, 'name', 'prefix')}"):
                self._take_node(row)
        rows = self._source.rows("provider_connections")
        for row in sorted(rows, key=lambda row: (str(row.get("provider")), row.get("priority") or 0)):
            with self._source.item(f"Account {text(row, 'name', 'email', 'id')} of {text(row, 'provider')}"):
                self._take_account(row)
        for provider, models in self._source.pairs("customModels").items():
            with self._source.item(f"Models of {provider}"):
                self._take_models(provider, models)

    def spec(self, name: str) -> ProviderSpec:
        """Raise `ValidationError` where there is no such provider."""
        node = self.nodes.get(name)
        found = find_spec(node.pk if node else name)
        if found is None:
            raise Unknown({"provider": f"there is no provider “{name}” here"})
        return found

    def model(self, name: str) -> str:
        """A model's name, by the custom provider's prefix instead of its older id."""
        owner, slash, rest = name.partition("/")
        node = self.nodes.get(owner)
        return f"{node.prefix}/{rest}" if node and slash else name

    def _take_node(self, row: JSONDict) -> None:
        kind = text(row, "type") or ProviderNode.Kind.OPENAI
        node = ProviderNode(
            name=text(row, "name", "prefix", longest=100),
            prefix=text(row, "prefix", "name", longest=60),
            kind=kind,
            api_type=text(row, "api_type") or ProviderNode.ApiType.CHAT,
            base_url=text(row, "base_url", longest=500),
        )
        node.full_clean()
        node.save()
        self.nodes[text(row, "id")] = node

    def _take_account(self, row: JSONDict) -> None:
        spec = self.spec(text(row, "provider"))
        data = mapping(row.get("provider_specific_data"))
        self._places[spec.id] += 1
        account = Account(
            provider=spec.id,
            name=text(row, "name", "display_name", "email", longest=100)
            or f"{spec.name} {self._places[spec.id]}",
            priority=self._places[spec.id],
            is_active=flag(row, "is_active"),
            default_model=text(row, "default_model", longest=200),
            email=text(row, "email", longest=254),
            rate_limit_protection=row.get("rate_limit_protection") in (1, True),
        )
        if text(row, "auth_type") == "oauth" and spec.oauth:
            self._take_sign_in(account, row, data)
        else:
            self._take_key(account, spec, row, data)
        account.full_clean(exclude=["email"])
        account.save_whole()
        self.accounts[text(row, "id")] = account

    def _take_key(self, account: Account, spec: ProviderSpec, row: JSONDict, data: JSONDict) -> None:
        account.api_key = secret(row, "api_key", "access_token")
        account.auth_type = Account.AuthType.API_KEY
        if is_encrypted(text(row, "api_key")):
            self._source.left_out.append(
                f"The key of {account.name}: it is encrypted in the older database. Enter it again"
            )
        elif not account.api_key and spec.tier == "custom":
            account.auth_type = Account.AuthType.NONE
        if spec.tier != "custom":
            account.base_url = text(data, "baseUrl", longest=500)
        if (region := text(data, "region")) in spec.regions:
            account.region = region

    def _take_sign_in(self, account: Account, row: JSONDict, data: JSONDict) -> None:
        account.auth_type = Account.AuthType.OAUTH
        account.access_token = secret(row, "access_token")
        account.refresh_token = secret(row, "refresh_token")
        account.id_token = secret(row, "id_token")
        account.api_key = secret(row, "api_key")
        account.expires_at = moment_of(row.get("expires_at") or row.get("token_expires_at"))
        account.scope = text(row, "scope", longest=2000)
        known = {**data, "projectId": row.get("project_id") or data.get("projectId")}
        names = _DATA.get(account.provider, {})
        account.provider_data = {new: known[old] for old, new in names.items() if known.get(old)}
        account.secrets = {
            name: str(data[name]) for name in _SECRETS.get(account.provider, ()) if data.get(name)
        }
        if account.provider == "github":
            # There the stored token is GitHub's own; here it is what Copilot's are minted from.
            account.refresh_token, account.access_token = account.access_token or account.refresh_token, ""
        if not account.refresh_token and not account.bearer:
            account.sign_in_needed_at, account.sign_in_reason = timezone.now(), _SIGN_IN_AGAIN

    def _take_models(self, provider: str, models: Any) -> None:
        spec = self.spec(provider)
        for each in models:
            entry = each if isinstance(each, dict) else {"id": each}
            row = CustomModel(
                provider=spec.id,
                model_id=text(entry, "id", "modelId", longest=200),
                name=text(entry, "name", longest=200),
            )
            row.full_clean()
            row.save()
            self.models += 1


def take_keys(source: Source) -> int:
    """Clients go on with the keys that they have. Only the hashes are kept."""
    taken = 0
    for row in source.rows("api_keys"):
        key = text(row, "key", longest=500)
        with source.item(f"API key {text(row, 'name')}"):
            if len(key) < 8 or "…" in key or "*" in key or is_encrypted(key):
                raise Unknown({"key": "the file does not hold it whole. Make a new one"})
            record = ApiKey(
                name=text(row, "name", longest=100) or "Unnamed",
                hint=f"{key[:9]}…{key[-4:]}" if len(key) >= 16 else mask(key),
                key_hash=hash_key(key),
                is_active=flag(row, "is_active"),
            )
            record.full_clean()
            record.save()
            taken += 1
    return taken
