"""Every way in which a key or an address can be wrong, on real sockets."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from gateway.wire import get_format
from providers import catalog, outgoing, reach, validation
from providers.models import Account, ProviderNode
from providers.nodes.models import spec_of_node
from providers.spec import FORMATS, ProviderSpec, Validation
from tests.providers.conftest import Upstream

pytestmark = pytest.mark.usefixtures("no_proxy_rules")

KEY = "sk-secret-0123456789abcdef"
SPECS = catalog.builtin()
MODELS = {"object": "list", "data": [{"id": "a"}, {"id": "b"}]}
BAD_KEY = {"error": {"message": f"Incorrect API key provided: {KEY}", "type": "invalid_request_error"}}


async def check(provider: str, url: str, key: str = KEY, **more: str) -> validation.ValidationResult:
    return await of_spec(SPECS[provider], url, key, **more)


async def of_spec(spec: ProviderSpec, url: str, key: str = KEY, **more: Any) -> validation.ValidationResult:
    result = await validation.validate(spec, api_key=key, base_url=url, **more)
    assert not key or key not in result.message
    assert (
        result.status
        == {True: ("warning" if result.warning else "valid"), False: "invalid", None: "unreachable"}[
            result.valid
        ]
    )
    assert bool(result.error) is (result.valid is not True)
    assert result.latency_ms >= 0
    return result


def node(url: str, kind: str = "openai-compatible") -> ProviderSpec:
    return spec_of_node(ProviderNode(id="node-1", name="Mine", prefix="my", kind=kind, base_url=url))


# ---- the key ------------------------------------------------------------------------------------------------


async def test_a_good_key_is_valid_and_the_models_are_counted(upstream: Upstream) -> None:
    upstream.on("GET /v1/models", 200, MODELS)
    result = await check("openai", upstream.url)
    assert (result.valid, result.message, result.models) == (True, "", 2)
    assert [(call.method, call.path) for call in upstream.calls] == [("GET", "/v1/models")]
    assert upstream.calls[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_invalid_and_never_quoted(status: int, upstream: Upstream) -> None:
    upstream.on("GET /v1/models", status, BAD_KEY)
    result = await check("openai", upstream.url)
    assert result.valid is False
    assert str(status) in result.error
    assert "Incorrect API key provided: …" in result.error


async def test_a_part_of_the_key_is_not_quoted_either(upstream: Upstream) -> None:
    upstream.on("GET /v1/models", 401, {"error": {"message": f"bad key {KEY[:12]}, {KEY[8:]}."}})
    assert "secret" not in (await check("openai", upstream.url)).error


async def test_gemini_says_a_bad_key_with_400(upstream: Upstream) -> None:
    body = {
        "error": {"code": 400, "message": "API key not valid.", "details": [{"reason": "API_KEY_INVALID"}]}
    }
    upstream.on("GET /v1beta/models?pageSize=1", 400, body)
    assert (await check("gemini", upstream.url)).valid is False
    assert upstream.calls[0].headers["x-goog-api-key"] == KEY


async def test_anthropic_is_asked_for_its_models(upstream: Upstream) -> None:
    upstream.on("GET /v1/models", 200, {"data": [{"id": "claude"}], "has_more": False})
    assert (await check("anthropic", upstream.url)).models == 1
    headers = upstream.calls[0].headers
    assert (headers["x-api-key"], headers["anthropic-version"]) == (KEY, "2023-06-01")


@pytest.mark.parametrize(
    ("provider", "path"),
    [
        ("perplexity", "/chat/completions"),
        ("together", "/v1/chat/completions"),
        ("nvidia", "/v1/chat/completions"),
        ("minimax", "/anthropic/v1/messages"),
    ],
)
async def test_a_public_or_missing_list_means_a_chat(provider: str, path: str, upstream: Upstream) -> None:
    upstream.on(f"POST {path}", 200, {"choices": []})
    assert (await check(provider, upstream.url)).valid is True
    (call,) = upstream.calls
    assert call.body["model"] == SPECS[provider].models[0].id
    assert call.body["max_tokens"] == 1


async def test_a_public_list_proves_nothing(upstream: Upstream) -> None:
    spec = replace(SPECS["openai"], validation=Validation(probe="/models", probe_is_public=True))
    upstream.on("GET /v1/models", 200, MODELS)
    upstream.on("POST /v1/chat/completions", 401, {})
    assert (await of_spec(spec, upstream.url)).valid is False


async def test_openrouter_deepseek_and_kimi_say_what_is_left(upstream: Upstream) -> None:
    upstream.on("GET /api/v1/key", 200, {"data": {"label": "x", "limit_remaining": 0}})
    assert "no credit" in (await check("openrouter", upstream.url)).warning
    upstream.on("GET /user/balance", 200, {"is_available": False, "balance_infos": []})
    assert "no credit" in (await check("deepseek", upstream.url)).warning
    upstream.on("GET /v1/users/me/balance", 200, {"code": 0, "data": {"available_balance": 4.2}})
    assert (await check("kimi", upstream.url)).message == ""


async def test_a_list_that_is_refused_for_other_reasons_leaves_it_to_a_chat(upstream: Upstream) -> None:
    upstream.on("GET /openai/v1/models", 405, {})
    upstream.on("POST /openai/v1/chat/completions", 200, {"choices": []})
    assert (await check("groq", upstream.url)).valid is True


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (402, "Payment required", "no credit left (402)"),
        (429, "Slow down", "rate-limited at the moment (429)"),
        (429, "You exceeded your current quota", "no credit left (429)"),
        (400, "Your credit balance is too low", "no credit left (400)"),
        (400, "max_tokens is too small", "gave 400. max_tokens is too small"),
        (422, "no", "gave 422"),
        (404, "The model x does not exist", "gave 404"),
    ],
)
async def test_an_accepted_key_with_a_problem_is_a_warning(
    status: int, said: str, words: str, upstream: Upstream
) -> None:
    upstream.on("POST /chat/completions", status, {"error": {"message": said}})
    result = await check("perplexity", upstream.url)
    assert result.valid is True
    assert words in result.warning


async def test_a_key_that_is_refused_in_the_chat_is_invalid(upstream: Upstream) -> None:
    upstream.on("POST /chat/completions", 401, {"detail": "Unauthorized"})
    assert (await check("perplexity", upstream.url)).valid is False
    upstream.on("POST /chat/completions", 400, {"code": "x", "error": f"Incorrect API key provided: {KEY}"})
    assert (await check("perplexity", upstream.url)).valid is False


async def test_minimax_says_it_under_a_200(upstream: Upstream) -> None:
    for code, valid in ((1004, False), (2049, False), (1008, True), (1002, None)):
        upstream.on(
            "POST /anthropic/v1/messages", 200, {"base_resp": {"status_code": code, "status_msg": "m"}}
        )
        assert (await check("minimax", upstream.url)).valid is valid
    upstream.on("POST /anthropic/v1/messages", 200, {"base_resp": {"status_code": 0}})
    assert (await check("minimax", upstream.url)).valid is True


async def test_a_failing_provider_verifies_nothing(upstream: Upstream) -> None:
    upstream.on("POST /chat/completions", 503, {"message": "overloaded"})
    result = await check("perplexity", upstream.url)
    assert result.valid is None
    assert "failed with 503. overloaded" in result.error


@pytest.mark.parametrize("key", ["", "sk-a\nb", "sk-é", " sk-a"])
async def test_a_key_that_cannot_be_one_is_not_sent(key: str, upstream: Upstream) -> None:
    assert (await check("openai", upstream.url, key)).valid is False
    assert upstream.calls == []


# ---- the address --------------------------------------------------------------------------------------------


async def test_a_name_that_does_not_exist_is_dns() -> None:
    result = await check("openai", "http://nobody.invalid/v1")
    assert result.valid is None
    assert "nobody.invalid cannot be resolved (DNS)" in result.error


async def test_a_closed_port_is_refused(closed_port: str) -> None:
    result = await check("openai", closed_port)
    assert result.error == f"Nothing listens at {closed_port[7:]}: the connection was refused."


async def test_an_untrusted_certificate_is_tls(self_signed: Upstream) -> None:
    result = await check("openai", self_signed.url)
    assert result.valid is None
    assert "TLS certificate" in result.error
    assert "self" in result.error


async def test_https_to_a_plain_server_is_tls(upstream: Upstream) -> None:
    result = await check("openai", upstream.url.replace("http:", "https:"))
    assert "TLS with 127.0.0.1" in result.error
    assert "http://" in result.error


async def test_a_server_that_never_answers_is_a_timeout(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "READ_TIMEOUT_S", 0.2)
    assert "(timeout)" in (await check("openai", silent)).error


async def test_the_whole_check_has_an_end(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "TOTAL_S", 0.2)
    assert "(timeout)" in (await check("openai", silent)).error


async def test_a_connection_that_is_hung_up_is_named(upstream: Upstream) -> None:
    upstream.on("GET /v1/models", 0)
    assert "broke the connection" in (await check("openai", upstream.url)).error


async def test_a_proxy_that_fails_is_not_a_bad_key(
    upstream: Upstream, closed_port: str, settings: Any
) -> None:
    settings.ENVIRONMENT_PROXIES, settings.NO_PROXY = {"http": closed_port}, []
    result = await check("openai", "http://api.example.com/v1")
    assert result.valid is None
    assert result.error.startswith("The proxy did not pass the connection to api.example.com on")


async def test_a_missing_v1_is_suggested_where_it_is_there(upstream: Upstream) -> None:
    upstream.on("GET /v1/models", 401, {})
    result = await of_spec(node(upstream.url), "")
    assert result.valid is None
    assert result.error.endswith(f"{upstream.url}/v1 is there: enter that address.")


async def test_a_missing_v1_is_suggested_where_nothing_is_known(upstream: Upstream) -> None:
    result = await of_spec(node(f"{upstream.url}/llm"), "")
    assert "404 (not found)" in result.error
    assert "ends with /v1" in result.error


async def test_a_wrong_path_behind_v1_is_said(upstream: Upstream) -> None:
    result = await of_spec(node(f"{upstream.url}/x/v1"), "")
    assert result.error.endswith("Check the path of the address.")


async def test_a_web_page_is_no_api(upstream: Upstream) -> None:
    upstream.on("GET /models", 200, "<html>Open WebUI</html>")
    upstream.on("POST /chat/completions", 200, "<html>Open WebUI</html>")
    result = await of_spec(node(upstream.url), "")
    assert "a page that is no API answer" in result.error


async def test_a_redirect_names_the_address_to_enter(upstream: Upstream) -> None:
    upstream.on("GET /v1/models", 308, {}, Location="https://h/v1/models")
    upstream.on("POST /v1/chat/completions", 308, {}, Location="https://h/v1/chat/completions")
    result = await of_spec(node(f"{upstream.url}/v1"), "")
    assert "redirects to https://h/v1" in result.error


async def test_a_redirect_to_nowhere_is_a_result_too(upstream: Upstream) -> None:
    upstream.on("GET /v1/models", 302, {})
    upstream.on("POST /v1/chat/completions", 302, {})
    assert "redirects to nowhere (302)" in (await of_spec(node(f"{upstream.url}/v1"), "")).error


async def test_a_local_server_needs_no_key(upstream: Upstream) -> None:
    upstream.on("GET /v1/models", 200, MODELS)
    assert (await of_spec(node(f"{upstream.url}/v1"), "", key="")).models == 2
    assert "authorization" not in upstream.calls[0].headers


async def test_an_anthropic_node_gets_its_key_in_both_ways(upstream: Upstream) -> None:
    upstream.on("POST /v1/messages", 400, {"type": "error", "error": {"message": "unknown model"}})
    result = await of_spec(node(f"{upstream.url}/v1", "anthropic-compatible"), "")
    assert result.valid is True
    headers = upstream.calls[-1].headers
    assert headers["x-api-key"] == KEY
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["anthropic-version"] == "2023-06-01"


async def test_variant_region_and_model_of_the_account_are_used(upstream: Upstream) -> None:
    upstream.on("POST /api/paas/v4/chat/completions", 200, {"choices": []})
    assert (await check("glm", upstream.url, variant="paas", region="cn", model="GLM-4.6")).valid is True
    assert upstream.calls[-1].body["model"] == "glm-4.6"


@pytest.mark.parametrize("format", FORMATS)
def test_the_probe_goes_where_requests_of_its_format_go(format: str) -> None:
    path, body = validation.chat_probe(SPECS["nvidia"], format, "m")
    assert path == get_format(format).upstream_path("m", False)
    assert json.loads(body)


def test_the_probe_is_fitted_to_the_model() -> None:
    _, body = validation.chat_probe(SPECS["openai"], "openai_chat", "gpt-5")
    assert "max_completion_tokens" in json.loads(body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "m"}}, "m"),
        ({"error": "m"}, "m"),
        ({"message": "m"}, "m"),
        ({"detail": "m"}, "m"),
        ({"detail": [{"msg": "m", "loc": []}]}, "m"),
        ({"base_resp": {"status_msg": "m"}}, "m"),
        ([{"error": {"message": "m"}}], "m"),
        ({"title": "m", "status": 1}, "m"),
        ({}, ""),
        (None, ""),
        ([], ""),
        ({"error": None, "message": " a\n b "}, "a b"),
    ],
)
def test_the_message_is_found_in_every_shape(body: Any, message: str) -> None:
    assert reach.message_of(body) == message


# ---- accounts -----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
async def test_the_result_is_kept_with_the_account(upstream: Upstream) -> None:
    account = await Account.objects.acreate(provider="openai", name="a", api_key=KEY, base_url=upstream.url)
    upstream.on("GET /v1/models", 401, BAD_KEY)
    result = await validation.validate_account(account)
    stored = await Account.objects.aget(pk=account.pk)
    assert stored.test_status == account.test_status == Account.TestStatus.INVALID
    assert stored.last_error == result.error
    assert stored.last_tested_at is not None
    upstream.on("GET /v1/models", 200, MODELS)
    await validation.validate_account(account)
    stored = await Account.objects.aget(pk=account.pk)
    assert (stored.test_status, stored.last_error) == (Account.TestStatus.VALID, "")


@pytest.mark.django_db(transaction=True)
async def test_an_account_of_a_custom_provider_is_tested_there(upstream: Upstream) -> None:
    mine = await ProviderNode.objects.acreate(name="Mine", prefix="my", base_url=f"{upstream.url}/v1")
    account = await Account.objects.acreate(provider=mine.pk, name="a")
    upstream.on("GET /v1/models", 200, MODELS)
    assert (await validation.validate_account(account)).models == 2
    assert [model.id for model in await validation.list_account_models(account)] == ["a", "b"]


@pytest.mark.django_db(transaction=True)
async def test_an_account_whose_provider_is_gone_says_so() -> None:
    account = await Account.objects.acreate(provider="gone", name="a", api_key=KEY)
    assert "no provider 'gone'" in (await validation.validate_account(account)).error
