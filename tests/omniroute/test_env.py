"""The start, by what the environment says: one line where it cannot be meant."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from omniroute import first_start
from omniroute.env import env, made
from omniroute.secrets import read_or_create
from tests.services import ROOT


@pytest.fixture
def say(monkeypatch):
    return lambda **variables: [monkeypatch.setitem(env.ENVIRON, *each) for each in variables.items()]


@pytest.mark.parametrize(
    ("text", "meant"), [("true", True), ("YES", True), ("1", True), ("off", False), ("0", False), ("", True)]
)
def test_a_switch_is_on_or_off_and_its_default_when_empty(say, text, meant):
    say(REQUIRE_API_KEY=text)
    assert env.flag("REQUIRE_API_KEY", default=True) is meant


@pytest.mark.parametrize(
    ("read", "name", "text", "told"),
    [
        ("flag", "REQUIRE_API_KEY", "ture", "REQUIRE_API_KEY: expected true or false, not 'ture'"),
        ("number", "PORT", "abc", "PORT: expected a number from 0 to 65535, not 'abc'"),
        ("number", "PORT", "99999", "PORT: expected a number from 0 to 65535, not '99999'"),
        ("number", "MAX_BODY_MB", "-1", "MAX_BODY_MB: expected a whole number, not '-1'"),
        ("level", "LOG_LEVEL", "loud", "LOG_LEVEL: expected DEBUG or INFO .* not 'LOUD'"),
        ("zone", "TZ", "Mars/Phobos", "TZ: expected a time zone such as Europe/Oslo, not 'Mars/Phobos'"),
        ("zone", "TZ", "../etc", "TZ: expected a time zone"),
        ("address", "DATABASE_URL", "mysql://me:secret@db/x", "begins with sqlite:// or postgres://"),
        (
            "proxies",
            "TRUSTED_PROXIES",
            "10.0.0.1,abc",
            "TRUSTED_PROXIES: expected addresses or networks .* not 'abc'",
        ),
        ("proxies", "TRUSTED_PROXIES", "10.0.0.1/8", "TRUSTED_PROXIES: expected addresses or networks"),
        ("address", "BASE_URL", "localhost:20128", "begins with http:// or https://$"),
    ],
)
def test_what_cannot_be_meant_is_told(say, read, name, text, told):
    say(**{name: text})
    with pytest.raises(ImproperlyConfigured, match=told) as caught:
        getattr(env, read)(name, **({} if read == "proxies" else {"default": 0}))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("text", "is_on"), [("true", True), ("1", True), ("express:*", False), ("", False)])
def test_a_switch_of_a_common_name_leaves_other_programs_theirs(say, text, is_on):
    say(DEBUG=text)
    assert env.own_flag("DEBUG") is is_on


def test_an_empty_value_is_none(say):
    say(PORT="", LOG_LEVEL="", TZ="", DATABASE_URL="")
    assert env.number("PORT", default=20128) == 20128
    assert env.level("LOG_LEVEL", default="INFO") == "INFO"
    assert env.zone("TZ", default="UTC") == "UTC"
    assert env.address("DATABASE_URL", default="sqlite:///x") == "sqlite:///x"


@pytest.mark.parametrize(
    ("text", "meant"),
    [("", []), ("*", ["*"]), ("127.0.0.1, ::1,10.0.0.0/8", ["127.0.0.1", "::1", "10.0.0.0/8"])],
)
def test_trusted_proxies_are_addresses_and_networks(say, text, meant):
    say(TRUSTED_PROXIES=text)
    assert env.proxies("TRUSTED_PROXIES") == meant


@pytest.mark.parametrize("host", ["no-such-host.invalid", "0.0.0.0:80", "a..b"])
def test_a_host_that_is_no_address_is_told_before_anything_is_made(host, settings, monkeypatch):
    monkeypatch.setattr(first_start, "ensure_admin", pytest.fail)
    settings.HOST, settings.REQUIRE_API_KEY = host, True
    with pytest.raises(CommandError, match=f"HOST: '{host}' is neither an address nor a name"):
        call_command("serve", host=host)


def test_a_folder_or_a_secret_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        ImproperlyConfigured, match=r"DATA_DIR: \S+/file/data cannot be made: Not a directory"
    ):
        made(tmp_path / "file" / "data")
    with pytest.raises(ImproperlyConfigured, match=r"\S+/file/secret.key cannot be read or made: "):
        read_or_create(tmp_path / "file" / "secret.key")


def start(folder: Path, **variables: str) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.Popen(
        [sys.executable, "-m", "omniroute", "check"],
        cwd=ROOT,
        env={**inherited, "DATA_DIR": str(folder), **variables},
        stderr=subprocess.PIPE,
        text=True,
        # A job that a shell runs in the background ignores Ctrl-C, and so would what it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.mark.e2e
def test_the_program_says_it_in_one_line(tmp_path):
    program = start(tmp_path, MAX_BODY_MB="much")
    assert program.communicate()[1] == "omniroute: MAX_BODY_MB: expected a whole number, not 'much'\n"
    assert program.returncode == 1


@pytest.mark.e2e
def test_it_can_be_interrupted_while_it_starts(tmp_path):
    program = start(tmp_path / "data")
    while not (tmp_path / "data").exists():
        assert program.poll() is None
    program.send_signal(signal.SIGINT)
    assert program.communicate()[1] == ""
    assert program.returncode == 130


@pytest.mark.parametrize(
    ("host", "deploys", "told"),
    [
        ("127.0.0.1", False, []),
        ("0.0.0.0", False, ["omniroute.W002"]),
        ("127.0.0.1", True, ["omniroute.E002"]),
    ],
)
@pytest.mark.parametrize(
    ("name", "value"),
    [("SECRET_KEY", "your-secure-secret-change-this"), ("INITIAL_PASSWORD", "your-password")],
)
def test_a_secret_that_is_printed_in_guides_is_told(settings, host, deploys, told, name, value):
    settings.HOST = host
    setattr(settings, name, value)
    found = run_checks(include_deployment_checks=deploys)
    assert [each.id for each in found if "printed in guides" in each.msg] == told
