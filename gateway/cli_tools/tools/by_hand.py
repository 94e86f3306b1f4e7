"""What reads no file that the gateway could write: variables, settings in a program's window, libraries."""

from __future__ import annotations

from gateway.cli_tools.rows import ANTHROPIC, CHAT, GEMINI, Tool

COPILOT = Tool(
    "copilot",
    "GitHub Copilot CLI",
    CHAT,
    "copilot",
    exports=(
        ("COPILOT_PROVIDER_TYPE", "openai"),
        ("COPILOT_PROVIDER_BASE_URL", "$url/v1"),
        ("COPILOT_PROVIDER_API_KEY", "$key"),
        ("COPILOT_MODEL", "$model"),
    ),
    start="copilot",
    notes=("It takes another provider from the environment only.",),
)
CURSOR = Tool(
    "cursor",
    "Cursor",
    CHAT,
    "cursor",
    steps=(
        "Settings → Models → API Keys",
        "Override OpenAI Base URL: $url/v1",
        "OpenAI API Key: $key",
        "Add model: $model",
    ),
    notes=(
        "Cursor's servers make the requests, not your machine: it needs an address that the internet reaches, with "
        "TLS, and REQUIRE_API_KEY=true.",
    ),
)
ROO = Tool(
    "roo",
    "Roo Code",
    CHAT,
    steps=(
        "Settings → API Provider: OpenAI Compatible",
        "Base URL: $url/v1",
        "API Key: $key",
        "Model: $model",
    ),
)
OPENAI_SDK = Tool(
    "openai-sdk",
    "OpenAI SDK",
    CHAT,
    exports=(("OPENAI_BASE_URL", "$url/v1"), ("OPENAI_API_KEY", "$key")),
    code='client = openai.OpenAI(base_url="$url/v1", api_key="$key")\n'
    'client.chat.completions.create(model="$model", messages=[{"role": "user", "content": "Hello"}])',
    notes=("Anything that asks for an OpenAI-compatible base URL takes these values.",),
)
ANTHROPIC_SDK = Tool(
    "anthropic-sdk",
    "Anthropic SDK",
    ANTHROPIC,
    exports=(("ANTHROPIC_BASE_URL", "$url"), ("ANTHROPIC_API_KEY", "$key")),
    code='client = anthropic.Anthropic(base_url="$url", api_key="$key")\n'
    'client.messages.create(model="$model", max_tokens=1000, messages=[{"role": "user", "content": "Hello"}])',
)
GEMINI_SDK = Tool(
    "gemini-sdk",
    "Gemini SDK",
    GEMINI,
    exports=(("GOOGLE_GEMINI_BASE_URL", "$url"), ("GEMINI_API_KEY", "$key")),
    code='client = genai.Client(api_key="$key", http_options={"base_url": "$url"})\n'
    'client.models.generate_content(model="$model", contents="Hello")',
)
