"""The listener on a port that a vendor sends browsers to."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import httpx
import pytest

from providers import catalog
from providers.oauth import listener, sessions
from tests.e2e.server import free_port

HOME = "http://127.0.0.1:20128/"


@pytest.fixture(autouse=True)
def _end() -> Iterator[None]:
    yield
    listener.stop_all()


def come_back(port: int, query: str = "code=c&state=s", path: str = "/auth/callback") -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{port}{path}?{query}", trust_env=False)


def is_open(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ends(port: int) -> bool:
    deadline = time.monotonic() + 10
    while is_open(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_two_people_who_sign_in_at_once_both_come_back() -> None:
    port = free_port()
    assert listener.listen((port,), HOME, 60) == port
    assert listener.listen((port,), HOME, 60) == port
    for state in ("one", "two"):
        answer = come_back(port, f"code=c&state={state}")
        assert answer.headers["location"] == f"{HOME}callback?code=c&state={state}"
    assert ends(port)


def test_kiros_page_comes_back_to_a_path_of_its_own_with_what_was_chosen_there() -> None:
    port, query = free_port(), "login_option=github&code=c&state=s"
    listener.listen((port,), HOME, 60)
    answer = come_back(port, query, "/oauth/callback")
    assert answer.headers["location"] == f"{HOME}callback?{query}"


def test_what_is_no_callback_does_not_end_it() -> None:
    port = free_port()
    listener.listen((port,), HOME, 60)
    for path in ("/", "/favicon.ico", "/auth/callback"):
        assert httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False).status_code == 404
    assert come_back(port).status_code == 302
    assert ends(port)


def test_nobody_who_comes_back_is_waited_for_no_longer_than_the_sign_in_lasts() -> None:
    port = free_port()
    listener.listen((port,), HOME, 0.2)
    assert ends(port)


def test_the_second_port_is_taken_where_the_first_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        first, second = other.getsockname()[1], free_port()
        assert listener.listen((first, second), HOME, 60) == second


@pytest.mark.django_db(transaction=True)
def test_ports_that_other_programs_hold_are_told_to_who_signs_in() -> None:
    codex = catalog.load()["codex"]
    assert codex.oauth is not None
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        spec = replace(codex, oauth=replace(codex.oauth, listen_ports=(port,)))
        row = sessions.begin_code(spec, home=HOME)
    assert f"comes back to ({port}):" in row.message
    assert f"localhost%3A{port}%2Fauth" in row.verification_uri
