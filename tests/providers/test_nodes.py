from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from omniroute.types import Fields
from providers import catalog, quirks
from providers.credentials import auth_headers
from providers.models import Account, ProviderNode, spec_by_id
from providers.nodes import is_local, normalise_base_url, prefix_problem
from providers.nodes.models import spec_of_node


@pytest.mark.parametrize(
    ("pasted", "base"),
    [
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("http://localhost:11434/v1///", "http://localhost:11434/v1"),
        (" HTTPS://Host/v1/chat/completions ", "https://Host/v1"),
        ("https://h/v1/completions", "https://h/v1"),
        ("https://h/v1/responses/", "https://h/v1"),
        ("https://h/v1/messages", "https://h/v1"),
        ("https://h/v1/messages/count_tokens", "https://h/v1"),
        ("https://h/v1/models", "https://h/v1"),
        ("https://h/v1/models/gpt-4o", "https://h/v1"),
        ("https://h/v1/embeddings?x=1#top", "https://h/v1"),
        ("https://h", "https://h"),
        ("https://h/", "https://h"),
        ("https://h/anthropic", "https://h/anthropic"),
        ("https://h/chat", "https://h/chat"),
        ("https://h/my-models", "https://h/my-models"),
    ],
)
def test_a_pasted_address_is_cut_to_its_base(pasted: str, base: str) -> None:
    assert normalise_base_url(pasted) == base
    assert normalise_base_url(base) == base


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:1", True),
        ("http://127.0.0.1:1", True),
        ("http://192.168.1.5/v1", True),
        ("http://[::1]:1", True),
        ("http://ollama:11434", True),
        ("http://host.docker.internal:1", True),
        ("https://api.example.com", False),
        ("https://8.8.8.8", False),
    ],
)
def test_it_knows_a_local_server_and_waits_for_it(url: str, local: bool) -> None:
    assert is_local(url) is local
    spec = spec_of_node(ProviderNode(name="n", prefix="n", base_url=url))
    assert (spec.timeout_first_event_s is not None) is local


@pytest.mark.parametrize(
    ("kind", "api_type", "format", "headers"),
    [
        ("openai-compatible", "chat", "openai_chat", {"authorization": "Bearer k", "x-team": "a"}),
        ("openai-compatible", "responses", "openai_responses", {"authorization": "Bearer k", "x-team": "a"}),
        (
            "anthropic-compatible",
            "chat",
            "anthropic_messages",
            {
                "authorization": "Bearer k",
                "x-api-key": "k",
                "anthropic-version": "2023-06-01",
                "x-team": "a",
            },
        ),
    ],
)
def test_a_node_is_a_provider(kind: str, api_type: str, format: str, headers: dict[str, str]) -> None:
    node = ProviderNode(
        id="node-1", name="Mine", prefix="my", kind=kind, api_type=api_type, base_url="http://h/v1/chat/completions",
        headers={"X-Team": "a"},
    )  # fmt: skip
    spec = spec_of_node(node)
    (endpoint,) = spec.endpoints
    assert (spec.id, spec.shown_prefix, spec.tier) == ("node-1", "my", "custom")
    assert (endpoint.format, endpoint.base_url) == (format, "http://h/v1")
    assert auth_headers(endpoint, "k") == headers


def test_an_anthropic_node_gets_plain_requests_except_for_claude() -> None:
    spec = spec_of_node(ProviderNode(name="n", prefix="n", kind="anthropic-compatible", base_url="http://h"))
    for model, kept in (("local", False), ("anthropic/claude-opus-4-6", True)):
        fields: Fields = {"context_management": {}}
        quirks.apply(fields, spec, model, "anthropic_messages")
        assert bool(fields) is kept


@pytest.mark.parametrize("prefix", ["groq", "GROQ", "ds", "deepseek", "kmc", "moonshot", "cc", "Codex"])
def test_a_prefix_that_means_somebody_else_is_refused(prefix: str) -> None:
    assert prefix_problem(prefix)


@pytest.mark.parametrize("prefix", ["ollama", "my-vllm", "lm.studio", "openai2"])
def test_a_free_prefix_is_taken(prefix: str) -> None:
    assert prefix_problem(prefix) == ""


def test_every_built_in_name_is_refused() -> None:
    for spec in catalog.builtin().values():
        assert all(prefix_problem(name) for name in (spec.id, spec.shown_prefix, *spec.aliases))


@pytest.mark.django_db
def test_cleaning_a_node_puts_its_address_right() -> None:
    node = ProviderNode(name="n", prefix="mine", base_url="http://h:1/v1/chat/completions/")
    node.full_clean()
    assert node.base_url == "http://h:1/v1"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("prefix", {"prefix": "groq"}),
        ("prefix", {"prefix": "TAKEN"}),
        ("prefix", {"prefix": "a/b"}),
        ("base_url", {"base_url": "nonsense"}),
        ("base_url", {"base_url": "http://[::1"}),
        ("base_url", {"base_url": "http://h:x"}),
        ("headers", {"headers": {"a": 1}}),
        ("headers", {"headers": ["a"]}),
        ("headers", {"headers": {"a": "b\r\nc: d"}}),
    ],
)
def test_cleaning_a_node_names_the_wrong_field(field: str, values: dict[str, object]) -> None:
    ProviderNode.objects.create(name="first", prefix="taken", base_url="http://h")
    node = ProviderNode(**{"name": "n", "prefix": "mine", "base_url": "http://h", **values})
    with pytest.raises(ValidationError) as caught:
        node.full_clean()
    assert list(caught.value.message_dict) == [field]


@pytest.mark.django_db
def test_a_node_can_be_saved_again_under_its_own_prefix() -> None:
    ProviderNode.objects.create(name="first", prefix="taken", base_url="http://h").full_clean()


@pytest.mark.django_db
def test_a_spec_is_found_for_built_in_and_custom_providers() -> None:
    node = ProviderNode.objects.create(name="Mine", prefix="mine", base_url="http://h", is_active=False)
    found = spec_by_id(node.pk)
    assert found
    assert found.name == "Mine"
    assert spec_by_id("groq") is catalog.load()["groq"]
    assert spec_by_id("nobody") is None


@pytest.mark.django_db
def test_cleaning_an_account_puts_key_and_address_right() -> None:
    account = Account(
        provider="glm", name="a", api_key=" k\n", base_url="http://h/v1/models", variant="paas", region="cn"
    )
    account.full_clean()
    assert (account.api_key, account.base_url) == ("k", "http://h/v1")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("provider", {"provider": "nobody"}),
        ("variant", {"provider": "glm", "variant": "gold"}),
        ("region", {"provider": "kimi", "region": "mars"}),
        ("variant", {"provider": "groq", "variant": "coding"}),
        ("api_key", {"provider": "groq", "api_key": "sk-a\nb"}),
    ],
)
def test_cleaning_an_account_names_the_wrong_field(field: str, values: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        Account(**{"name": "a", "api_key": "k", **values}).full_clean()
    assert list(caught.value.message_dict) == [field]
