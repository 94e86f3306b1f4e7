"""Sign-ins of the vendors' own programs: found, told about, taken over."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone
from hypothesis import HealthCheck, given, settings, strategies

from omniroute.errors import UpstreamRefused
from providers import catalog
from providers.config import account_config
from providers.models import Account
from providers.oauth import importing, renewal
from providers.oauth.answers import SignInError
from providers.spec import ProviderSpec
from tests.vendors.framework import jwt

pytestmark = pytest.mark.django_db(transaction=True)
LATER_MS = (int(time.time()) + 7200) * 1000


def spec_of(provider: str) -> ProviderSpec:
    return catalog.load()[provider]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CODEX_HOME", raising=False)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    return tmp_path


def put(home: Path, name: str, value) -> Path:
    file = home / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value))
    return file


def claude_file(access: str, refresh: str):
    kept = {"accessToken": access, "refreshToken": refresh, "expiresAt": LATER_MS, "subscriptionType": "max"}
    return {"claudeAiOauth": {**kept, "scopes": ["user:inference", "user:profile"], "rateLimitTier": "20x"}}


def codex_file(access: str, refresh: str):
    about = {"https://api.openai.com/auth": {"chatgpt_account_id": "ws-9", "chatgpt_plan_type": "pro"}}
    identity = jwt({"email": "ada@example.com", **about})
    tokens = {"id_token": identity, "access_token": access, "refresh_token": refresh, "account_id": "ws-9"}
    return {"OPENAI_API_KEY": None, "tokens": tokens, "last_refresh": "2026-11-20T10:00:00Z"}


def plain_file(access: str, refresh: str):
    more = {"resource_url": "portal.qwen.ai", "token_type": "Bearer", "scope": "openid"}
    return {"access_token": access, "refresh_token": refresh, "expiry_date": LATER_MS, **more}


def github_file(access: str, refresh: str):
    return {"github.com:Iv1.b507a08c87ecfe98": {"user": "ada", "oauth_token": access, "githubAppId": "x"}}


def kiro_file(access: str, refresh: str):
    kept = {"accessToken": access, "refreshToken": refresh, "expiresAt": "2036-11-25T10:00:00.000Z"}
    return {
        **kept,
        "authMethod": "IdC",
        "provider": "BuilderId",
        "region": "us-east-1",
        "clientIdHash": "ab" * 20,
    }


FILES = {
    "claude": (".claude/.credentials.json", claude_file),
    "codex": (".codex/auth.json", codex_file),
    "gemini-cli": (".gemini/oauth_creds.json", plain_file),
    "github": (".config/github-copilot/apps.json", github_file),
    "iflow": (".iflow/oauth_creds.json", plain_file),
    "qwen": (".qwen/oauth_creds.json", plain_file),
    "kiro": (".aws/sso/cache/kiro-auth-token.json", kiro_file),
}


@pytest.mark.parametrize("provider", FILES)
def test_it_is_found_where_the_program_keeps_it_and_becomes_an_account(vendor, home, provider):
    app = vendor(provider)
    access, refresh = app.pair()
    name, content = FILES[provider]
    assert importing.look(spec_of(provider)) is None
    file = put(home, name, content(access, refresh))
    if provider == "kiro":
        client = {"clientId": "c-1", "clientSecret": "a-client-secret"}
        put(home, f".aws/sso/cache/{'ab' * 20}.json", client)
    found = importing.look(spec_of(provider))
    assert isinstance(found, importing.Found)
    assert found.place == str(file)
    told = f"{found} {found.summary}"
    assert not any(secret in told for secret in (*app.issued, "a-client-secret"))
    account = importing.adopt(spec_of(provider), found.tokens)
    assert Account.objects.get() == account
    assert account.auth_type == "oauth"
    assert account.bearer
    if provider == "kiro":
        assert account.secrets["clientSecret"] == "a-client-secret"
        assert account.provider_data["authMethod"] == "builder-id"
    if provider == "qwen":
        assert account.provider_data["resourceUrl"] == "portal.qwen.ai"
    if provider == "codex":
        assert (account.external_id, account.plan) == ("ws-9", "Pro")
    if provider == "claude":
        assert account.plan == "Max"


@pytest.mark.parametrize("provider", ["claude", "codex"])
def test_what_a_key_store_prints_can_be_pasted(provider):
    content = FILES[provider][1]("sk-ant-oat01-a", "the-refresh-token")
    tokens = importing.of_text(spec_of(provider), f"  {json.dumps(content, indent=2)}\n")
    assert tokens.refresh == "the-refresh-token"


def test_iflows_cookie_gives_a_key_and_a_new_one_before_that_ends(vendor):
    app = vendor("iflow")
    tokens = importing.of_text(spec_of("iflow"), f"BXAuth={app.cookie}; Path=/")
    account = importing.adopt(spec_of("iflow"), tokens)
    assert account.bearer in app.issued
    assert account.expires_at == datetime(2026, 12, 23, 10, 0, tzinfo=UTC)  # a day early, of 18:00 in Beijing
    renewed = async_to_sync(renewal.renewed)(account_config(account))
    assert renewed.api_key in app.issued
    assert renewed.api_key != account.bearer
    app.cookie = "another"
    with pytest.raises(UpstreamRefused):
        async_to_sync(renewal.renewed)(account_config(Account.objects.get()))
    assert Account.objects.get().needs_sign_in


def test_an_api_key_of_codex_is_sent_to_where_keys_belong(home):
    put(home, ".codex/auth.json", {"auth_mode": "apikey", "OPENAI_API_KEY": "sk-1", "tokens": None})
    problem = importing.look(spec_of("codex"))
    assert isinstance(problem, SignInError)
    assert "an account of OpenAI" in problem.message


def test_codex_home_goes_before_the_usual_place(home, monkeypatch):
    monkeypatch.setenv("CODEX_HOME", str(home / "elsewhere"))
    put(home, ".codex/auth.json", codex_file("a", "one"))
    put(home, "elsewhere/auth.json", codex_file("a", "two"))
    found = importing.look(spec_of("codex"))
    assert isinstance(found, importing.Found)
    assert found.tokens.refresh == "two"


def test_the_same_file_twice_makes_one_account(vendor, home):
    app = vendor("claude")
    put(home, ".claude/.credentials.json", claude_file(*app.pair()))
    for _ in range(2):
        found = importing.look(spec_of("claude"))
        assert isinstance(found, importing.Found)
        importing.adopt(spec_of("claude"), found.tokens)
    assert Account.objects.count() == 1


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "5", '{"claudeAiOauth": 5}', '{"x": {}}', "\x00\x01", "[" * 9999]
)
def test_what_is_no_such_file_is_refused_with_a_reason(home, content):
    put(home, ".claude/.credentials.json", {})
    (home / ".claude/.credentials.json").write_text(content)
    problem = importing.look(spec_of("claude"))
    assert isinstance(problem, SignInError)
    assert problem.message.startswith("The file ")


def test_what_is_too_large_is_not_read(home):
    put(home, ".claude/.credentials.json", {"x": "y" * (importing.MAX_BYTES + 1)})
    problem = importing.look(spec_of("claude"))
    assert isinstance(problem, SignInError)
    assert "too large" in problem.message


def database(file: Path, key: str, token, state=()) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE auth_kv (key TEXT PRIMARY KEY, value TEXT)")
        connection.execute("CREATE TABLE state (key TEXT PRIMARY KEY, value BLOB)")
        registration = {"client_id": "c-1", "client_secret": "s-1", "region": "eu-central-1"}
        rows = [(key, json.dumps(token)), ("kirocli:odic:device-registration", json.dumps(registration))]
        connection.executemany("INSERT INTO auth_kv VALUES (?, ?)", rows)
        connection.executemany("INSERT INTO state VALUES (?, ?)", state)
    return file


class TestKirosCommandLine:
    TOKEN = {"access_token": "aoa-x", "refresh_token": "aorAAAAAG-y", "expires_at": "2036-01-01T00:00:00Z"}

    def test_its_database_is_read(self, home):
        state = [
            ("api.codewhisperer.profile", json.dumps({"arn": "arn:x", "profile_name": "p"}).encode()),
            ("auth.idc.start-url", json.dumps("https://d-1.awsapps.com/start").encode()),
        ]
        database(home / ".local/share/kiro-cli/data.sqlite3", "kirocli:odic:token", self.TOKEN, state)
        found = importing.look(spec_of("kiro"))
        assert isinstance(found, importing.Found)
        tokens = found.tokens
        assert (tokens.access, tokens.refresh) == ("aoa-x", "aorAAAAAG-y")
        assert tokens.data == {"authMethod": "idc", "region": "eu-central-1", "profileArn": "arn:x"}
        assert tokens.secrets == {"clientId": "c-1", "clientSecret": "s-1"}

    def test_it_can_be_uploaded(self, tmp_path):
        file = database(tmp_path / "data.sqlite3", "kirocli:social:token", self.TOKEN)
        found = importing.read_upload(spec_of("kiro"), file.read_bytes(), "data.sqlite3")
        assert found.tokens.data["authMethod"] == "social"
        assert found.tokens.secrets == {}

    def test_one_without_a_sign_in_and_one_that_is_broken_are_refused(self, tmp_path):
        empty = database(tmp_path / "data.sqlite3", "other", {})
        for content in (empty.read_bytes(), empty.read_bytes()[:700]):
            with pytest.raises(SignInError):
                importing.read_upload(spec_of("kiro"), content, "data.sqlite3")


class TestToken:
    def test_a_setup_token_has_no_refresh_token_and_is_used_as_it_is(self, vendor):
        app = vendor("claude")
        access, _ = app.pair()
        account = importing.adopt(spec_of("claude"), importing.of_text(spec_of("claude"), f" {access}\n"))
        assert (account.bearer, account.refresh_token, account.expires_at) == (access, "", None)

    def test_a_refresh_token_of_kiro_is_renewed_at_once(self, vendor):
        app = vendor("kiro")
        _, refresh = app.pair()
        account = importing.adopt(spec_of("kiro"), importing.of_text(spec_of("kiro"), refresh))
        assert account.access_token in app.access_tokens
        assert account.expires_at
        assert account.expires_at > timezone.now()
        assert len(app.calls("POST /refreshToken")) == 1

    @pytest.mark.parametrize("provider", FILES)
    def test_anything_else_is_refused(self, provider):
        for text in ("", "hello", "sk-ant-api03-x", "ünïcode", "\x00"):
            with pytest.raises(SignInError):
                importing.of_text(spec_of(provider), text)


json_values = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.floats()
    | strategies.integers()
    | strategies.text(),
    lambda inner: (
        strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = (
    "claudeAiOauth accessToken refreshToken expiresAt scopes tokens access_token oauth_token refresh_token id_token"
    " expiry_date apiKey clientIdHash authMethod provider github.com"
)
names = strategies.sampled_from(NAMES.split())
objects = strategies.recursive(
    strategies.dictionaries(names, json_values, max_size=5),
    lambda inner: strategies.dictionaries(names, inner | json_values, max_size=5),
    max_leaves=10,
)


@pytest.mark.parametrize("provider", FILES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=objects | json_values)
def test_no_content_breaks_it(provider, content):
    try:
        tokens = importing.parse(spec_of(provider), json.dumps(content).encode())
    except SignInError:
        return
    assert tokens.access or tokens.refresh or tokens.api_key
    assert isinstance(importing.Found(tokens, "x").summary, list)
