"""The model vendors' own command-line programs."""

from __future__ import annotations

from gateway.cli_tools.rows import ANTHROPIC, CHAT, GEMINI, RESPONSES, Entry, Tool, alternatives

CLAUDE = Tool(
    "claude",
    "Claude Code",
    ANTHROPIC,
    "claude",
    files=(
        alternatives(
            "json",
            (
                Entry(("env", "ANTHROPIC_BASE_URL"), "$url"),
                Entry(("env", "ANTHROPIC_AUTH_TOKEN"), "$key"),
                Entry(("env", "ANTHROPIC_MODEL"), "$model"),
                Entry(("env", "ANTHROPIC_DEFAULT_OPUS_MODEL"), "$model"),
                Entry(("env", "ANTHROPIC_DEFAULT_SONNET_MODEL"), "$model"),
                Entry(("env", "ANTHROPIC_DEFAULT_HAIKU_MODEL"), "$small"),
                Entry(("env", "API_TIMEOUT_MS"), "600000", keep=True),
            ),
            ".claude/settings.json",
            variable="CLAUDE_CONFIG_DIR",
            prefix=".claude",
        ),
        alternatives(
            "json",
            (Entry(("hasCompletedOnboarding",), True, keep=True),),
            ".claude.json",
            variable="CLAUDE_CONFIG_DIR",
        ),
    ),
    exports=(
        ("ANTHROPIC_BASE_URL", "$url"),
        ("ANTHROPIC_AUTH_TOKEN", "$key"),
        ("ANTHROPIC_MODEL", "$model"),
        ("ANTHROPIC_DEFAULT_HAIKU_MODEL", "$small"),
    ),
    start="claude",
    notes=(
        "For a name that it does not know it assumes a context of a million tokens: a combo called "
        "claude-sonnet-4-5 avoids that.",
        "A variable in your shell wins over the file, ANTHROPIC_API_KEY too.",
    ),
    also=("claude-code",),
)
CODEX = Tool(
    "codex",
    "Codex",
    RESPONSES,
    "codex",
    files=(
        alternatives(
            "toml",
            (
                Entry(("model",), "$model"),
                Entry(("model_provider",), "omniroute"),
                Entry(
                    ("model_providers", "omniroute"),
                    {
                        "name": "OmniRoute",
                        "base_url": "$url/v1",
                        "wire_api": "responses",
                        "experimental_bearer_token": "$key",
                    },
                    own=True,
                ),
            ),
            ".codex/config.toml",
            variable="CODEX_HOME",
            prefix=".codex",
        ),
    ),
    start="codex",
    notes=("Its sign-in with OpenAI (auth.json) stays as it is, and is used again after a reset.",),
)
GEMINI_CLI = Tool(
    "gemini",
    "Gemini CLI",
    GEMINI,
    "gemini",
    files=(
        alternatives(
            "env",
            (
                Entry(("GOOGLE_GEMINI_BASE_URL",), "$url"),
                Entry(("GEMINI_API_KEY",), "$key"),
            ),
            ".gemini/.env",
        ),
        alternatives(
            "json",
            (
                Entry(("security", "auth", "selectedType"), "gemini-api-key"),
                Entry(("model", "name"), "$model"),
            ),
            ".gemini/settings.json",
        ),
    ),
    exports=(("GOOGLE_GEMINI_BASE_URL", "$url"), ("GEMINI_API_KEY", "$key"), ("GEMINI_MODEL", "$model")),
    start="gemini",
    notes=(
        "It reads .env only in folders that it trusts: it asks on the first start in each. A project's own .env "
        "file replaces this one.",
        "Web search asks gemini-3-flash-preview: give that name an alias.",
    ),
    also=("gemini-cli",),
)
QWEN = Tool(
    "qwen",
    "Qwen Code",
    CHAT,
    "qwen",
    files=(
        alternatives(
            "json",
            (
                Entry(("security", "auth", "selectedType"), "openai"),
                Entry(("security", "auth", "baseUrl"), "$url/v1"),
                Entry(("security", "auth", "apiKey"), "$key"),
                Entry(("model", "name"), "$model"),
            ),
            ".qwen/settings.json",
        ),
    ),
    exports=(("OPENAI_BASE_URL", "$url/v1"), ("OPENAI_API_KEY", "$key"), ("OPENAI_MODEL", "$model")),
    start="qwen",
    notes=("OPENAI_BASE_URL, OPENAI_API_KEY and OPENAI_MODEL in your shell win over the file.",),
    also=("qwen-code",),
)
