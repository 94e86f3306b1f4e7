"""Coding agents that take any provider."""

from __future__ import annotations

from gateway.cli_tools.documents.paths import Item
from gateway.cli_tools.rows import CHAT, RESPONSES, Entry, Tool, alternatives

_OPENCODE = (
    Entry(("model",), "omniroute/$model"),
    Entry(("small_model",), "omniroute/$small"),
    Entry(
        ("provider", "omniroute"),
        {
            "npm": "@ai-sdk/openai-compatible",
            "name": "OmniRoute",
            "options": {"baseURL": "$url/v1", "apiKey": "$key"},
            "models": {"$model": {"name": "$model"}, "$small": {"name": "$small"}},
        },
        own=True,
    ),
)


OPENCODE = Tool(
    "opencode",
    "OpenCode",
    CHAT,
    "opencode",
    files=(
        alternatives(
            "json",
            _OPENCODE,
            ".config/opencode/opencode.json",
            ".config/opencode/opencode.jsonc",
            variable="XDG_CONFIG_HOME",
            prefix=".config",
        ),
    ),
    start="opencode",
    notes=("A project's own opencode.json wins over this one.",),
)
KILO = Tool(
    "kilo",
    "Kilo Code",
    CHAT,
    "kilo",
    files=(
        alternatives(
            "json",
            _OPENCODE,
            ".config/kilo/kilo.json",
            ".config/kilo/kilo.jsonc",
            variable="XDG_CONFIG_HOME",
            prefix=".config",
        ),
    ),
    start="kilo",
    notes=("The extension for VS Code shares this file.",),
    also=("kilocode",),
)
OPENCLAW = Tool(
    "openclaw",
    "OpenClaw",
    CHAT,
    "openclaw",
    files=(
        alternatives(
            "json",
            (
                Entry(("agents", "defaults", "model", "primary"), "omniroute/$model"),
                Entry(
                    ("models", "providers", "omniroute"),
                    {
                        "baseUrl": "$url/v1",
                        "apiKey": "$key",
                        "api": "openai-completions",
                        "models": [{"id": "$model", "name": "$model"}],
                    },
                    own=True,
                ),
            ),
            ".openclaw/openclaw.json",
        ),
    ),
    start="openclaw",
)
DROID = Tool(
    "droid",
    "Factory Droid",
    RESPONSES,
    "droid",
    files=(
        alternatives(
            "json",
            (
                Entry(
                    ("customModels", Item("displayName", "OmniRoute")),
                    {
                        "model": "$model",
                        "id": "custom:OmniRoute",
                        "index": 0,
                        "baseUrl": "$url/v1",
                        "apiKey": "$key",
                        "displayName": "OmniRoute",
                        "maxOutputTokens": 16384,
                        "noImageSupport": False,
                        "provider": "openai",
                    },
                    own=True,
                ),
            ),
            ".factory/settings.json",
        ),
    ),
    start="droid",
    notes=("Choose OmniRoute with /model, or start it with --model custom:OmniRoute.",),
    also=("factory",),
)
CLINE = Tool(
    "cline",
    "Cline",
    CHAT,
    "cline",
    files=(
        alternatives(
            "json",
            (
                Entry(("version",), 1, keep=True),
                Entry(("lastUsedProvider",), "openai-compatible"),
                Entry(("providers", "openai-compatible", "settings", "provider"), "openai-compatible"),
                Entry(("providers", "openai-compatible", "settings", "apiKey"), "$key"),
                Entry(("providers", "openai-compatible", "settings", "model"), "$model"),
                Entry(("providers", "openai-compatible", "settings", "baseUrl"), "$url/v1"),
            ),
            ".cline/data/settings/providers.json",
        ),
        alternatives(
            "json",
            (
                Entry(("actModeApiProvider",), "openai"),
                Entry(("planModeApiProvider",), "openai"),
                Entry(("openAiBaseUrl",), "$url/v1"),
                Entry(("actModeOpenAiModelId",), "$model"),
                Entry(("planModeOpenAiModelId",), "$model"),
                Entry(("openAiModelId",), "$model"),
            ),
            ".cline/data/globalState.json",
        ),
        alternatives("json", (Entry(("openAiApiKey",), "$key"),), ".cline/data/secrets.json"),
    ),
    start="cline",
    notes=(
        "The extension for an editor keeps its settings in the editor: there, API Provider “OpenAI Compatible”, with "
        "this address, key and model.",
    ),
)
PI = Tool(
    "pi",
    "pi",
    CHAT,
    "pi",
    files=(
        alternatives(
            "json",
            (
                Entry(
                    ("providers", "omniroute"),
                    {
                        "baseUrl": "$url/v1",
                        "api": "openai-completions",
                        "apiKey": "$key",
                        "models": [{"id": "$model"}],
                    },
                    own=True,
                ),
            ),
            ".pi/agent/models.json",
        ),
        alternatives(
            "json",
            (Entry(("defaultProvider",), "omniroute"), Entry(("defaultModel",), "$model")),
            ".pi/agent/settings.json",
        ),
    ),
    start="pi",
)
