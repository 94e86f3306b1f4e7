"""Whatever a vendor answers, it is read or refused, and never breaks what reads it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from django.utils import timezone
from hypothesis import given, settings, strategies

from providers import catalog
from providers.oauth import device
from providers.oauth.answers import (
    FATAL,
    SignInError,
    Tokens,
    claims_of,
    code_of,
    moment_of,
    parse_tokens,
    seconds_of,
)
from providers.oauth.asking import Asking, retry_after
from providers.oauth.code_flow import authorize_url, challenge_of, read_callback
from providers.oauth.vendors import vendor_of
from tests.providers.oauth.test_importing import json_values

NAMES = [
    "access_token",
    "accessToken",
    "refresh_token",
    "expires_in",
    "expiresIn",
    "scope",
    "id_token",
    "error",
]
NAMES += [
    "device_code",
    "deviceCode",
    "device_auth_id",
    "user_code",
    "userCode",
    "interval",
    "verification_uri",
]
NAMES += [
    "verification_uri_complete",
    "code",
    "message",
    "token",
    "endpoints",
    "account",
    "organization",
    "data",
]
NAMES += [
    "authorization_code",
    "code_verifier",
    "clientId",
    "clientSecret",
    "profileArn",
    "resource_url",
    "expires_at",
]
answers = strategies.dictionaries(strategies.sampled_from(NAMES), json_values, max_size=9) | json_values
statuses = strategies.sampled_from([200, 201, 204, 302, 400, 401, 403, 404, 409, 429, 500, 503])
PROVIDERS = ("claude", "codex", "gemini-cli", "github", "iflow", "qwen", "kiro")


def asking(provider: str, status: int, body: bytes) -> Asking:
    """A vendor that always answers the same."""
    reply = httpx.MockTransport(lambda request: httpx.Response(status, content=body))
    oauth = catalog.builtin()[provider].oauth
    assert oauth
    return Asking(oauth, httpx.AsyncClient(transport=reply))


@pytest.fixture(autouse=True)
def _secrets(settings):
    settings.GEMINI_CLI_OAUTH_CLIENT_SECRET = settings.IFLOW_OAUTH_CLIENT_SECRET = "a-published-secret"


class TestTokens:
    def test_snake_and_camel_case_are_read(self):
        for body in (
            {"access_token": "a", "refresh_token": "r", "expires_in": 3600},
            {"accessToken": "a", "refreshToken": "r", "expiresIn": "3600"},
        ):
            tokens = parse_tokens(body)
            assert (tokens.access, tokens.refresh) == ("a", "r")
            assert tokens.expires_at
            assert abs(tokens.expires_at - timezone.now() - timedelta(hours=1)) < timedelta(seconds=10)

    def test_without_expires_in_the_end_stands_in_the_token(self):
        part = base64.urlsafe_b64encode(json.dumps({"exp": 2_000_000_000}).encode()).rstrip(b"=").decode()
        tokens = parse_tokens({"access_token": f"x.{part}.y"})
        assert tokens.expires_at == datetime.fromtimestamp(2_000_000_000, UTC)

    def test_nothing_shows_a_token(self):
        tokens = Tokens(access="at-1", refresh="rt-1", id_token="it-1", api_key="k-1", secrets={"s": "cs-1"})
        assert not any(secret in repr(tokens) for secret in ("at-1", "rt-1", "it-1", "k-1", "cs-1"))

    @pytest.mark.parametrize(
        "value", [1_900_000_000, 1_900_000_000_000, "1900000000", "2030-03-17T17:46:40Z"]
    )
    def test_moments_are_read_as_seconds_milliseconds_and_iso(self, value):
        assert moment_of(value) == datetime(2030, 3, 17, 17, 46, 40, tzinfo=UTC)

    @given(strategies.floats() | strategies.integers() | strategies.text() | json_values)
    def test_no_moment_and_no_number_of_seconds_breaks_it(self, value):
        assert moment_of(value) is None or moment_of(value)
        assert 1 <= seconds_of(value, 5, 1, 60) <= 60

    @given(strategies.text())
    def test_no_token_breaks_the_reading_of_its_claims(self, text):
        assert isinstance(claims_of(text), dict)
        assert isinstance(claims_of(f"a.{text}.b"), dict)


class TestCodes:
    @pytest.mark.parametrize("code", sorted(FATAL))
    def test_the_end_of_a_sign_in_is_found_in_every_shape(self, code):
        for body in (
            {"error": code},
            {"error": {"code": code}},
            {"detail": json.dumps({"error": {"type": code}})},
            [{"errors": [{"reason": code}]}],
            json.dumps({"error": json.dumps({"error": code})}),
        ):
            assert code_of(body) == code

    def test_amazons_names_are_known(self):
        assert code_of({"__type": "com.amazonaws.sso#InvalidGrantException"}) == "invalid_grant"

    @given(json_values)
    def test_no_body_breaks_it(self, body):
        assert isinstance(code_of(body), str)


@pytest.mark.parametrize("provider", PROVIDERS)
@settings(max_examples=40, deadline=None)
@given(status=statuses, body=answers)
def test_no_answer_breaks_a_renewal(provider, status, body):
    old = Tokens(
        access="a", refresh="r", data={"authMethod": "idc"}, secrets={"clientId": "c", "clientSecret": "s"}
    )
    try:
        new = asyncio.run(vendor_of(provider).renew(asking(provider, status, json.dumps(body).encode()), old))
    except SignInError:
        return
    assert new.access
    assert new.refresh


@pytest.mark.parametrize("provider", PROVIDERS)
@settings(max_examples=30, deadline=None)
@given(status=statuses, body=answers)
def test_no_answer_breaks_what_comes_after_a_sign_in(provider, status, body):
    tokens = Tokens(access="a", refresh="r")
    try:
        found = asyncio.run(
            vendor_of(provider).identify(asking(provider, status, json.dumps(body).encode()), tokens)
        )
    except SignInError:
        return
    assert found.access
    assert all(isinstance(text, str) for text in (found.email, found.plan, found.external_id))


@pytest.mark.parametrize("provider", ["github", "qwen", "kiro", "codex"])
@settings(max_examples=60, deadline=None)
@given(status=statuses, body=answers | strategies.binary(max_size=40))
def test_no_answer_breaks_the_poll_loop(provider, status, body):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    vendor = asking(provider, status, content)
    dialect = device.dialect_of(vendor)
    secrets = {"deviceCode": "d", "userCode": "u", "verifier": "v", "clientId": "c", "clientSecret": "s"}
    try:
        answer = asyncio.run(dialect.poll(vendor, secrets, 5.0))
    except SignInError:
        return
    if isinstance(answer, device.Waiting):
        assert 1 <= answer.interval_s <= 60
    else:
        assert answer.access


@pytest.mark.parametrize("provider", ["github", "qwen", "kiro", "codex"])
@settings(max_examples=60, deadline=None)
@given(status=statuses, body=answers)
def test_no_answer_breaks_the_beginning_and_none_puts_a_script_behind_the_link(provider, status, body):
    vendor = asking(provider, status, json.dumps(body).encode())
    try:
        code = asyncio.run(device.dialect_of(vendor).begin(vendor, {}))
    except SignInError:
        return
    assert code.page.startswith(("https://", "http://"))
    assert 1 <= code.interval_s <= 60
    assert 30 <= code.life_s <= 3600


def test_a_link_to_a_script_is_no_page():
    answer = {"device_code": "d", "user_code": "u", "verification_uri": "javascript:alert(1)"}
    vendor = asking("github", 200, json.dumps(answer).encode())
    with pytest.raises(SignInError):
        asyncio.run(device.dialect_of(vendor).begin(vendor, {}))


class TestCallback:
    @pytest.mark.parametrize(
        "pasted",
        [
            "http://localhost:1455/auth/callback?code=c-1&state=s-1&scope=x",
            "kiro://kiro.kiroAgent/authenticate-success?code=c-1&state=s-1",
            "?code=c-1&state=s-1",
            "code=c-1&state=s-1",
            "c-1#s-1",
            " c-1#\n s-1 ",
            "http://localhost/callback?code=c-1#s-1",
        ],
    )
    def test_what_people_paste_is_understood(self, pasted):
        found = read_callback(pasted)
        assert (found.code, found.error) == ("c-1", "")
        assert found.state == "s-1" or pasted.endswith("?code=c-1#s-1")

    @pytest.mark.parametrize(
        "pasted",
        [
            "https://claude.ai/settings",
            "http://localhost:1455/auth/callback?state=s-1",
            "https://claude.com/cai/oauth/authorize?code=true&client_id=x&state=s-1",
            "http://[",
            "?",
        ],
    )
    def test_an_address_without_a_code_is_told_from_one_with_it(self, pasted):
        with pytest.raises(SignInError, match="no code in this address"):
            read_callback(pasted)

    @given(strategies.text())
    def test_nothing_that_people_paste_breaks_it(self, pasted):
        with contextlib.suppress(SignInError):
            assert isinstance(read_callback(pasted).code, str)

    def test_it_shows_no_code(self):
        assert "c-1" not in repr(read_callback("c-1#s-1"))


def test_the_challenge_is_that_of_rfc_7636():
    assert (
        challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


def test_iflow_has_names_of_its_own_for_what_it_is_sent():
    oauth = catalog.builtin()["iflow"].oauth
    assert oauth
    url = httpx.URL(authorize_url(oauth, state="s", verifier="v", redirect_uri="http://localhost:1/callback"))
    assert dict(url.params) == {
        "loginMethod": "phone",
        "type": "phone",
        "client_id": "10009311001",
        "redirect": "http://localhost:1/callback",
        "state": "s",
    }


@pytest.mark.parametrize(
    ("sent", "seconds"), [("77", 77), ("1", 5), ("99999", 300), ("soon", None), ("", None)]
)
def test_a_retry_after_is_held_to_bounds(sent, seconds):
    assert retry_after(httpx.Response(429, headers={"retry-after": sent})) == seconds
