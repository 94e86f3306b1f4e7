"""Kiro's own host serves some accounts, Amazon's serves all."""

from __future__ import annotations

from typing import Any

import pytest

from combos.attempt import Attempt
from combos.resolve import Target
from gateway.edge import inbound
from gateway.passage.requests import build_upstream_request, passage_for
from gateway.preparation.steps import goes_elsewhere
from omniroute.errors import UpstreamError, UpstreamRefused, UpstreamTimeout, UpstreamUnreachable
from omniroute.types import UpstreamRequest
from providers import catalog
from providers.adapters import kiro
from providers.config import AccountConfig
from providers.spec import Endpoint

ARN = "arn:aws:codewhisperer:us-east-1:1:profile/A"
KIRO, AMAZON = "https://runtime.us-east-1.kiro.dev/", "https://codewhisperer.us-east-1.amazonaws.com/"
BODY = b'{"model":"kr/claude-sonnet-4.5","messages":[{"role":"user","content":"Hi"}]}'


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kiro, "_at_amazon_until", {})


def attempt(base_url: str = "", **data: Any) -> Attempt:
    account = AccountConfig(
        id=1, provider="kiro", name="a", api_key="t", base_url=base_url, provider_data=data
    )
    return Attempt(Target(catalog.load()["kiro"], "claude-sonnet-4.5"), account)


def request(made: Attempt) -> tuple[Endpoint, UpstreamRequest]:
    asked = inbound.parse(BODY, format="openai_chat", path="/", headers={})
    way, endpoint = passage_for(asked, made)
    return endpoint, build_upstream_request(way, endpoint, made)


@pytest.mark.parametrize(
    ("data", "host"),
    [
        ({"profileArn": ARN, "authMethod": "social"}, KIRO),
        ({"profileArn": ARN, "authMethod": "builder-id"}, KIRO),
        ({"authMethod": "builder-id"}, AMAZON),
        ({"profileArn": ARN, "authMethod": "idc"}, AMAZON),
        ({"profileArn": ARN, "authMethod": "external_idp"}, AMAZON),
        ({"profileArn": ARN.replace("us-east-1", "eu-central-1")}, "https://q.eu-central-1.amazonaws.com/"),
    ],
)
def test_kiros_own_host_is_for_those_that_it_knows(data: dict[str, str], host: str) -> None:
    assert request(attempt(**data))[1].url == f"{host}generateAssistantResponse"


@pytest.mark.parametrize(
    "error",
    [
        UpstreamRefused("profileArn is required for this request", status=400),
        UpstreamRefused("Improperly formed request.", status=400),
        UpstreamRefused("Who are you?", status=401),
        UpstreamRefused("Forbidden", status=403),
        UpstreamRefused("Not found", status=404),
        UpstreamUnreachable("No such host"),
    ],
)
def test_what_it_does_not_serve_is_asked_at_amazons_from_then_on(error: UpstreamError) -> None:
    made = attempt(profileArn=ARN, authMethod="social")
    endpoint, first = request(made)
    assert goes_elsewhere(made, endpoint, first, error)
    again = request(made)[1]
    assert again.url.startswith(AMAZON)
    assert not goes_elsewhere(made, endpoint, again, error)
    assert goes_elsewhere(made, endpoint, first, error)  # another request, sent before it was known


@pytest.mark.parametrize(
    "error",
    [
        UpstreamRefused("Too many requests", status=429),
        UpstreamRefused("Input is too long.", status=400),
        UpstreamRefused("Oops", status=500),
        UpstreamTimeout("No answer"),
    ],
)
def test_any_other_failure_is_what_it_is(error: UpstreamError) -> None:
    made = attempt(profileArn=ARN, authMethod="social")
    endpoint, first = request(made)
    assert not goes_elsewhere(made, endpoint, first, error)


def test_an_address_of_ones_own_knows_no_other() -> None:
    made = attempt("http://127.0.0.1:9", profileArn=ARN, authMethod="social")
    endpoint, first = request(made)
    assert first.url == "http://127.0.0.1:9/generateAssistantResponse"
    assert not goes_elsewhere(made, endpoint, first, UpstreamRefused("x", status=403))
