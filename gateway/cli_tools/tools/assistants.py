"""Assistants in editors and shells."""

from __future__ import annotations

from gateway.cli_tools.documents.paths import Item
from gateway.cli_tools.rows import CHAT, Entry, SettingsFile, Tool, alternatives

CONTINUE = Tool(
    "continue",
    "Continue",
    CHAT,
    "cn",
    files=(
        (
            SettingsFile(
                ".continue/config.yaml",
                "yaml",
                (
                    Entry(("name",), "OmniRoute", keep=True),
                    Entry(("version",), "1.0.0", keep=True),
                    Entry(("schema",), "v1", keep=True),
                    Entry(
                        ("models", Item("name", "OmniRoute")),
                        {
                            "name": "OmniRoute",
                            "provider": "openai",
                            "model": "$model",
                            "apiBase": "$url/v1",
                            "apiKey": "$key",
                            "roles": ["chat", "edit", "apply"],
                            "capabilities": ["tool_use"],
                        },
                        own=True,
                    ),
                ),
            ),
            SettingsFile(
                ".continue/config.json",
                "json",
                (
                    Entry(
                        ("models", Item("title", "OmniRoute")),
                        {
                            "title": "OmniRoute",
                            "provider": "openai",
                            "model": "$model",
                            "apiBase": "$url/v1",
                            "apiKey": "$key",
                        },
                        own=True,
                    ),
                ),
            ),
        ),
    ),
    start="cn",
    notes=("With other models in the file, choose OmniRoute in the list of models.",),
)
AIDER = Tool(
    "aider",
    "Aider",
    CHAT,
    "aider",
    files=(
        alternatives(
            "yaml",
            (
                Entry(("openai-api-base",), "$url/v1"),
                Entry(("openai-api-key",), "$key"),
                Entry(("model",), "openai/$model"),
            ),
            ".aider.conf.yml",
        ),
    ),
    exports=(("OPENAI_API_BASE", "$url/v1"), ("OPENAI_API_KEY", "$key"), ("AIDER_MODEL", "openai/$model")),
    start="aider",
    notes=("A repository's own .aider.conf.yml wins over this one.",),
)
LLM = Tool(
    "llm",
    "llm",
    CHAT,
    "llm",
    files=(
        alternatives(
            "yaml",
            (
                Entry(
                    (Item("model_id", "omniroute"),),
                    {
                        "model_id": "omniroute",
                        "model_name": "$model",
                        "api_base": "$url/v1",
                        "api_key_name": "omniroute",
                        "supports_tools": True,
                    },
                    own=True,
                ),
            ),
            ".config/io.datasette.llm/extra-openai-models.yaml",
            variable="LLM_USER_PATH",
            prefix=".config/io.datasette.llm",
        ),
        alternatives(
            "json",
            (Entry(("omniroute",), "$key", own=True),),
            ".config/io.datasette.llm/keys.json",
            variable="LLM_USER_PATH",
            prefix=".config/io.datasette.llm",
        ),
    ),
    start='llm -m omniroute "your prompt"',
    notes=("On a Mac its folder is another one: set LLM_USER_PATH to ~/.config/io.datasette.llm.",),
)
