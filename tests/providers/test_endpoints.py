from __future__ import annotations

import pytest

from providers import catalog
from providers.credentials import auth_headers
from providers.endpoints import choose_endpoint
from providers.spec import Endpoint

SPECS = catalog.builtin()


@pytest.mark.parametrize(
    ("provider", "format", "chosen"),
    [
        ("openai", "openai_chat", "openai_chat"),
        ("openai", "openai_responses", "openai_responses"),
        ("openai", "gemini", "openai_chat"),
        ("deepseek", "anthropic_messages", "anthropic_messages"),
        ("deepseek", "gemini", "openai_chat"),
        ("minimax", "gemini", "anthropic_messages"),
        ("anthropic", "openai_chat", "anthropic_messages"),
    ],
)
def test_the_clients_own_format_is_preferred_and_the_first_is_the_rest(
    provider: str, format: str, chosen: str
) -> None:
    assert choose_endpoint(SPECS[provider], client_format=format).format == chosen


@pytest.mark.parametrize(
    "model", ["gpt-5.2-codex", "gpt-5.1-codex-max", "o3-pro", "gpt-5-pro", "o1-pro-2025-03-19"]
)
def test_a_model_goes_only_where_it_is_served(model: str) -> None:
    endpoint = choose_endpoint(SPECS["openai"], model=model, client_format="openai_chat")
    assert endpoint.format == "openai_responses"


@pytest.mark.parametrize(
    ("variant", "region", "format", "url"),
    [
        ("", "", "openai_chat", "https://api.z.ai/api/coding/paas/v4"),
        ("", "", "anthropic_messages", "https://api.z.ai/api/anthropic/v1"),
        ("anthropic", "", "openai_chat", "https://api.z.ai/api/anthropic/v1"),
        ("paas", "", "anthropic_messages", "https://api.z.ai/api/paas/v4"),
        ("coding", "cn", "openai_chat", "https://open.bigmodel.cn/api/coding/paas/v4"),
        ("", "cn", "anthropic_messages", "https://open.bigmodel.cn/api/anthropic/v1"),
        ("gone", "gone", "openai_chat", "https://api.z.ai/api/coding/paas/v4"),
    ],
)
def test_an_account_chooses_variant_and_region(variant: str, region: str, format: str, url: str) -> None:
    endpoint = choose_endpoint(SPECS["glm"], variant=variant, region=region, client_format=format)
    assert endpoint.base_url == url


def test_regions_of_minimax_and_kimi() -> None:
    assert choose_endpoint(SPECS["minimax"], region="cn").base_url == "https://api.minimaxi.com/anthropic/v1"
    assert choose_endpoint(SPECS["kimi"], region="cn").base_url == "https://api.moonshot.cn/v1"


@pytest.mark.parametrize(
    ("provider", "base_url", "format", "chosen", "url"),
    [
        ("openai", "http://h:1", "openai_responses", "openai_responses", "http://h:1/v1"),
        ("openai", "http://h:1/", "openai_chat", "openai_chat", "http://h:1/v1"),
        ("openai", "http://h/v1", "openai_responses", "openai_responses", "http://h/v1"),
        ("openai", "http://h/proxy/v1/", "openai_chat", "openai_chat", "http://h/proxy/v1"),
        ("gemini", "http://h/v1beta", "gemini", "gemini", "http://h/v1beta"),
        ("gemini", "http://h", "gemini", "gemini", "http://h/v1beta"),
        ("groq", "http://h/v1", "openai_chat", "openai_chat", "http://h/v1"),
        ("groq", "http://h", "openai_chat", "openai_chat", "http://h/openai/v1"),
        ("deepseek", "http://h", "anthropic_messages", "anthropic_messages", "http://h/anthropic/v1"),
        ("deepseek", "http://h/v1", "anthropic_messages", "openai_chat", "http://h/v1"),
        (
            "deepseek",
            "http://h/x/anthropic/v1",
            "openai_chat",
            "anthropic_messages",
            "http://h/x/anthropic/v1",
        ),
        ("deepseek", "http://h/llm", "anthropic_messages", "openai_chat", "http://h/llm"),
        ("minimax", "http://h/v1", "anthropic_messages", "openai_chat", "http://h/v1"),
        ("perplexity", "http://h", "openai_chat", "openai_chat", "http://h"),
        ("perplexity", "http://h/v1", "openai_chat", "openai_chat", "http://h/v1"),
    ],
)
def test_an_accounts_own_address(provider: str, base_url: str, format: str, chosen: str, url: str) -> None:
    endpoint = choose_endpoint(SPECS[provider], client_format=format, base_url=base_url)
    assert (endpoint.format, endpoint.base_url) == (chosen, url)


def test_an_own_address_keeps_the_way_of_authentication() -> None:
    endpoint = choose_endpoint(SPECS["anthropic"], base_url="http://h")
    assert auth_headers(endpoint, "k") == {"x-api-key": "k", "anthropic-version": "2023-06-01"}


@pytest.mark.parametrize(
    ("auth", "headers"),
    [
        ("bearer", {"authorization": "Bearer k"}),
        ("x-api-key", {"x-api-key": "k"}),
        ("x-goog-api-key", {"x-goog-api-key": "k"}),
        ("x-api-key+bearer", {"x-api-key": "k", "authorization": "Bearer k"}),
        ("none", {}),
    ],
)
def test_each_way_of_authentication(auth: str, headers: dict[str, str]) -> None:
    endpoint = Endpoint(format="openai_chat", base_url="http://h", auth=auth)  # type: ignore[arg-type]
    assert auth_headers(endpoint, "k") == headers
    assert auth_headers(endpoint, "") == {}


def test_the_endpoints_own_headers_go_with_it_in_lower_case() -> None:
    endpoint = SPECS["openrouter"].endpoints[0]
    assert auth_headers(endpoint, "k") == {
        "http-referer": "https://omniroute.dev",
        "x-title": "OmniRoute",
        "authorization": "Bearer k",
    }
    versioned = Endpoint(
        format="anthropic_messages", base_url="http://h", headers={"Anthropic-Version": "2099-01-01"}
    )
    assert auth_headers(versioned, "")["anthropic-version"] == "2099-01-01"
