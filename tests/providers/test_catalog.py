from __future__ import annotations

import re

import pytest

from gateway.wire import FORMATS as WIRE_FORMATS
from providers import catalog, problems, quirks, spec
from providers.catalog.openai_compatible import compatible
from providers.config import prefixes_of
from providers.families import profile_of
from providers.spec import ProviderSpec

SPECS = list(catalog.builtin().values())
each_provider = pytest.mark.parametrize("provider", SPECS, ids=lambda provider: provider.id)

GUIDE = [
    "cc/claude-opus-4-6",
    "cc/claude-sonnet-4-5-20250929",
    "cc/claude-haiku-4-5-20251001",
    "cx/gpt-5.2-codex",
    "cx/gpt-5.1-codex-max",
    "gc/gemini-3-flash",
    "gc/gemini-3-flash-preview",
    "gc/gemini-2.5-pro",
    "gh/gpt-5",
    "gh/gpt-5.1-codex",
    "gh/claude-4.5-sonnet",
    "gh/gemini-3-pro",
    "if/kimi-k2-thinking",
    "if/qwen3-coder-plus",
    "if/glm-4.7",
    "if/minimax-m2",
    "if/minimax-m2.1",
    "if/deepseek-r1",
    "qw/qwen3-coder-plus",
    "qw/qwen3-coder-flash",
    "kr/claude-sonnet-4.5",
    "kr/claude-haiku-4.5",
    "glm/glm-4.7",
    "minimax/MiniMax-M2.1",
    "kimi/kimi-latest",
    "ds/deepseek-chat",
    "ds/deepseek-reasoner",
    "groq/llama-3.3-70b-versatile",
    "groq/llama-4-maverick-17b-128e-instruct",
    "xai/grok-4",
    "xai/grok-4-0709-fast-reasoning",
    "xai/grok-code-mini",
    "mistral/mistral-large-2501",
    "mistral/codestral-2501",
    "pplx/sonar-pro",
    "pplx/sonar",
    "together/meta-llama/Llama-3.3-70B-Instruct-Turbo",
    "fireworks/accounts/fireworks/models/deepseek-v3p1",
    "cerebras/llama-3.3-70b",
    "cohere/command-r-plus-08-2024",
    "nvidia/nvidia/llama-3.3-70b-instruct",
]
"""Every id that the user guide names."""


def test_it_knows_every_provider_with_an_api_key() -> None:
    assert [spec.id for spec in SPECS if not spec.oauth] == [
        *("openai", "anthropic", "gemini", "deepseek", "groq", "xai", "mistral", "perplexity", "together"),
        *("fireworks", "cerebras", "cohere", "nvidia", "openrouter", "glm", "minimax", "kimi", "kimi-coding"),
        *("deepgram", "assemblyai"),
    ]


def test_it_knows_every_provider_that_one_signs_in_to() -> None:
    assert {spec.shown_prefix: (spec.id, spec.status) for spec in SPECS if spec.oauth} == {
        "cc": ("claude", "active"),
        "cx": ("codex", "active"),
        "gc": ("gemini-cli", "deprecated"),
        "gh": ("github", "active"),
        "if": ("iflow", "discontinued"),
        "qw": ("qwen", "discontinued"),
        "kr": ("kiro", "active"),
    }


@pytest.mark.parametrize("provider", [spec for spec in SPECS if spec.oauth], ids=lambda spec: spec.id)
def test_a_provider_that_one_signs_in_to_is_honest_about_itself(provider: ProviderSpec) -> None:
    assert provider.terms_warning
    assert provider.status == "active" or provider.status_note
    assert (provider.status == "discontinued") is bool(provider.discontinued_at)


def test_the_formats_are_those_of_the_wire_package() -> None:
    assert set(spec.FORMATS) == set(WIRE_FORMATS)


@each_provider
def test_every_row_stands_up_to_the_checks_of_the_overlay(provider: ProviderSpec) -> None:
    assert list(problems.of_spec(provider)) == []


def test_no_two_providers_claim_one_name() -> None:
    assert list(problems.of_names(catalog.builtin())) == []


@each_provider
def test_every_row_says_what_a_form_shows(provider: ProviderSpec) -> None:
    assert provider.name
    assert provider.cost_note
    assert provider.key_hint or provider.oauth
    assert provider.signup_url.startswith("https://")
    assert all(endpoint.base_url.startswith("https://") for endpoint in provider.endpoints)
    assert any(model.kind == "chat" for model in provider.models) or provider.id in ("deepgram", "assemblyai")


@each_provider
def test_every_chat_model_has_a_known_way_of_thinking_and_a_window(provider: ProviderSpec) -> None:
    unknown = [
        model.id
        for model in provider.models
        if model.kind == "chat" and not (model.reasoning and model.context_window)
    ]
    assert unknown == [model for model in ("openrouter/auto",) if provider.id == "openrouter"]
    assert {model.reasoning for model in provider.models} <= {
        "",
        "none",
        "effort",
        "budget",
        "adaptive",
        "level",
    }


@each_provider
def test_aliases_lead_to_listed_models(provider: ProviderSpec) -> None:
    listed = {model.id for model in provider.models}
    assert set(provider.model_aliases.values()) <= listed
    assert not set(provider.model_aliases) & listed


@pytest.mark.parametrize("name", GUIDE)
def test_every_id_of_the_guide_is_a_listed_model(name: str) -> None:
    prefix, _, model = name.partition("/")
    provider = catalog.builtin()[prefixes_of(catalog.builtin())[prefix]]
    known = provider.model_spec(model)
    assert known is not None
    assert provider.upstream_model(model) == known.id
    assert dict(provider.named_models())[model] == known


@pytest.mark.parametrize(
    ("name", "provider"),
    [("ds", "deepseek"), ("deepseek", "deepseek"), ("pplx", "perplexity"), ("kmc", "kimi-coding")],
)
def test_prefix_and_id_mean_the_same(name: str, provider: str) -> None:
    assert prefixes_of(catalog.builtin())[name] == provider


def test_a_known_id_is_found_in_any_letter_case_and_sent_as_the_provider_spells_it() -> None:
    assert catalog.builtin()["minimax"].upstream_model("minimax-m2.1") == "MiniMax-M2.1"
    assert (
        catalog.builtin()["groq"].upstream_model("LLAMA-4-Scout-17b-16e-instruct").startswith("meta-llama/")
    )
    assert catalog.builtin()["groq"].upstream_model("Some-New/Model") == "Some-New/Model"


@each_provider
def test_the_pricing_id_is_one_of_the_price_data(provider: ProviderSpec) -> None:
    from genai_prices import data

    unpriced = {"nvidia", "kimi-coding", "github", "iflow", "qwen", "kiro", "deepgram", "assemblyai"}
    known = {priced.id for priced in data.providers}
    assert (provider.pricing_id or provider.id) in known or provider.id in unpriced


def test_an_openai_compatible_provider_is_one_row() -> None:
    row = compatible("acme", "Acme", "https://api.acme.example/v1")
    assert list(problems.of_spec(row)) == []
    assert row.endpoints[0].format == "openai_chat"
    assert profile_of(row, "gpt-4o").max_output_tokens == 16_384
    fields = {"model": "m", "temperature": 1.5}
    quirks.apply(fields, row, "m", "openai_chat")
    assert fields == {"model": "m", "temperature": 1.5}


def test_codex_and_pro_models_of_openai_live_on_responses_only() -> None:
    chat_endpoint = catalog.builtin()["openai"].endpoints[0]
    for model in catalog.builtin()["openai"].models:
        only = bool(re.search(r"-codex|-pro$", model.id))
        assert spec.matches(chat_endpoint.models, model.id) is not only, model.id


def test_the_vendors_own_providers_accept_their_signatures() -> None:
    vendors = {provider.id: provider.vendor for provider in SPECS if provider.vendor}
    assert vendors == {
        "openai": "openai",
        "anthropic": "anthropic",
        "gemini": "gemini",
        "codex": "openai",
        "claude": "anthropic",
        "gemini-cli": "gemini",
    }


def test_load_is_read_once_until_it_is_cleared() -> None:
    assert catalog.load() is catalog.load()
    before = catalog.load()
    catalog.load.cache_clear()
    assert catalog.load() is not before
