"""Every row of the catalog against a server that speaks all formats: what is sent is well-formed and arrives."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from combos.attempt import Attempt
from combos.resolve import Target
from gateway.edge import inbound
from gateway.passage.requests import build_upstream_request, passage_for
from gateway.simulator import Simulator
from omniroute.types import UpstreamRequest
from providers import catalog
from providers.config import AccountConfig
from providers.spec import ProviderSpec
from providers.validation import validate

KEY = "sk-secret-0123456789abcdef"
SPECS = list(catalog.builtin().values())
SPECS = [spec for spec in SPECS if spec.adapter not in ("code_assist", "kiro")]
"""Those two speak what no simulated vendor does; `tests/vendors` has stand-ins for them."""
SPECS = [spec for spec in SPECS if any(model.kind == "chat" for model in spec.models)]
each_provider = pytest.mark.parametrize("provider", SPECS, ids=lambda provider: provider.id)
REQUESTS: dict[str, dict[str, Any]] = {
    "openai_chat": {
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Hi"}], "name": "bob"},
        ],
        "max_tokens": 50,
        "temperature": 1.2,
        "reasoning_effort": "low",
    },
    "openai_responses": {"input": "Hi", "reasoning": {"effort": "low"}},
    "anthropic_messages": {
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 2000,
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "low"},
    },
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
}


def request_to(
    provider: ProviderSpec, base_url: str, format: str = "openai_chat", headers: dict[str, str] | None = None
) -> UpstreamRequest:
    model = provider.models[0].id
    body = json.dumps({"model": "any", **REQUESTS[format]}).encode()
    asked = inbound.parse(body, format=format, path="/", headers=headers or {})
    account = AccountConfig(id=1, provider=provider.id, name="a", api_key=KEY, base_url=base_url)
    attempt = Attempt(Target(provider, model), account)
    way, endpoint = passage_for(asked, attempt)
    return build_upstream_request(way, endpoint, attempt)


@each_provider
@pytest.mark.parametrize("format", REQUESTS)
def test_a_request_of_every_format_arrives_at_every_provider(
    provider: ProviderSpec, format: str, simulator: Simulator
) -> None:
    sent = request_to(provider, simulator.url, format)
    reply = httpx.post(sent.url, headers=dict(sent.headers), content=sent.body)
    assert reply.status_code == 200, reply.text
    (received,) = simulator.requests
    assert KEY in (
        received.headers.get("authorization", "") + received.headers.get("x-api-key", "") + received.key
    )


@each_provider
@pytest.mark.usefixtures("no_proxy_rules")
async def test_a_key_of_every_provider_can_be_checked(provider: ProviderSpec, simulator: Simulator) -> None:
    result = await validate(provider, api_key=KEY, base_url=simulator.url)
    assert (result.valid, result.message) == (True, "")


@each_provider
def test_no_header_is_sent_twice_in_another_spelling(provider: ProviderSpec) -> None:
    names = [name.lower() for name in request_to(provider, "").headers]
    assert len(names) == len(set(names))


def test_kimi_coding_sees_which_client_asks_and_others_do_not() -> None:
    kimi, groq = catalog.builtin()["kimi-coding"], catalog.builtin()["groq"]
    client = {"user-agent": "claude-cli/2.1", "cookie": "private"}
    assert request_to(kimi, "", headers=client).headers["user-agent"] == "claude-cli/2.1"
    assert request_to(groq, "", headers=client).headers["user-agent"].startswith("omniroute/")
    assert "cookie" not in request_to(kimi, "", headers=client).headers
