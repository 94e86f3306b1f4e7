"""The services that tests may need: the fixtures reach them, and their absence is said, or fails in CI."""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg
import pytest
import redis

from tests import services

NOWHERE = {
    "TEST_DATABASE_URL": "postgres://postgres@127.0.0.1:1/test",
    "TEST_REDIS_URL": "redis://127.0.0.1:1/0",
}


@pytest.mark.cluster
def test_each_test_gets_an_empty_database_of_its_own(postgres_url):
    with psycopg.connect(postgres_url) as connection:
        (tables,) = connection.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchone() or (None,)
        assert tables == 0
    assert postgres_url != services.DATABASE_URL


@pytest.mark.cluster
def test_redis_begins_empty(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def run_cluster_tests(**env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "cluster", __file__]
    inherited = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_ADDOPTS")}
    return subprocess.run(
        command, cwd=services.ROOT, env={**inherited, **env}, capture_output=True, text=True, check=False
    )


def test_without_services_the_run_passes_and_says_what_it_left_out():
    done = run_cluster_tests(**NOWHERE)
    assert done.returncode == 0, done.stdout
    assert "2 skipped" in done.stdout
    assert "2 x cluster: PostgreSQL is not reachable at postgres://postgres@127.0.0.1:1/test" in done.stdout


def test_in_ci_a_missing_service_is_a_failure():
    done = run_cluster_tests(CI="true", **NOWHERE)
    assert done.returncode == 1
    assert "CI must run cluster tests: PostgreSQL is not reachable" in done.stdout


def test_every_need_is_a_marker():
    markers = (services.ROOT / "pyproject.toml").read_text()
    assert [name for name in services.NEEDS if f'"{name}: ' not in markers] == []
