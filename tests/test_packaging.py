"""What ships the product: Dockerfile, compose file, Makefile, CI script, example settings. No engine is needed."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from tests.services import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
EXAMPLE = (ROOT / ".env.example").read_text()
EXAMPLE_NAMES = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", EXAMPLE, re.MULTILINE))
OURS = [name for name, service in SERVICES.items() if service.get("image") == "omniroute"]
READS_ENV = re.compile(r"(?:\benv\.\w+|environ\.get)\(\s*\"([A-Z][A-Z0-9_]*)\"")


def instructions() -> list[tuple[str, str]]:
    """(name, arguments) in order, continued lines joined."""
    joined = re.sub(
        r"\\\n", " ", "\n".join(row for row in DOCKERFILE.splitlines() if not row.startswith("#"))
    )
    return [
        (row.split(None, 1)[0], row.split(None, 1)[1].strip()) for row in joined.splitlines() if row.strip()
    ]


def last_stage() -> list[tuple[str, str]]:
    rows = instructions()
    start = max(index for index, (name, _) in enumerate(rows) if name == "FROM")
    return rows[start:]


def of(name: str, rows: list[tuple[str, str]]) -> list[str]:
    return [arguments for found, arguments in rows if found == name]


def copied_sources() -> list[str]:
    rows = [row.split() for row in of("COPY", instructions()) if not row.startswith("--from=")]
    return [source for row in rows for source in row[:-1]]


def product_names() -> set[str]:
    """Every environment variable that the product reads."""
    read = (READS_ENV.findall((ROOT / "omniroute" / file).read_text()) for file in ("settings.py", "env.py"))
    return {name for names in read for name in names}


class TestDockerfile:
    def test_every_copied_source_exists_and_is_let_through(self):
        assert [source for source in copied_sources() if not (ROOT / source).exists()] == []
        kept = {row[1:] for row in (ROOT / ".dockerignore").read_text().splitlines() if row.startswith("!")}
        assert set(copied_sources()) == kept

    def test_it_copies_every_package_and_folder_that_the_product_needs(self):
        find = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
        packages = {pattern.rstrip("*") for pattern in find["include"]}
        on_disk = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
        assert packages == on_disk
        assert packages | {"templates", "manage.py"} <= set(copied_sources())

    def test_secrets_and_databases_stay_out_of_the_build(self):
        rows = [row for row in (ROOT / ".dockerignore").read_text().splitlines() if row and row[0] != "#"]
        assert rows[0] == "*"
        kept = [row[1:] for row in rows if row.startswith("!")]
        for secret in (".env", "db.sqlite3", "data", ".git", "encryption.key"):
            assert not any(fnmatch.fnmatch(secret, pattern) for pattern in kept)

    def test_stages_are_pinned_and_the_tools_of_the_first_stay_there(self):
        images = [row.split()[0] for row in of("FROM", instructions())]
        assert len(images) == 2
        assert all(re.fullmatch(r"python:3\.\d+-slim", image) for image in images)
        assert not any("pip" in row for row in of("RUN", last_stage()))

    def test_it_runs_as_an_unprivileged_user_that_owns_the_data(self):
        names = [name for name, _ in last_stage()]
        assert of("USER", last_stage()) == ["omniroute"]
        assert names.index("USER") > max(index for index, name in enumerate(names) if name in ("RUN", "COPY"))
        assert any("-o omniroute" in row and "/app/data" in row for row in of("RUN", last_stage()))
        assert of("VOLUME", last_stage()) == ["/app/data"]

    def test_its_settings_are_known_and_fit_together(self):
        env = dict(re.findall(r"(\w+)=(\S+)", of("ENV", last_stage())[0]))
        foreign = {name for name in env if name.startswith("PYTHON") or name == "PATH"}
        assert set(env) - foreign <= product_names()
        assert (env["HOST"], env["DATA_DIR"]) == ("0.0.0.0", "/app/data")
        assert of("EXPOSE", last_stage()) == [env["PORT"]]

    def test_it_starts_the_product_without_a_shell(self):
        (entry,), (command,) = of("ENTRYPOINT", last_stage()), of("CMD", last_stage())
        scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
        assert json.loads(entry)[0] in scripts
        assert json.loads(command)[0] in get_commands()

    @pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
    def test_the_health_check_tells_a_healthy_server_from_another(self, status, healthy):
        (check,) = of("HEALTHCHECK", last_stage())
        command = json.loads(check[check.index("[") :])
        asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(status)
                self.end_headers()

            def log_message(self, *args):
                pass

        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.handle_request)
            thread.start()
            env = {**os.environ, "PORT": str(server.server_port)}
            done = subprocess.run([sys.executable, *command[1:]], env=env, capture_output=True, check=False)
            thread.join()
        assert asked == ["/api/health"]
        assert (done.returncode == 0) is healthy


class TestCompose:
    def test_by_default_one_service_runs_with_sqlite(self):
        default = [name for name, service in SERVICES.items() if "profiles" not in service]
        assert default == ["omniroute"]
        assert not {"DATABASE_URL", "REDIS_URL"} & set(SERVICES["omniroute"]["environment"])

    def test_the_cluster_has_a_database_redis_several_web_processes_and_one_job_worker(self):
        cluster = {name for name, service in SERVICES.items() if service.get("profiles") == ["cluster"]}
        assert cluster == {"web", "jobs", "postgres", "redis"}
        for name in ("web", "jobs"):
            env = SERVICES[name]["environment"]
            assert env["DATABASE_URL"].partition("@")[2].startswith("postgres:5432/")
            assert env["REDIS_URL"].startswith("redis://redis:")
        assert "--no-jobs" in SERVICES["web"]["command"]
        assert SERVICES["jobs"]["healthcheck"] == {"disable": True}

    @pytest.mark.parametrize("name", [name for name in OURS if "command" in SERVICES[name]])
    def test_commands_are_ones_that_the_product_takes(self, name):
        words = [re.sub(r"\$\{\w+:-(.*?)\}", r"\1", word) for word in SERVICES[name]["command"]]
        command = load_command_class(get_commands()[words[0]], words[0])
        parsed = command.create_parser("omniroute", words[0]).parse_args(words[1:])
        if words[0] == "serve":
            assert parsed.workers > 1

    @pytest.mark.parametrize("name", OURS)
    def test_settings_are_known_and_data_outlives_the_container(self, name):
        assert set(SERVICES[name]["environment"]) <= product_names()
        assert SERVICES[name]["volumes"] == ["data:/app/data"]
        assert SERVICES[name]["environment"]["DATA_DIR"] == "/app/data"

    def test_open_streams_get_their_grace_period(self):
        settings = (ROOT / "omniroute" / "settings.py").read_text()
        found = re.search(r'"SHUTDOWN_GRACE_SECONDS", default=(\d+)', settings)
        assert found
        for name in OURS:
            assert int(SERVICES[name]["stop_grace_period"].rstrip("s")) > int(found[1])

    def test_ports_are_published_on_loopback_only(self):
        published = [port for service in SERVICES.values() for port in service.get("ports", [])]
        assert published == ["${PUBLISH:-127.0.0.1:20128}:20128"] * 2

    def test_what_is_referred_to_exists(self):
        volumes = [row.split(":")[0] for service in SERVICES.values() for row in service.get("volumes", [])]
        assert set(volumes) == set(COMPOSE["volumes"])
        for service in SERVICES.values():
            for other, wish in service.get("depends_on", {}).items():
                assert (
                    wish["condition"] != "service_healthy"
                    or "healthcheck" in SERVICES[other]
                    or other in OURS
                )
        assert set(re.findall(r"\$\{(\w+)", json.dumps(COMPOSE))) <= EXAMPLE_NAMES


def test_the_example_settings_name_every_variable_and_no_other():
    compose_only = set(re.findall(r"\$\{(\w+)", json.dumps(COMPOSE)))
    assert product_names() | compose_only == EXAMPLE_NAMES


def test_the_example_settings_set_nothing_and_explain_everything():
    rows = EXAMPLE.splitlines()
    assert [row for row in rows if row and not row.startswith("#")] == []
    for index, row in enumerate(rows):
        if re.match(r"#[A-Z]", row) and rows[index - 1].startswith("#"):
            assert rows[index - 1].startswith("# ") or re.match(r"#[A-Z]", rows[index - 1])


class TestMake:
    def make(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        command = ["make", "--no-print-directory", *arguments]
        clean = {"PATH": os.environ["PATH"], **env}
        return subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, check=False)

    def test_a_finished_installation_is_left_alone_until_its_inputs_change(self, tmp_path):
        stamp = tmp_path / ".installed"
        assert self.make("--question", "install", f"VENV={tmp_path}").returncode == 1
        stamp.touch()
        assert self.make("--question", "install", f"VENV={tmp_path}").returncode == 0
        os.utime(stamp, (0, 0))
        assert self.make("--question", "install", f"VENV={tmp_path}").returncode == 1

    @pytest.mark.parametrize("target", ["run", "test", "check", "bench"])
    def test_targets_use_the_virtual_environment(self, target, tmp_path):
        (tmp_path / ".installed").touch()
        done = self.make("--dry-run", target, f"VENV={tmp_path}")
        assert done.returncode == 0
        assert f"{tmp_path}/bin/" in done.stdout

    def test_without_a_suitable_python_it_says_what_is_needed(self, tmp_path):
        tools = tmp_path / "bin"
        tools.mkdir()
        for tool in ("sh", "make"):
            found = next(
                Path(folder) / tool for folder in ("/bin", "/usr/bin") if (Path(folder) / tool).exists()
            )
            (tools / tool).symlink_to(found)
        done = self.make("install", f"VENV={tmp_path / 'venv'}", PATH=str(tools))
        assert done.returncode != 0
        assert "Python 3.11 or newer" in done.stderr


def test_the_ci_script_is_sound_and_runs_what_the_guide_says():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text()
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in text
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    for command in ("make check", "make test", "export CI=true"):
        assert command in text
