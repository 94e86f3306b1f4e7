"""What some tests need from the machine: found or not, and where."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
DATABASE_URL = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/test")


def _redis_url() -> str:
    """Each worker of a parallel run has a database of its own: the first the configured one, the others those below."""
    url = urlsplit(os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15"))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return url._replace(path=f"/{(int(url.path[1:] or 0) - worker) % 16}").geturl()


REDIS_URL = _redis_url()
IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")


@dataclass(frozen=True, slots=True)
class Need:
    """`missing` returns why it is not there, or "". A `required` one must be there in CI."""

    missing: Callable[[], str]
    required: bool


def chromium() -> str | None:
    """Path of a browser for Playwright's `executable_path`, or None."""
    named = os.environ.get("CHROMIUM")
    return named or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )


def traffic_dir() -> Path:
    return Path(os.environ.get("OMNIROUTE_TRAFFIC_DIR") or ROOT.parent / "shared" / "traffic").resolve()


@cache
def _no_browser() -> str:
    return "" if chromium() else "no Chromium found (Debian: apt install chromium; or set CHROMIUM)"


@cache
def no_postgres() -> str:
    import psycopg

    try:
        psycopg.connect(DATABASE_URL, connect_timeout=3).close()
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        return f"PostgreSQL is not reachable at {DATABASE_URL} ({reason}; set TEST_DATABASE_URL)"
    return ""


@contextmanager
def empty_postgres(template: str = "template1") -> Iterator[str]:
    """The address of a new database, dropped afterwards. It is as empty as the one named by `template`."""
    import psycopg
    from psycopg import sql

    name = sql.Identifier(database := f"omniroute_test_{secrets.token_hex(6)}")
    with psycopg.connect(DATABASE_URL, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(template)))
        try:
            yield urlsplit(DATABASE_URL)._replace(path=f"/{database}").geturl()
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@contextmanager
def empty_redis() -> Iterator[str]:
    """The address of the test database, emptied before and after."""
    import redis

    with redis.Redis.from_url(REDIS_URL) as client:
        client.flushdb()
        yield REDIS_URL
        client.flushdb()


@cache
def no_redis() -> str:
    import redis

    client = redis.Redis.from_url(REDIS_URL, socket_connect_timeout=3)
    try:
        client.ping()
    except redis.RedisError as error:
        return f"Redis is not reachable at {REDIS_URL} ({error}; set TEST_REDIS_URL)"
    finally:
        client.close()
    return ""


@cache
def _no_traffic() -> str:
    folder = traffic_dir()
    if (folder / "index.tsv").is_file():
        return ""
    return f"no recorded traffic at {folder} (set OMNIROUTE_TRAFFIC_DIR)"


@cache
def _no_clients() -> str:
    return (
        ""
        if os.environ.get("OMNIROUTE_CLIENT_TESTS")
        else "downloads about 5 GB (set OMNIROUTE_CLIENT_TESTS=1)"
    )


NEEDS: dict[str, Need] = {
    "browser": Need(_no_browser, required=True),
    "cluster": Need(lambda: no_postgres() or no_redis(), required=True),
    "traffic": Need(_no_traffic, required=False),
    "clients": Need(_no_clients, required=False),
}
"""By marker."""
