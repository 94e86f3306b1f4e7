"""No credential gets out: not into a log, a page, an answer of the API, or an export."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.server import PASSWORD, Gateway, running
from tests.vendors import framework, gemini_cli, iflow
from tests.vendors.claude import Claude
from tests.vendors.codex import Codex
from tests.vendors.gemini_cli import GeminiCli
from tests.vendors.github import GitHub
from tests.vendors.grants import Authority
from tests.vendors.iflow import IFlow
from tests.vendors.kiro import Kiro
from tests.vendors.qwen import Qwen

pytestmark = pytest.mark.e2e

BY_BROWSER = ("claude", "gemini-cli", "iflow")
BY_CODE = ("codex", "github", "qwen", "kiro")
PAGES = (
    "",
    "providers/catalog/",
    "providers/account/",
    "billing/usagerecord/",
    "django_q/schedule/",
    "django_q/success/",
    "django_q/failure/",
)
EXPORTS = tuple(
    f"/api/usage/export?what={what}&format={format}"
    for what in ("requests", "daily")
    for format in ("csv", "json")
)


@pytest.fixture
def vendors() -> Iterator[dict[str, Any]]:
    with ExitStack() as stack:
        kinds = (Claude, Codex, GeminiCli, GitHub, IFlow, Qwen, Kiro)
        yield {kind.provider: stack.enter_context(framework.running(kind())) for kind in kinds}


@pytest.fixture
def gateway(tmp_path: Path, vendors: dict[str, Authority]) -> Iterator[Gateway]:
    file = tmp_path / "providers.toml"
    tables = (f'[providers.{id}]\nbase_url = "{app.url}"\n{app.overlay}' for id, app in vendors.items())
    file.write_text("\n".join(tables))
    secrets = {
        "GEMINI_CLI_OAUTH_CLIENT_SECRET": gemini_cli.SECRET,
        "IFLOW_OAUTH_CLIENT_SECRET": iflow.SECRET,
    }
    env = {
        "OMNIROUTE_PROVIDERS_FILE": str(file),
        "LOG_LEVEL": "DEBUG",
        "ENABLE_REQUEST_LOGS": "true",
        **secrets,
    }
    with running(tmp_path, env) as found:
        yield found


def browse(gateway: Gateway) -> httpx.Client:
    """Logged in to the admin."""
    client = httpx.Client(base_url=gateway.url, trust_env=False, timeout=60, follow_redirects=True)
    page = client.get("/admin/login/")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert token
    body = {"username": "admin", "password": PASSWORD, "csrfmiddlewaretoken": token[1], "next": "/admin/"}
    assert "Providers" in client.post("/admin/login/", data=body).text
    return client


def sign_in(gateway: Gateway, provider: str) -> None:
    begun = gateway.manage("GET", f"/api/oauth/{provider}/authorize")
    page = httpx.get(begun["authUrl"], trust_env=False)
    allow = httpx.URL(begun["authUrl"]).join(page.text.partition('href="')[2].partition('"')[0])
    address = httpx.URL(httpx.get(allow, trust_env=False).headers["location"])
    answer = httpx.get(gateway.url + address.raw_path.decode(), trust_env=False, timeout=30)
    assert answer.status_code == 200, answer.text


def enter_code(gateway: Gateway, provider: str, app: Authority) -> None:
    begun = gateway.manage("GET", f"/api/oauth/{provider}/device-code")
    app.allow_all()
    status = "pending"
    deadline = time.monotonic() + 30
    while status == "pending" and time.monotonic() < deadline:
        time.sleep(0.3)
        answer = gateway.manage("POST", f"/api/oauth/{provider}/poll", {"state": begun["state"]})
        status = answer["status"]
    assert status == "done", answer


def everything_readable(gateway: Gateway, connections: list[dict[str, Any]]) -> list[str]:
    """Every answer of the management API to a question that names nothing, or an account; and the exports."""
    paths = gateway.manage("GET", "/api/openapi.json")["paths"]
    questions = [path for path, methods in paths.items() if "get" in methods]
    plain = [path for path in questions if "{" not in path]
    assert len(plain) > 30
    of_accounts = [
        path.replace(place, str(each["id"]))
        for path in questions
        for each in connections
        if (place := "{connection_id}") in path or ((place := "{id}") in path and "/providers/" in path)
    ]
    assert len(of_accounts) > 10
    calls = gateway.manage("GET", "/api/usage/call-logs")
    rows = calls if isinstance(calls, list) else next(iter(calls.values()))
    details = [f"/api/usage/call-logs/{row['id']}" for row in rows[:20]]
    assert details
    headers = {"authorization": f"Bearer {gateway.key}"}
    wanted = (*plain, *of_accounts, *details, *EXPORTS)
    answers = [gateway.http.get(path, headers=headers) for path in wanted]
    assert all(answer.status_code < 500 for answer in answers)
    return [answer.text for answer in answers]


def test_none_gets_out(gateway: Gateway, vendors: dict[str, Authority]) -> None:
    gateway.manage("GET", "/api/settings")
    gateway.command(
        "shell", "-c", "from providers.models import *; SignInSettings(allow_discontinued=True).save()"
    )
    for provider in BY_BROWSER:
        sign_in(gateway, provider)
    for provider in BY_CODE:
        enter_code(gateway, provider, vendors[provider])
    connections = gateway.manage("GET", "/api/providers")["connections"]
    assert {each["provider"] for each in connections} == set(vendors)
    seen = [json.dumps(connections)]
    for each in connections:  # some succeed, some fail: there is no chat behind these
        seen.append(json.dumps(gateway.manage("POST", f"/api/providers/{each['id']}/test")))
        seen.append(gateway.chat(f"{each['prefix']}/some-model").text)
    vendors["claude"].kill_all()
    gateway.command(
        "shell",
        "-c",
        "from providers.models import *; Account.objects.update(expires_at='2026-01-01T00:00Z')",
    )
    seen.append(
        gateway.command("shell", "-c", "from providers.tasks import renew_tokens; print(renew_tokens())")
    )
    admin = browse(gateway)
    paths = [f"/admin/{page}" for page in PAGES]
    for each in connections:
        paths.append(f"/admin/providers/catalog/connect/{each['provider']}/")
        paths += [
            f"/admin/providers/account/{each['id']}/{page}/" for page in ("change", "history", "delete")
        ]
    for path in paths:
        page = admin.get(path)
        assert page.status_code == 200, path
        seen.append(page.text)
    admin.close()
    seen += everything_readable(gateway, connections)
    seen += [json.dumps(gateway.rows()), gateway.log]
    issued = {secret for app in vendors.values() for secret in app.issued} | {gemini_cli.SECRET, iflow.SECRET}
    assert len(issued) > 30
    found = [
        (secret[:12], text[max(0, text.index(secret) - 80) :][:100])
        for text in seen
        for secret in issued
        if secret in text
    ]
    assert found == []


def test_the_database_holds_none_in_clear(gateway: Gateway, vendors: dict[str, Authority]) -> None:
    sign_in(gateway, "claude")
    gateway.stop()
    files = [*(gateway.folder / "data").glob("omniroute.sqlite3*")]
    content = b"".join(file.read_bytes() for file in files)
    assert b"ada@example.com" in content
    assert [secret for secret in vendors["claude"].issued if secret.encode() in content] == []
