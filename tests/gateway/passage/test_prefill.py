"""A conversation that ends with the model's turn asks for the rest of that turn, where the provider can be told so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from combos.attempt import Attempt
from combos.resolve import Target
from gateway.edge import inbound
from gateway.passage.requests import build_upstream_request, passage_for
from omniroute.types import UpstreamRequest
from providers import catalog
from providers.config import AccountConfig

QUESTION = {"role": "user", "parts": [{"text": "Name a colour."}]}
BEGUN = {"role": "model", "parts": [{"text": "The colour is"}]}
CALLED = {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {}}}]}
STABLE, BETA = (
    "https://api.deepseek.com/v1/chat/completions",
    "https://api.deepseek.com/beta/chat/completions",
)


def sent(
    provider: str, body: dict[str, Any], *, base_url: str = "", format: str = "gemini"
) -> UpstreamRequest:
    spec = catalog.builtin()[provider]
    asked = inbound.parse(
        json.dumps(body).encode(), format=format, path="/", headers={}, model="m", stream=False
    )
    account = AccountConfig(id=1, provider=provider, name="a", api_key="k", base_url=base_url)
    attempt = Attempt(Target(spec, spec.models[0].id), account)
    way, endpoint = passage_for(asked, attempt)
    return build_upstream_request(way, endpoint, attempt)


def last_message(request: UpstreamRequest) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(request.body)["messages"][-1]
    return message


@pytest.mark.parametrize(
    ("provider", "field"),
    [("kimi", "partial"), ("deepseek", "prefix"), ("mistral", "prefix")],
)
def test_a_begun_answer_is_marked_in_the_providers_own_word(provider: str, field: str) -> None:
    request = sent(provider, {"contents": [QUESTION, BEGUN]})
    assert last_message(request) == {"role": "assistant", "content": "The colour is", field: True}


def test_elsewhere_it_is_history() -> None:
    request = sent("groq", {"contents": [QUESTION, BEGUN]})
    assert last_message(request) == {"role": "assistant", "content": "The colour is"}


@pytest.mark.parametrize("contents", [[QUESTION], [QUESTION, BEGUN, QUESTION], [QUESTION, CALLED]])
def test_other_conversations_carry_no_mark(contents: list[Any]) -> None:
    request = sent("deepseek", {"contents": contents})
    assert "prefix" not in last_message(request)
    assert request.url == STABLE


def test_deepseek_continues_answers_at_an_address_of_their_own() -> None:
    assert sent("deepseek", {"contents": [QUESTION, BEGUN]}).url == BETA
    own = {
        "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "A", "prefix": True}]
    }
    assert sent("deepseek", own, format="openai_chat").url == BETA
    told = {"messages": [{"role": "user", "content": 'What is a "prefix"?'}]}
    assert sent("deepseek", told, format="openai_chat").url == STABLE


def test_an_address_of_the_accounts_own_stays() -> None:
    request = sent("deepseek", {"contents": [QUESTION, BEGUN]}, base_url="https://proxy.example/v1")
    assert request.url == "https://proxy.example/v1/chat/completions"
