"""Which rows of the providers travel (`omniroute.portable`).

An account is two things: what one sets, and what it signs in with. Tokens are renewed by themselves, and must neither
be undone by somebody who only renames the account, nor undo that.
"""

from __future__ import annotations

from omniroute.portable import portable
from providers.models import (
    Account,
    CustomModel,
    ProviderNode,
    ProxyRule,
    SignInSettings,
)

CREDENTIAL = (
    *("auth_type", "api_key", "access_token", "refresh_token", "id_token", "token_secrets"),
    *("expires_at", "last_refresh_at"),
)
"""What changes with a token, and with nothing else."""
_ABOUT_THE_SIGN_IN = ("scope", "email", "plan", "external_id")
_OWN = (
    *("test_status", "last_error", "last_tested_at", "sign_in_needed_at", "sign_in_reason"),
    *("refresh_lease", "refresh_lease_until"),
)
_PROXIES = {"key": "account", "combo": "combo"}


def _save_account(row: Account) -> None:
    """Without the tokens, which are not read for this."""
    row.save()
    row.save(update_fields=_ABOUT_THE_SIGN_IN)


def _save_credential(row: Account) -> None:
    """Whoever brings a credential brings one that works: the account needs no sign-in any more."""
    row.sign_in_needed_at, row.sign_in_reason = None, ""
    row.save(update_fields=[*CREDENTIAL, "sign_in_needed_at", "sign_in_reason", "updated_at"])


portable("node", "providers", ProviderNode, key=("id",))
portable("custom-model", "providers", CustomModel, key=("provider", "model_id"))
portable(
    "account",
    "accounts",
    Account,
    key=("uid",),
    leave_out=(*CREDENTIAL, *_OWN),
    save=_save_account,
)
portable(
    "credential",
    "accounts",
    Account,
    key=("uid",),
    fields=CREDENTIAL,
    part_of="account",
    save=_save_credential,
)
portable(
    "proxy",
    "proxies",
    ProxyRule,
    key=("level", "target"),
    refers={"target": lambda fields: _PROXIES.get(str(fields["level"]), "")},
)
portable("sign-in-settings", "settings", SignInSettings)
