"""Is this key good? The provider is asked, and what was met is told.

Source: docs/protocol-notes.md, Validation of keys.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, replace
from typing import Any

import httpx
import msgspec
from asgiref.sync import sync_to_async
from django.utils import timezone

from omniroute.errors import NotFound
from omniroute.types import Fields
from providers import outgoing, quirks, reach
from providers.credentials import auth_headers, is_sendable
from providers.endpoints import choose_endpoint
from providers.listing import entries_of, join, list_models
from providers.models import Account, spec_by_id
from providers.oauth.check import check
from providers.oauth.model_lists import list_signed_in
from providers.spec import Endpoint, ModelSpec, ProviderSpec

__all__ = [
    "ValidationResult",
    "chat_probe",
    "list_account_models",
    "list_models",
    "validate",
    "validate_account",
]

TOTAL_S = 30.0
_STATUS = Account.TestStatus
_BAD_KEY = re.compile(
    r"api[ _-]?key (?:is )?(?:not valid|invalid|incorrect)|(?:invalid|incorrect|wrong) (?:x-)?api[ _-]?key"
    r"|api_key_invalid|invalid_api_key|authentication_error|unauthorized",
    re.IGNORECASE,
)
_NO_MONEY = re.compile(
    r"insufficient[ _](?:quota|balance|credit)|credit balance|exceeded your current quota|billing|\b1113\b",
    re.IGNORECASE,
)
_MINIMAX_BAD_KEY = frozenset({1004, 2049})
_MINIMAX_NO_MONEY = frozenset({1008})


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """`valid`: True, False, or None where it could not be found out. No text in it holds the key."""

    valid: bool | None
    status: str
    """A value of `Account.TestStatus`."""
    error: str = ""
    warning: str = ""
    latency_ms: int = 0
    models: int | None = None
    """How many models the provider lists, where the check learned it."""

    @property
    def message(self) -> str:
        return self.error or self.warning


def _good(warning: str = "", models: int | None = None) -> ValidationResult:
    status = _STATUS.WARNING if warning else _STATUS.VALID
    return ValidationResult(True, status, warning=warning, models=models)


def _bad(error: str) -> ValidationResult:
    return ValidationResult(False, _STATUS.INVALID, error=error)


def _unknown(error: str) -> ValidationResult:
    return ValidationResult(None, _STATUS.UNREACHABLE, error=error)


async def validate(
    spec: ProviderSpec,
    *,
    api_key: str,
    base_url: str = "",
    variant: str = "",
    region: str = "",
    model: str = "",
    account_id: int = 0,
) -> ValidationResult:
    """Ask the provider about a key, with at most three requests. Never raises for what the provider does."""
    started = time.perf_counter()
    endpoint = choose_endpoint(spec, variant=variant, region=region, base_url=base_url)
    try:
        async with asyncio.timeout(TOTAL_S), outgoing.client(provider=spec.id, account_id=account_id) as http:
            result = await _Check(spec, endpoint, api_key, model, http).run()
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        result = _unknown(reach.explain(error, endpoint.base_url))
    return replace(
        result,
        error=reach.without_secret(result.error, api_key),
        warning=reach.without_secret(result.warning, api_key),
        latency_ms=round((time.perf_counter() - started) * 1000),
    )


async def validate_account(account: Account) -> ValidationResult:
    """`validate`, with the result kept in the account's row."""
    spec = await sync_to_async(spec_by_id)(account.provider)
    if spec is None:
        result = _unknown(_gone(account))
    elif account.auth_type == Account.AuthType.OAUTH:
        started = time.perf_counter()
        checked = await check(account, spec)
        judged = _good() if checked.valid else _unknown(checked.message)
        result = _bad(checked.message) if checked.valid is False else judged
        result = replace(result, latency_ms=round((time.perf_counter() - started) * 1000))
    else:
        result = await validate(
            spec,
            api_key=account.api_key,
            base_url=account.base_url,
            variant=account.variant,
            region=account.region,
            model=account.default_model,
            account_id=account.pk or 0,
        )
    account.test_status = result.status
    account.last_error = result.message
    account.last_tested_at = timezone.now()
    # An update, not a save: the outcome of a test is no change of configuration.
    await Account.objects.filter(pk=account.pk).aupdate(
        test_status=account.test_status,
        last_error=account.last_error,
        last_tested_at=account.last_tested_at,
    )
    return result


async def list_account_models(account: Account) -> list[ModelSpec]:
    """`list_models` for an account. Raises what that raises, and `NotFound` for a provider that is gone."""
    spec = await sync_to_async(spec_by_id)(account.provider)
    if spec is None:
        raise NotFound(_gone(account))
    if account.auth_type == Account.AuthType.OAUTH:
        return await list_signed_in(account, spec)
    return await list_models(
        spec,
        api_key=account.api_key,
        base_url=account.base_url,
        variant=account.variant,
        region=account.region,
        account_id=account.pk or 0,
    )


def _gone(account: Account) -> str:
    return f"There is no provider {account.provider!r} any more."


@dataclass(frozen=True, slots=True)
class _Check:
    spec: ProviderSpec
    endpoint: Endpoint
    api_key: str
    model: str
    http: httpx.AsyncClient

    async def run(self) -> ValidationResult:
        if not self.api_key and self.endpoint.auth != "none" and self.spec.tier != "custom":
            return _bad("There is no key to check.")
        if not is_sendable(self.api_key):
            return _bad("The key holds a line break or a character that no key has. Copy it again.")
        if self.api_key != self.api_key.strip():
            return _bad("The key begins or ends with a space. Copy it again.")
        if self.spec.validation.probe:
            response = await self._get(self.spec.validation.probe)
            result = self._judge_probe(response)
            if result is not None:
                return result
        return await self._chat()

    async def _get(self, path: str) -> httpx.Response:
        url = join(self.endpoint.base_url, path)
        return await self.http.get(url, headers=auth_headers(self.endpoint, self.api_key))

    def _judge_probe(self, response: httpx.Response) -> ValidationResult | None:
        """None: the probe says nothing about the key, a chat has to."""
        body = reach.body_of(response)
        refused = self._refusal(response.status_code, body)
        if refused or self.spec.validation.probe_is_public or not response.is_success:
            return refused or self._redirect(response)
        if body is None:
            return None
        entries = entries_of(body)
        return _good(_low_credit(body), len(entries) if entries is not None else None)

    async def _chat(self) -> ValidationResult:
        model = self.model or next((known.id for known in self.spec.models if known.kind == "chat"), "test")
        model = self.spec.upstream_model(model)
        path, body = chat_probe(self.spec, self.endpoint.format, model)
        headers = {**auth_headers(self.endpoint, self.api_key), "content-type": "application/json"}
        response = await self.http.post(self.endpoint.base_url + path, headers=headers, content=body)
        return await self._judge_chat(response, model)

    async def _judge_chat(self, response: httpx.Response, model: str) -> ValidationResult:
        status, body = response.status_code, reach.body_of(response)
        said = reach.message_of(body)
        judged = self._refusal(status, body) or self._redirect(response)
        if judged:
            return judged
        if status >= 500:
            return _unknown(f"{self._where} failed with {status}. {said}".strip())
        if response.is_success:
            return _good() if body is not None else await self._wrong_address("a page that is no API answer")
        if status in (404, 405) and "model" not in said.lower():
            return await self._wrong_address(f"{status} (not found)")
        if status == 402 or _NO_MONEY.search(said):
            return _good(f"The key is accepted, but there is no credit left ({status}). {said}".strip())
        if status == 429:
            return _good(f"The key is accepted, but it is rate-limited at the moment (429). {said}".strip())
        return _good(f"The key is accepted; a test with the model {model} gave {status}. {said}".strip())

    def _refusal(self, status: int, body: Any) -> ValidationResult | None:
        """A bad key, or an error under a 200 (MiniMax)."""
        said = reach.message_of(body)
        code = body["base_resp"].get("status_code") if _has_base_resp(body) else 0
        if status == 401 or code in _MINIMAX_BAD_KEY or (status == 400 and self._says_bad_key(body)):
            return _bad(f"{self._where} does not accept this key ({status}). {said}".strip())
        if status == 403:
            return _bad(f"{self._where} forbids it to this key (403). {said}".strip())
        if code in _MINIMAX_NO_MONEY:
            return _good(f"The key is accepted, but there is no credit left. {said}".strip())
        return _unknown(f"{self._where} answered with the error {code}. {said}".strip()) if code else None

    @staticmethod
    def _says_bad_key(body: Any) -> bool:
        return body is not None and bool(_BAD_KEY.search(str(body)))

    def _redirect(self, response: httpx.Response) -> ValidationResult | None:
        if not response.is_redirect:
            return None
        if not (there := response.headers.get("location")):
            return _unknown(
                f"{self._where} redirects to nowhere ({response.status_code}): check the address."
            )
        return _unknown(f"{self._where} redirects to {there}: enter that address instead.")

    async def _wrong_address(self, met: str) -> ValidationResult:
        """Nothing was found: most often `/v1` is missing, which one more question tells."""
        base_url = self.endpoint.base_url
        begin = f"There is no API at {base_url}: it answers with {met}."
        if re.search(r"/v\d\w*(/|$)", base_url):
            return _unknown(f"{begin} Check the path of the address.")
        response = await self._get("/v1/models")
        if response.status_code not in (404, 405) and reach.body_of(response) is not None:
            return _unknown(f"{begin} {base_url}/v1 is there: enter that address.")
        return _unknown(f"{begin} Most servers want an address that ends with /v1.")

    @property
    def _where(self) -> str:
        return self.spec.name if self.spec.tier != "custom" else reach.place(self.endpoint.base_url)


def _has_base_resp(body: Any) -> bool:
    return isinstance(body, dict) and isinstance(body.get("base_resp"), dict)


def _low_credit(body: Any) -> str:
    """What a balance (DeepSeek, Moonshot, OpenRouter) says, when it is bad news."""
    if not isinstance(body, dict):
        return ""
    data = body["data"] if isinstance(body.get("data"), dict) else {}
    left = [data.get(name) for name in ("available_balance", "limit_remaining")]
    empty = any(isinstance(amount, int | float) and amount <= 0 for amount in left)
    return (
        "The key is accepted, but there is no credit left."
        if body.get("is_available") is False or empty
        else ""
    )


def chat_probe(spec: ProviderSpec, format: str, model: str) -> tuple[str, bytes]:
    """Path and body of the shortest question in a wire format, as this provider takes it."""
    question = {"role": "user", "content": "Hi"}
    fields: Fields = {"model": model, "messages": [question], "max_tokens": 1}
    path = "/messages" if format == "anthropic_messages" else "/chat/completions"
    if format == "openai_responses":
        path, fields = "/responses", {"model": model, "input": "Hi", "max_output_tokens": 16}
    elif format == "gemini":
        path = f"/models/{model}:generateContent"
        fields = {
            "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
            "generationConfig": {"maxOutputTokens": 1},
        }
    quirks.apply(fields, spec, model, format)
    return path, msgspec.json.encode(fields)
