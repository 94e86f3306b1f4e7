"""What vendors do in their own way about tokens: a file each. `base` is what everybody does."""

from __future__ import annotations

from providers.oauth.vendors.base import Vendor
from providers.oauth.vendors.claude import Claude
from providers.oauth.vendors.codex import Codex
from providers.oauth.vendors.gemini_cli import GeminiCli
from providers.oauth.vendors.github import GitHub
from providers.oauth.vendors.iflow import IFlow
from providers.oauth.vendors.kiro import Kiro
from providers.oauth.vendors.qwen import Qwen

_VENDORS: dict[str, Vendor] = {
    "claude": Claude(),
    "codex": Codex(),
    "gemini-cli": GeminiCli(),
    "github": GitHub(),
    "iflow": IFlow(),
    "kiro": Kiro(),
    "qwen": Qwen(),
}
_STANDARD = Vendor()


def vendor_of(provider: str) -> Vendor:
    """By the provider's id; one that the overlay adds signs in as the standard says."""
    return _VENDORS.get(provider, _STANDARD)
