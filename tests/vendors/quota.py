"""The vendors' quota endpoints. Source: docs/protocol-notes.md, Subscriptions."""

from __future__ import annotations

from typing import Any

from tests.vendors.chat import ChatApp, ClaudeCodeChat, CodeAssistChat, CodexChat, CopilotChat, KiroChat
from tests.vendors.framework import Asked, Refused, on

RESET = "2030-01-01T00:00:00Z"
RESET_S = 1_893_456_000
GITHUB_TOKEN = "ghu_secret"


class ClaudeCode(ClaudeCodeChat):
    usage: Any = {
        "five_hour": {"utilization": 12.5, "resets_at": RESET},
        "seven_day": {"utilization": 40, "resets_at": RESET},
        "seven_day_opus": {"utilization": 100, "resets_at": RESET},
        "seven_day_oauth_apps": {"utilization": 100, "resets_at": RESET},
        "seven_day_sonnet": None,
        "extra_usage": {"is_enabled": False},
    }

    @on("GET /api/oauth/usage")
    def quota(self, asked: Asked) -> Any:
        self.check(asked)
        return self.usage


class Codex(CodexChat):
    usage: Any = {
        "plan_type": "plus",
        "rate_limit": {
            "primary_window": {"used_percent": 70, "limit_window_seconds": 604_800, "reset_at": RESET_S},
            "secondary_window": {
                "used_percent": 0,
                "limit_window_seconds": 18_000,
                "reset_after_seconds": 18_000,
            },
        },
        "credits": {"has_credits": True, "unlimited": False, "balance": "3.5"},
        "additional_rate_limits": [
            {
                "limit_name": "GPT-5.3-Codex-Spark",
                "rate_limit": {
                    "primary_window": {
                        "used_percent": 100,
                        "limit_window_seconds": 18_000,
                        "reset_at": RESET_S,
                    }
                },
            }
        ],
    }

    @on("GET /backend-api/wham/usage")
    def quota(self, asked: Asked) -> Any:
        self.check(asked)
        assert asked.headers["chatgpt-account-id"] == "ws-1"
        return self.usage


class CodeAssist(CodeAssistChat):
    data = {"project": "proj-42", "onboarded": "proj-42"}
    usage: Any = {
        "buckets": [
            {"modelId": "gemini-2.5-pro", "remainingAmount": "0", "remainingFraction": 0, "resetTime": RESET},
            {
                "modelId": "gemini-2.5-flash",
                "remainingAmount": "900",
                "remainingFraction": 0.9,
                "resetTime": RESET,
            },
        ]
    }

    @on("POST /v1internal:retrieveUserQuota")
    def quota(self, asked: Asked) -> Any:
        self.check(asked)
        assert asked.json == {"project": "proj-42"}
        return self.usage


class Copilot(CopilotChat):
    usage: Any = {
        "copilot_plan": "individual_pro",
        "quota_reset_date_utc": RESET,
        "quota_snapshots": {
            "chat": {"unlimited": True, "percent_remaining": 100, "entitlement": -1},
            "completions": {"unlimited": True, "percent_remaining": 100},
            "premium_interactions": {
                "entitlement": 300,
                "percent_remaining": 29.7,
                "unlimited": False,
                "overage_permitted": True,
            },
        },
    }

    @on("GET /copilot_internal/user")
    def quota(self, asked: Asked) -> Any:
        assert asked.headers["authorization"].startswith("token ")
        assert asked.headers["editor-version"]
        if asked.bearer != GITHUB_TOKEN and not self.accepts(asked.bearer):
            raise Refused(401, {"message": "Bad credentials"})
        return self.usage


class Kiro(KiroChat):
    owner = "ada@example.com"
    usage: Any = {
        "usageBreakdownList": [
            {
                "resourceType": "AGENTIC_REQUEST",
                "currentUsageWithPrecision": 40.5,
                "usageLimitWithPrecision": 50,
                "freeTrialInfo": {
                    "currentUsageWithPrecision": 500,
                    "usageLimitWithPrecision": 500,
                    "freeTrialExpiry": RESET_S,
                },
            }
        ],
        "nextDateReset": float(RESET_S),
        "overageConfiguration": {"overageStatus": "DISABLED"},
    }

    @on("GET /getUsageLimits")
    def quota(self, asked: Asked) -> Any:
        self.check(asked)
        assert asked.query.get("profileArn", self.data["profileArn"]) == self.data["profileArn"]
        return {**self.usage, "userInfo": {"email": self.owner}}


ALL: tuple[type[ChatApp], ...] = (ClaudeCode, Codex, CodeAssist, Copilot, Kiro)
