"""A vendor with everything: sign-in, chat and quota at one address, and chats take the tokens of the sign-in."""

from __future__ import annotations

from typing import Any

from tests.vendors import chat, claude, codex, gemini_cli, github, iflow, kiro, quota, qwen
from tests.vendors.chat import ChatApp
from tests.vendors.framework import VendorApp
from tests.vendors.grants import Authority

QUOTA_PATHS = {
    "claude": "/api/oauth/usage",
    "codex": "/backend-api/wham/usage",
    "github": "/copilot_internal/user",
    "kiro": "/getUsageLimits",
}


class Whole(VendorApp):
    """`grants` and `chats` are its two halves, served from one place; `asked` and `fails` are of both."""

    def __init__(self, grants: Authority, chats: ChatApp) -> None:
        self.grants, self.chats = grants, chats
        super().__init__()
        self.provider = grants.provider
        self.routes = {**grants.routes, **chats.routes}
        chats.accepts = grants.access_tokens.__contains__  # type: ignore[assignment, method-assign]

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "url":
            self.grants.url = self.chats.url = value
            if isinstance(self.grants, qwen.Qwen):
                self.grants.resource_url = value

    @property
    def overlay(self) -> str:
        head = f'[providers.{self.provider}]\nbase_url = "{self.url}"\n'
        if path := QUOTA_PATHS.get(self.provider):
            head += f'quota_url = "{self.url}{path}"\n'
        return head + self.grants.overlay

    def forget_access(self) -> None:
        """Every access token ends here and now; what they are renewed with does not."""
        kept = {token: user for token, user in self.grants.access_tokens.items() if token.startswith("ghu_")}
        self.grants.access_tokens.clear()
        self.grants.access_tokens.update(kept)

    def end_sign_ins(self) -> None:
        """Nothing that was given out is good for anything any more."""
        self.grants.kill_all()
        self.grants.access_tokens.clear()


def make() -> dict[str, Whole]:
    """One of each, by provider."""
    aws, hub = kiro.Kiro(), github.GitHub()
    aws.profiles, hub.api_path = (kiro.ARN,), ""
    halves: tuple[tuple[Authority, ChatApp], ...] = (
        (claude.Claude(), quota.ClaudeCode()),
        (codex.Codex(), quota.Codex()),
        (gemini_cli.GeminiCli(), quota.CodeAssist()),
        (hub, quota.Copilot()),
        (iflow.IFlow(), chat.IFlowChat()),
        (qwen.Qwen(), chat.QwenChat()),
        (aws, quota.Kiro()),
    )
    return {grants.provider: Whole(grants, chats) for grants, chats in halves}
