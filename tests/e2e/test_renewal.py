"""A token that has ended, many requests, several processes: one renewal, and nobody's request fails."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.server import Gateway, running
from tests.vendors import framework
from tests.vendors.claude import Claude
from tests.vendors.framework import Asked, Refused, on

REFRESH = "POST /v1/oauth/token"
CHAT = "POST /v1/messages"
PROCESSES, REQUESTS = 4, 100

IN_A_PROCESS = """
import asyncio, sys
import django
django.setup()
from providers.config import account_config
from providers.models import Account
from providers.oauth import renewal
account = account_config(Account.objects.get())
print("loaded", flush=True)
sys.stdin.readline()
async def run():
    return await asyncio.gather(*(renewal.ready(account) for _ in range(25)))
tokens = {each.api_key for each in asyncio.run(run())}
print(" ".join(sorted(tokens)))
"""


class Answering(Claude):
    """Anthropic with a chat that takes a good token only."""

    @property
    def overlay(self) -> str:
        return f'[providers.claude]\nbase_url = "{self.url}"\n{super().overlay}'

    @on(CHAT)
    def messages(self, asked: Asked) -> Any:
        if asked.bearer not in self.access_tokens:
            error = {"type": "authentication_error", "message": "invalid bearer token"}
            raise Refused(401, {"type": "error", "error": error})
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": asked.json["model"],
            "content": [{"type": "text", "text": "Hello"}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 3, "output_tokens": 1},
        }


@pytest.fixture
def vendor() -> Iterator[Answering]:
    with framework.running(Answering()) as app:
        app.delay_s = 0.02
        yield app


def environment(folder: Path, vendor: Answering, **more: str) -> dict[str, str]:
    file = folder / "providers.toml"
    file.write_text(vendor.overlay)
    return {"OMNIROUTE_PROVIDERS_FILE": str(file), **more}


def import_account(gateway: Gateway, vendor: Answering, *, life_s: float = -1e6) -> tuple[str, str]:
    """As Claude Code left it; unless told otherwise, with a token that ended long ago."""
    access, refresh = vendor.pair()
    ends = int((time.time() + life_s) * 1000)
    kept = {"accessToken": access, "refreshToken": refresh, "expiresAt": ends}
    gateway.manage("POST", "/api/oauth/claude/import", {"content": json.dumps({"claudeAiOauth": kept})})
    return access, refresh


def ask(gateway: Gateway, number: int) -> httpx.Response:
    """From a connection of its own, so that every process gets some."""
    body = {"model": "cc/claude-opus-4-6", "messages": [{"role": "user", "content": f"Hello {number}"}]}
    return httpx.post(f"{gateway.url}/v1/chat/completions", json=body, timeout=60, trust_env=False)


def ask_all(gateway: Gateway) -> list[httpx.Response]:
    with ThreadPoolExecutor(REQUESTS) as pool:
        return list(pool.map(lambda number: ask(gateway, number), range(REQUESTS)))


def check(answers: list[httpx.Response], vendor: Answering, old: str) -> None:
    assert {answer.status_code for answer in answers} == {200}, [
        answer.text for answer in answers if answer.status_code != 200
    ][:3]
    assert len(vendor.calls(REFRESH)) == 1
    used = {asked.bearer for asked in vendor.calls(CHAT)}
    assert len(used) == 1
    assert old not in used


def import_at_once(gateway: Gateway, vendor: Answering) -> None:
    """The same sign-in, brought by several people in the same moment."""
    access, refresh = vendor.pair()
    kept = {"claudeAiOauth": {"accessToken": access, "refreshToken": refresh, "expiresAt": 1}}
    body = {"content": json.dumps(kept)}
    with ThreadPoolExecutor(2 * PROCESSES) as pool:
        for done in [pool.submit(gateway.manage, "POST", "/api/oauth/claude/import", body) for _ in range(8)]:
            done.result()


@pytest.mark.cluster
def test_four_processes_renew_a_token_that_works_once_once(
    tmp_path: Path, vendor: Answering, postgres_url: str, redis_url: str
) -> None:
    env = environment(tmp_path, vendor, DATABASE_URL=postgres_url, REDIS_URL=redis_url)
    with running(tmp_path, env, ["--no-jobs", "--workers", str(PROCESSES)]) as gateway:
        assert gateway.manage("GET", "/api/providers")["connections"] == []
        import_at_once(gateway, vendor)
        assert len(gateway.manage("GET", "/api/providers")["connections"]) == 1
        old, _ = import_account(gateway, vendor)
        gateway.settle()
        check(ask_all(gateway), vendor, old)


@pytest.mark.e2e
def test_a_hundred_requests_renew_it_once_on_sqlite(tmp_path: Path, vendor: Answering) -> None:
    with running(tmp_path, environment(tmp_path, vendor)) as gateway:
        old, _ = import_account(gateway, vendor)
        check(ask_all(gateway), vendor, old)


@pytest.mark.e2e
def test_other_processes_on_the_same_sqlite_file_see_the_new_pair(tmp_path: Path, vendor: Answering) -> None:
    with running(tmp_path, environment(tmp_path, vendor)) as gateway:
        import_account(gateway, vendor)
        code = [sys.executable, "-c", IN_A_PROCESS]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        others = [
            subprocess.Popen(code, env=gateway.env, cwd=gateway.folder, **pipes)  # type: ignore[call-overload]
            for _ in range(PROCESSES)
        ]
        for other in others:  # one that comes late would find the new pair, and ask for another
            assert other.stdout is not None
            assert other.stdout.readline() == "loaded\n"
        outcomes = [other.communicate("go\n", timeout=60)[0].split() for other in others]
    assert len({tuple(tokens) for tokens in outcomes}) == 1
    assert len(outcomes[0]) == 1
    assert outcomes[0][0] in vendor.access_tokens
    assert len(vendor.calls(REFRESH)) == 1


@pytest.mark.e2e
def test_a_token_that_the_vendor_took_back_is_renewed_and_the_request_repeated(
    tmp_path: Path, vendor: Answering
) -> None:
    with running(tmp_path, environment(tmp_path, vendor)) as gateway:
        old, _ = import_account(gateway, vendor, life_s=1e6)
        del vendor.access_tokens[old]
        assert ask(gateway, 1).status_code == 200
        assert [asked.bearer == old for asked in vendor.calls(CHAT)] == [True, False]
        assert len(vendor.calls(REFRESH)) == 1


@pytest.mark.e2e
@pytest.mark.parametrize(("life_s", "asked"), [(-10, 0), (1e6, 1)], ids=["it ended", "it was taken back"])
def test_a_dead_sign_in_is_told_to_clients_and_the_operator_and_asked_no_more(
    tmp_path: Path, vendor: Answering, life_s: float, asked: int
) -> None:
    with running(tmp_path, environment(tmp_path, vendor)) as gateway:
        old, refresh = import_account(gateway, vendor, life_s=life_s)
        vendor.kill_all()
        vendor.access_tokens.clear()
        answer = ask(gateway, 1)
        assert (answer.status_code, "must be signed in again" in answer.text) == (503, True), answer.text
        (connection,) = gateway.manage("GET", "/api/providers")["connections"]
        assert "not valid" in connection["signInNeeded"]
        later = ask(gateway, 2)
        assert (later.status_code, "must be signed in again" in later.text) == (503, True)
        assert len(vendor.calls(REFRESH)) == 1
        assert len(vendor.calls(CHAT)) == asked
        for text in (answer.text, gateway.log, json.dumps(connection), json.dumps(gateway.rows())):
            assert old not in text
            assert refresh not in text


@pytest.mark.e2e
def test_the_background_job_renews_a_token_before_it_ends(tmp_path: Path, vendor: Answering) -> None:
    with running(tmp_path, environment(tmp_path, vendor), ["--workers", "1"]) as gateway:
        import_account(gateway, vendor, life_s=250)
        deadline = time.monotonic() + 150
        while not vendor.calls(REFRESH) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert len(vendor.calls(REFRESH)) == 1, gateway.log
        assert ask(gateway, 1).status_code == 200
        assert len(vendor.calls(REFRESH)) == 1
