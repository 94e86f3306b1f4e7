"""Two laptops and a server: three gateways, one of which keeps the sealed copy for the others."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.server import Gateway, running
from tests.e2e.test_renewal import CHAT, REFRESH, Answering, ask, environment, import_account
from tests.vendors import framework

PASSPHRASE = "correct horse battery staple"
PATH = "/api/sync/cloud"


@pytest.fixture(scope="module")
def vendor() -> Iterator[Answering]:
    with framework.running(Answering()) as app:
        yield app


@pytest.fixture(scope="module")
def three(
    tmp_path_factory: pytest.TempPathFactory, vendor: Answering
) -> Iterator[tuple[Gateway, Gateway, Gateway]]:
    """The peer, a laptop that works in the background, one that syncs when it is told to."""
    folders = [tmp_path_factory.mktemp(name) for name in ("peer", "one", "two")]
    known = environment(folders[1], vendor)
    with (
        running(folders[0]) as peer,
        running(folders[1], known, ["--host", "127.0.0.1"]) as one,
        running(folders[2], {**known, "CLOUD_URL": peer.url}) as two,
    ):
        yield peer, one, two


def soon(check: Callable[[], Any], seconds: float = 40) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := check()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def names(gateway: Gateway) -> set[str]:
    return {combo["name"] for combo in gateway.manage("GET", "/api/combos")["combos"]}


def refusal(gateway: Gateway, body: dict[str, Any]) -> tuple[int, str]:
    answer = gateway.http.post(PATH, json=body, headers={"authorization": f"Bearer {gateway.key}"})
    return answer.status_code, answer.json()["error"]["code"]


def test_two_laptops_share_what_they_have_through_a_peer_that_cannot_read_it(three):
    peer, one, two = three
    key = peer.command("create_api_key", "laptops", "--scope", "sync").strip()
    assert peer.http.get("/main/v1/verify", headers={"authorization": f"Bearer {key}"}).json()["version"] == 0
    assert peer.http.get("/v1/models", headers={"authorization": f"Bearer {key}"}).status_code == 403
    one.add_provider("alpha", "http://127.0.0.1:9/v1", key="sk-secret-alpha")
    one.add_combo("from-one", "alpha/x", "alpha/y")
    two.add_combo("from-two", "openai/gpt-4o")

    # The first enables; the second has another passphrase first, which changes nothing.
    enable = {"action": "enable", "apiKey": key, "passphrase": PASSPHRASE}
    sent = one.manage("POST", PATH, {**enable, "url": peer.url, "deviceName": "One"})["sent"]
    assert {"combo from-one", "node alpha", "account alpha account"} <= set(sent)
    two.manage("GET", "/api/combos")  # makes its key
    wrong = {**enable, "passphrase": "another passphrase"}
    assert refusal(two, wrong) == (400, "wrong_passphrase")
    assert not two.manage("GET", PATH)["enabled"]
    assert names(two) == {"from-two"}
    taken = two.manage("POST", PATH, {**enable, "deviceName": "Two"})["taken"]
    assert "combo from-one" in taken
    assert names(two) == {"from-one", "from-two"}
    [account] = two.manage("GET", "/api/providers")["connections"]
    assert account["name"] == "alpha account"

    # The peer has nothing in clear.
    with sqlite3.connect(peer.folder / "data" / "omniroute.sqlite3") as database:
        [(envelope,)] = database.execute("SELECT envelope FROM gateway_syncspace")
    assert not [text for text in ("from-one", "sk-secret", PASSPHRASE) if text in envelope]

    # In the background: a change is taken over without anybody asking for it, a deletion too.
    assert soon(
        lambda: one.manage("POST", PATH, {"action": "sync"}) and names(one) == {"from-one", "from-two"}
    )
    version = one.manage("GET", PATH)["version"]
    one.manage("DELETE", f"/api/combos/{combo_id(one, 'from-two')}")
    assert soon(lambda: one.manage("GET", PATH)["version"] > version), one.log
    two.manage("POST", PATH, {"action": "sync"})
    assert names(two) == {"from-one"}
    assert {each["name"] for each in two.manage("GET", PATH)["devices"]} == {"One", "Two"}

    # Both at once.
    for gateway, name in ((one, "left"), (two, "right")):
        gateway.add_combo(name, "openai/gpt-4o")
    with ThreadPoolExecutor() as pool:
        list(
            pool.map(
                lambda each: each.http.post(PATH, json={"action": "sync"}, headers=bearer(each)), (one, two)
            )
        )
    assert soon(
        lambda: synced(one) and synced(two) and names(one) == names(two) == {"from-one", "left", "right"}
    )

    # An older copy is refused, and what is here stays; the copy is deleted with the last device.
    with sqlite3.connect(peer.folder / "data" / "omniroute.sqlite3") as database:
        database.execute("UPDATE gateway_syncspace SET version = version - 1")
    assert refusal(two, {"action": "sync"}) == (502, "older_copy")
    assert names(two) == {"from-one", "left", "right"}
    assert two.manage("GET", PATH)["errorCode"] == "older_copy"
    two.manage("POST", PATH, {"action": "disable"})
    one.manage("POST", PATH, {"action": "disable", "deleteRemote": True})
    assert peer.http.get("/main/v1/verify", headers={"authorization": f"Bearer {key}"}).json()["version"] == 0
    assert names(one) == {"from-one", "left", "right"}


def test_a_refresh_token_that_works_once_is_used_once_by_two_devices(three, vendor):
    peer, one, two = three
    key = peer.command("create_api_key", "tokens", "--scope", "sync").strip()
    old, _ = import_account(one, vendor)  # it ended long ago
    enable = {"action": "enable", "apiKey": key, "passphrase": PASSPHRASE, "groups": ["accounts"]}
    one.manage("POST", PATH, {**enable, "url": peer.url})
    two.manage("POST", PATH, enable)
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda number: ask((one, two)[number % 2], number), range(10)))
    assert [answer.status_code for answer in answers] == [200] * 10, answers[0].text
    assert len(vendor.calls(REFRESH)) == 1
    assert len({asked.bearer for asked in vendor.calls(CHAT)} - {old}) == 1

    # What the vendor takes back is renewed by one, and used by both.
    vendor.access_tokens.clear()
    assert ask(two, 1).status_code == 200
    assert ask(one, 1).status_code == 200
    assert len(vendor.calls(REFRESH)) == 2


def combo_id(gateway: Gateway, name: str) -> str:
    found = {combo["name"]: combo["id"] for combo in gateway.manage("GET", "/api/combos")["combos"]}
    return str(found[name])


def bearer(gateway: Gateway) -> dict[str, str]:
    return {"authorization": f"Bearer {gateway.key}"}


def synced(gateway: Gateway) -> bool:
    answer = gateway.http.post(PATH, json={"action": "sync"}, headers=bearer(gateway))
    return answer.status_code == 200
