"""The command-line clients: what to install, and how each is pointed at the gateway (docs/clients.md says the same).

In `command`, `env` and `files`: `$url` is the gateway's address, `$key` an API key, `$model` the model's name,
`$prompt` what the program is asked, `$bin` the folder of its programs, `$home` its home folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CHAT, RESPONSES, ANTHROPIC, GEMINI = "openai_chat", "openai_responses", "anthropic_messages", "gemini"


@dataclass(frozen=True, slots=True)
class Package:
    """What one folder of the cache holds. `kind` is the ordinary client that installs it: npm or pip."""

    kind: str
    requirements: tuple[str, ...]


NODE = "node"
PACKAGES: Mapping[str, Package] = {
    NODE: Package("npm", ("node@24.21.0",)),
    "claude-code": Package("npm", ("@anthropic-ai/claude-code@2.1.328",)),
    "codex": Package("npm", ("@openai/codex@0.169.0",)),
    "gemini-cli": Package("npm", ("@google/gemini-cli@0.61.0",)),
    "qwen-code": Package("npm", ("@qwen-code/qwen-code@0.24.4",)),
    "opencode": Package("npm", ("opencode-ai@1.18.33",)),
    "cline": Package("npm", ("cline@3.0.65",)),
    "openclaw": Package("npm", ("openclaw@2026.9.6",)),
    "continue": Package("npm", ("@continuedev/cli@1.5.47",)),
    "copilot": Package("npm", ("@github/copilot@1.0.102",)),
    "pi": Package("npm", ("@mariozechner/pi-coding-agent@0.73.1",)),
    "aider": Package("pip", ("aider-chat==0.86.2",)),
    "llm": Package("pip", ("llm==0.36", "llm-anthropic==0.30", "llm-gemini==0.35")),
    "claude-agent-sdk": Package("pip", ("claude-agent-sdk==0.2.187",)),
}


@dataclass(frozen=True, slots=True)
class Program:
    """`package` names the installation; several programs may share one. `wire` is the format that it speaks."""

    package: str
    wire: str
    model: str
    """What it asks for, by a name that it may know. Empty: the provider's model, as `provider/model`."""
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """By path below the home folder."""
    setup: tuple[tuple[str, ...], ...] = ()
    """Commands before the one that counts."""
    also: tuple[str, ...] = ()
    """Models that it asks for unasked."""
    edits_by_text: bool = False
    """Reads its edits out of the answer's text; it has no tools and knows files by relative path."""
    timeout_s: int = 120


_CLAUDE_ENV = {
    "ANTHROPIC_BASE_URL": "$url",
    "ANTHROPIC_AUTH_TOKEN": "$key",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_MAX_RETRIES": "0",
    "DISABLE_AUTOUPDATER": "1",
    "IS_SANDBOX": "1",
}
_CLAUDE = ("$bin/claude", "-p", "$prompt", "--model", "$model", "--dangerously-skip-permissions")
_CLAUDE_SETTINGS = """\
{
  "env": {
    "ANTHROPIC_BASE_URL": "$url",
    "ANTHROPIC_AUTH_TOKEN": "$key"
  }
}
"""
_CODEX_CONFIG = """\
model = "$model"
model_provider = "omniroute"
check_for_update_on_startup = false

[model_providers.omniroute]
name = "OmniRoute"
base_url = "$url/v1"
env_key = "OMNIROUTE_KEY"
wire_api = "responses"

[features]
plugins = false

[analytics]
enabled = false
"""
_CODEX_OPENAI_CONFIG = """\
model = "$model"
openai_base_url = "$url/v1"
check_for_update_on_startup = false

[features]
plugins = false

[analytics]
enabled = false
"""
_CODEX = (
    "$bin/codex",
    "exec",
    "--skip-git-repo-check",
    "--dangerously-bypass-approvals-and-sandbox",
    "$prompt",
)
_GEMINI_SETTINGS = """\
{
  "security": {"auth": {"selectedType": "gemini-api-key"}},
  "general": {"enableAutoUpdate": false},
  "privacy": {"usageStatisticsEnabled": false}
}
"""
_QWEN_SETTINGS = """\
{
  "security": {"auth": {"selectedType": "$auth"}},
  "general": {"enableAutoUpdate": false},
  "privacy": {"usageStatisticsEnabled": false}
}
"""
_OPENCODE_CONFIG = """\
{
  "model": "omniroute/$model",
  "small_model": "omniroute/$model",
  "autoupdate": false,
  "share": "disabled",
  "provider": {
    "omniroute": {
      "npm": "$library",
      "name": "OmniRoute",
      "options": {"baseURL": "$base_url", "apiKey": "$key"},
      "models": {"$model": {"name": "$model", "limit": {"context": 200000, "output": 8000}}}
    }
  },
  "permission": {"edit": "allow", "bash": "allow"}
}
"""
_OPENCODE_ENV = {
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
}
_CONTINUE_CONFIG = """\
name: OmniRoute
version: 1.0.0
schema: v1
models:
  - name: OmniRoute
    provider: openai
    model: $model
    apiBase: $url/v1
    apiKey: $key
    roles: [chat, edit, apply]
    capabilities: [tool_use]
"""
_PI_CONFIG = """\
{
  "providers": {
    "omniroute": {
      "baseUrl": "$base_url",
      "api": "$api",
      "apiKey": "$key",
      "models": [{"id": "$model"}]
    }
  }
}
"""
_OPENCLAW_CONFIG = """\
{
  "gateway": {"mode": "local"},
  "agents": {"defaults": {"model": {"primary": "omniroute/$model"}, "skipBootstrap": true}},
  "models": {
    "mode": "merge",
    "providers": {
      "omniroute": {
        "baseUrl": "$url/v1",
        "apiKey": "$key",
        "api": "$api",
        "models": [{"id": "$model", "name": "$model", "contextWindow": 200000, "maxTokens": 8000}]
      }
    }
  },
  "update": {"checkOnStart": false}
}
"""
_AIDER = (
    "$bin/aider",
    "--yes-always",
    "--no-analytics",
    "--no-check-update",
    "--no-show-model-warnings",
    "--no-show-release-notes",
    "--no-gitignore",
    "--no-auto-commits",
    "--no-pretty",
    "--no-detect-urls",
    "--edit-format",
    "diff",
    "--message",
    "$prompt",
    "--model",
)
_AIDER_ENV = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
_LLM_MODELS = """\
- model_id: omniroute
  model_name: $model
  api_base: $url/v1
  api_key_name: omniroute
  supports_tools: true
"""
_LLM_TOOL = "def write_file(path: str, content: str) -> str:\n    open(path, 'w').write(content)\n    return 'written'"
_AGENT_SDK = """\
import asyncio, sys
from claude_agent_sdk import ClaudeAgentOptions, query

async def main():
    options = ClaudeAgentOptions(model=sys.argv[2], permission_mode="acceptEdits", allowed_tools=["Write"])
    async for message in query(prompt=sys.argv[1], options=options):
        if getattr(message, "result", None):
            print(message.result)

asyncio.run(main())
"""
_CLINE_ENV = {"CLINE_TELEMETRY_DISABLED": "1", "CLINE_NO_AUTO_UPDATE": "1"}


def _openclaw(api: str, wire: str, model: str) -> Program:
    return Program(
        "openclaw",
        wire,
        model,
        (
            "$bin/openclaw",
            "agent",
            "--local",
            "--session-id",
            "s1",
            "--message",
            "$prompt",
            "--timeout",
            "150",
        ),
        {"OPENCLAW_HIDE_BANNER": "1"},
        {".openclaw/openclaw.json": _OPENCLAW_CONFIG.replace("$api", api)},
        timeout_s=200,
    )


def _qwen(auth: str, wire: str, prefix: str, base_url: str) -> Program:
    base = "GOOGLE_GEMINI_BASE_URL" if wire == GEMINI else f"{prefix}_BASE_URL"
    env = {base: base_url, f"{prefix}_API_KEY": "$key", f"{prefix}_MODEL": "$model"}
    files = {".qwen/settings.json": _QWEN_SETTINGS.replace("$auth", auth)}
    return Program("qwen-code", wire, "", ("$bin/qwen", "--yolo", "-p", "$prompt"), env, files)


def _opencode(library: str, wire: str, base_url: str) -> Program:
    config = _OPENCODE_CONFIG.replace("$library", library).replace("$base_url", base_url)
    files = {".config/opencode/opencode.json": config}
    return Program("opencode", wire, "", ("$bin/opencode", "run", "$prompt"), _OPENCODE_ENV, files)


def _copilot(kind: str, wire: str) -> Program:
    env = {
        "COPILOT_PROVIDER_TYPE": kind,
        "COPILOT_PROVIDER_BASE_URL": "$url/v1" if wire == CHAT else "$url",
        "COPILOT_PROVIDER_API_KEY": "$key",
        "COPILOT_MODEL": "$model",
        "COPILOT_AUTO_UPDATE": "false",
    }
    command = ("$bin/copilot", "-p", "$prompt", "--allow-all-tools", "--allow-all-paths")
    return Program("copilot", wire, "", command, env)


def _pi(api: str, wire: str, base_url: str) -> Program:
    config = _PI_CONFIG.replace("$base_url", base_url).replace("$api", api)
    command = ("$bin/pi", "-p", "--provider", "omniroute", "--model", "$model", "$prompt")
    return Program("pi", wire, "", command, {"PI_OFFLINE": "1"}, {".pi/agent/models.json": config})


def _codex(model: str, config: str = _CODEX_CONFIG) -> Program:
    return Program(
        "codex", RESPONSES, model, _CODEX, {"OMNIROUTE_KEY": "$key"}, {".codex/config.toml": config}
    )


PROGRAMS: dict[str, Program] = {
    "claude-code": Program("claude-code", ANTHROPIC, "claude-sonnet-4-5", _CLAUDE, _CLAUDE_ENV),
    # A name that it does not know makes it put system messages between the others.
    "claude-code-unknown-model": Program("claude-code", ANTHROPIC, "", _CLAUDE, _CLAUDE_ENV),
    "claude-code-settings-file": Program(
        "claude-code",
        ANTHROPIC,
        "claude-sonnet-4-5",
        _CLAUDE,
        {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "IS_SANDBOX": "1"},
        {".claude/settings.json": _CLAUDE_SETTINGS},
    ),
    "claude-code-base-with-v1": Program(
        "claude-code",
        ANTHROPIC,
        "claude-opus-4-6",
        _CLAUDE,
        {**_CLAUDE_ENV, "ANTHROPIC_BASE_URL": "$url/v1"},
    ),
    "claude-agent-sdk": Program(
        "claude-agent-sdk",
        ANTHROPIC,
        "claude-sonnet-4-5",
        ("$bin/python", "-c", _AGENT_SDK, "$prompt", "$model"),
        _CLAUDE_ENV,
    ),
    "codex": _codex(""),
    # Models that it knows: one gets `apply_patch` as free text, the other all its tools in the input, and JavaScript.
    "codex-gpt-5.5": _codex("gpt-5.5"),
    "codex-gpt-6.1": _codex("gpt-6.1-sol"),
    "codex-base-without-v1": _codex("", _CODEX_CONFIG.replace("$url/v1", "$url")),
    # Its own OpenAI provider, which tries a WebSocket first.
    "codex-openai-provider": Program(
        "codex",
        RESPONSES,
        "",
        _CODEX,
        {"OPENAI_API_KEY": "$key", "CODEX_API_KEY": "$key"},
        {".codex/config.toml": _CODEX_OPENAI_CONFIG},
    ),
    "gemini-cli": Program(
        "gemini-cli",
        GEMINI,
        "gemini-2.5-pro",
        ("$bin/gemini", "-p", "$prompt", "-m", "$model", "--yolo"),
        {"GOOGLE_GEMINI_BASE_URL": "$url", "GEMINI_API_KEY": "$key", "GEMINI_CLI_TRUST_WORKSPACE": "true"},
        {".gemini/settings.json": _GEMINI_SETTINGS},
    ),
    # Without a model it asks one of its choice where to go, with a schema for the answer.
    "gemini-cli-auto": Program(
        "gemini-cli",
        GEMINI,
        "",
        ("$bin/gemini", "-p", "$prompt", "--yolo"),
        {"GOOGLE_GEMINI_BASE_URL": "$url", "GEMINI_API_KEY": "$key", "GEMINI_CLI_TRUST_WORKSPACE": "true"},
        {".gemini/settings.json": _GEMINI_SETTINGS},
        also=("gemini-3.5-flash-lite", "gemini-3.8-flash"),
    ),
    "qwen-code": _qwen("openai", CHAT, "OPENAI", "$url/v1"),
    "qwen-code-messages": _qwen("anthropic", ANTHROPIC, "ANTHROPIC", "$url"),
    "qwen-code-gemini": _qwen("gemini", GEMINI, "GEMINI", "$url"),
    "opencode": _opencode("@ai-sdk/openai-compatible", CHAT, "$url/v1"),
    "opencode-responses": _opencode("@ai-sdk/openai", RESPONSES, "$url/v1"),
    "opencode-messages": _opencode("@ai-sdk/anthropic", ANTHROPIC, "$url/v1"),
    "opencode-gemini": _opencode("@ai-sdk/google", GEMINI, "$url/v1beta"),
    "cline": Program(
        "cline",
        CHAT,
        "",
        ("$bin/cline", "-t", "60", "$prompt"),
        _CLINE_ENV,
        setup=(
            ("$bin/cline", "auth", "-p", "openai-compatible", "-k", "$key", "-m", "$model", "-b", "$url/v1"),
        ),
    ),
    "continue": Program(
        "continue",
        CHAT,
        "",
        ("$bin/cn", "-p", "$prompt", "--auto", "--config", "$home/.continue/config.yaml"),
        {"CONTINUE_TELEMETRY_ENABLED": "0"},
        {".continue/config.yaml": _CONTINUE_CONFIG},
    ),
    "copilot": _copilot("openai", CHAT),
    "copilot-messages": _copilot("anthropic", ANTHROPIC),
    "pi": _pi("openai-completions", CHAT, "$url/v1"),
    "pi-responses": _pi("openai-responses", RESPONSES, "$url/v1"),
    "pi-messages": _pi("anthropic-messages", ANTHROPIC, "$url"),
    "pi-gemini": _pi("google-generative-ai", GEMINI, "$url/v1beta"),
    "openclaw": _openclaw("openai-completions", CHAT, ""),
    "openclaw-messages": _openclaw("anthropic-messages", ANTHROPIC, ""),
    "openclaw-responses": _openclaw("openai-responses", RESPONSES, ""),
    "llm": Program(
        "llm",
        CHAT,
        "",
        ("$bin/llm", "-m", "omniroute", "--functions", _LLM_TOOL, "$prompt"),
        {"LLM_USER_PATH": "$home/llm"},
        {"llm/extra-openai-models.yaml": _LLM_MODELS, "llm/keys.json": '{"omniroute": "$key"}'},
    ),
    "aider": Program(
        "aider",
        CHAT,
        "gpt-5.4",
        (*_AIDER, "openai/$model"),
        {"OPENAI_API_BASE": "$url/v1", "OPENAI_API_KEY": "$key", **_AIDER_ENV},
        edits_by_text=True,
    ),
    "aider-messages": Program(
        "aider",
        ANTHROPIC,
        "claude-sonnet-4-5",
        (*_AIDER, "anthropic/$model"),
        {"ANTHROPIC_API_BASE": "$url", "ANTHROPIC_API_KEY": "$key", **_AIDER_ENV},
        edits_by_text=True,
    ),
    "aider-gemini": Program(
        "aider",
        GEMINI,
        "gemini-2.5-pro",
        (*_AIDER, "gemini/$model"),
        {"GEMINI_API_BASE": "$url/v1beta", "GEMINI_API_KEY": "$key", **_AIDER_ENV},
        edits_by_text=True,
    ),
}
