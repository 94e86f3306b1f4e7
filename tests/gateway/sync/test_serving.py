"""The peer's side: who may keep what here."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from billing.keys import create_api_key
from gateway.models import SyncSpace
from gateway.sync import serving
from gateway.sync.envelope import new_keys, seal
from omniroute.types import JSONDict

pytestmark = pytest.mark.django_db


class Device:
    def __init__(self, scope: str = "sync") -> None:
        self.secret, self.key = create_api_key("laptop", scope)
        self.client = Client(enforce_csrf_checks=True)

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, JSONDict]:
        headers = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.client.generic(method, path, data, content_type="application/json", headers=headers)
        found: JSONDict = answer.json()
        return answer.status_code, found

    def push(self, base: int, space: str = "main", **more: Any) -> int:
        return self.call("POST", f"/sync/{space}", body(base, **more))[0]


def body(base: int, **more: Any) -> JSONDict:
    envelope = seal({"objects": {}}, new_keys("correct horse"), space="main", version=base + 1)
    return {"protocol": 1, "base": base, "device": "d1", "envelope": envelope, **more}


def test_a_copy_is_replaced_by_who_knows_its_version():
    device = Device()
    assert device.call("GET", "/sync/main")[1]["version"] == 0
    assert [device.push(base) for base in (1, 0, 0, 1, 1)] == [409, 200, 409, 200, 409]
    status, found = device.call("GET", "/sync/main?have=1")
    assert (status, found["version"], found["protocol"]) == (200, 2, 1)
    assert found["envelope"]["v"] == 1
    assert device.call("GET", "/sync/main?have=2")[1]["envelope"] is None
    assert device.call("GET", "/main/v1/verify")[1]["version"] == 2
    assert device.call("DELETE", "/sync/main")[0] == 200
    assert not SyncSpace.objects.exists()
    assert device.call("DELETE", "/sync/main")[0] == 200


def test_each_key_has_its_own_copies():
    one, other = Device(), Device("manage")
    assert one.push(0) == other.push(0) == 200
    other.call("DELETE", "/sync/main")
    assert one.call("GET", "/sync/main")[1]["version"] == 1


@pytest.mark.parametrize("path", ["/sync/main", "/main/v1/verify"])
def test_other_keys_and_nobody_are_refused(path):
    assert Device("use").call("GET", path)[0] == 403
    nobody = Device()
    nobody.secret = ""
    assert nobody.call("GET", path)[0] == 401
    nobody.secret = "sk-or-wrong"
    assert nobody.call("GET", path)[0] == 401


def test_a_key_for_sync_does_nothing_else():
    device = Device()
    assert device.call("GET", "/api/combos")[0] == 403
    assert device.call("POST", "/api/sync/cloud", {"action": "sync"})[0] == 403


@pytest.mark.parametrize(
    "wrong",
    [
        b"{",
        b"[]",
        {"providers": [], "modelAliases": {}, "combos": [], "apiKeys": []},  # configuration in clear
    ],
)
def test_what_is_no_push_is_refused(wrong):
    assert Device().call("POST", "/sync/main", wrong)[0] == 400
    assert not SyncSpace.objects.exists()


@pytest.mark.parametrize("change", [{"protocol": 2}, {"base": -1}, {"device": "x" * 40}])
def test_a_push_that_is_not_understood_is_refused(change):
    assert Device().call("POST", "/sync/main", {**body(0), **change})[0] == 400
    assert not SyncSpace.objects.exists()


@pytest.mark.parametrize("change", [{"providers": []}, {"data": "not base64!"}])
def test_what_is_no_sealed_envelope_is_refused(change):
    push = body(0)
    push["envelope"].update(change)
    assert Device().call("POST", "/sync/main", push)[0] == 400
    assert not SyncSpace.objects.exists()


def test_names_and_sizes_have_limits(monkeypatch):
    device = Device()
    assert device.push(0, "Bad_Name") == 400
    assert device.push(0, "x" * 70) == 400
    monkeypatch.setattr(serving, "MAX_SPACES", 1)
    assert device.push(0) == 200
    assert device.push(0, "second") == 403
    monkeypatch.setattr(serving, "MAX_ENVELOPE_BYTES", 10)
    assert device.push(1) == 413


def test_a_lease_is_held_by_one_device_at_a_time():
    device = Device()
    wish = {"name": "token", "device": "d1", "seconds": 60}
    assert device.call("POST", "/sync/main/lease", wish)[0] == 404
    device.push(0)

    def granted(**more: Any) -> bool:
        return bool(device.call("POST", "/sync/main/lease", {**wish, **more})[1]["granted"])

    assert [granted(), granted(device="d2"), granted(device="d2", name="other"), granted()] == [
        *(True, False, True, True)
    ]
    assert granted(device="d2", seconds=0)
    assert not granted(device="d2")  # it was not its own
    assert granted(seconds=0)
    assert granted(device="d2")
