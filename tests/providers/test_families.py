from __future__ import annotations

import pytest

from providers import catalog
from providers.families import family_of, profile_of
from providers.spec import ModelSpec, matches

SPECS = catalog.builtin()


@pytest.mark.parametrize(
    ("model", "reasoning", "output"),
    [
        ("claude-3-5-sonnet-20241022", "none", 8192),
        ("claude-3-7-sonnet-20250219", "budget", 64_000),
        ("claude-opus-4-20250514", "budget", 32_000),
        ("claude-sonnet-4-5-20250929", "budget", 64_000),
        ("claude-4.5-sonnet", "budget", 64_000),
        ("claude-opus-4-6", "adaptive", 128_000),
        ("claude-opus-4-6[1m]", "adaptive", 128_000),
        ("anthropic/claude-opus-4.8:thinking", "adaptive", 128_000),
        ("claude-sonnet-9", "adaptive", 128_000),
        ("gpt-4o-2024-11-20", "none", 16_384),
        ("gpt-4.1-mini", "none", 32_768),
        ("openai/gpt-5", "effort", 128_000),
        ("gpt-5-mini-2025-08-07", "effort", 128_000),
        ("gpt-5-chat-latest", "none", 16_384),
        ("gpt-5.1-codex-max", "effort", 128_000),
        ("gpt-7", "", None),
        ("o3", "effort", 100_000),
        ("o1-mini", "none", 65_536),
        ("gemini-2.0-flash", "none", 8192),
        ("gemini-2.5-pro", "budget", 65_536),
        ("google/gemini-3-flash-preview", "level", 65_536),
        ("gemini-3.8-flash", "level", 65_536),
        ("accounts/fireworks/models/glm-4p7", "effort", 131_072),
        ("deepseek-reasoner", "effort", 65_536),
        ("grok-3-mini", "effort", None),
        ("grok-4", "none", None),
        ("MiniMax-M2.1", "budget", 131_072),
    ],
)
def test_a_family_knows_its_models(model: str, reasoning: str, output: int | None) -> None:
    family = family_of(model)
    assert (family.reasoning if family else "", family.max_output_tokens if family else None) == (
        reasoning,
        output,
    )


@pytest.mark.parametrize(
    ("model", "window"),
    [("gpt-5.2", 400_000), ("gpt-5.4", 1_050_000), ("gpt-5.4-mini", 400_000), ("gpt-6-sol", 1_050_000)],
)
def test_windows_of_the_gpt_generations(model: str, window: int) -> None:
    assert profile_of(SPECS["openai"], model).context_window == window


def test_a_catalog_row_goes_before_its_family() -> None:
    assert profile_of(SPECS["kimi-coding"], "kimi-k2-thinking").max_output_tokens == 32_768
    assert profile_of(SPECS["kimi"], "kimi-k2-thinking").max_output_tokens == 262_144


def test_an_unlisted_model_is_known_by_its_family_wherever_it_is_served() -> None:
    known = profile_of(SPECS["openrouter"], "anthropic/claude-opus-4.1")
    assert (known.id, known.max_output_tokens, known.vision) == ("anthropic/claude-opus-4.1", 32_000, True)


def test_nothing_is_invented_for_an_unknown_model() -> None:
    assert profile_of(SPECS["openrouter"], "acme/foo-1") == ModelSpec(id="acme/foo-1")


def test_an_alias_is_known_as_what_it_means() -> None:
    assert profile_of(SPECS["xai"], "grok-code-mini").id == "grok-code-fast-1"


@pytest.mark.parametrize(
    ("provider", "model", "format", "reasoning"),
    [
        ("openrouter", "anthropic/claude-opus-4.6", "openai_chat", "effort"),
        ("openrouter", "google/gemini-2.5-pro", "openai_chat", "effort"),
        ("openrouter", "openai/gpt-4o", "openai_chat", "none"),
        ("anthropic", "claude-opus-4-6", "anthropic_messages", "adaptive"),
        ("gemini", "gemini-2.5-pro", "gemini", "budget"),
        ("glm", "glm-4.7", "anthropic_messages", "budget"),
        ("glm", "glm-4.7", "openai_chat", "effort"),
        ("minimax", "MiniMax-M2.1", "openai_chat", "effort"),
    ],
)
def test_thinking_is_asked_for_in_the_words_of_the_format(
    provider: str, model: str, format: str, reasoning: str
) -> None:
    assert profile_of(SPECS[provider], model, format).reasoning == reasoning


def test_globs_ignore_letter_case_and_exclude_with_an_exclamation_mark() -> None:
    assert matches((), "anything")
    assert matches(("GPT-*",), "gpt-5")
    assert not matches(("*", "!*-codex"), "gpt-5-codex")
    assert matches(("!*-codex",), "gpt-5")
    assert not matches(("gpt-4*", "gpt-5*"), "o3")
