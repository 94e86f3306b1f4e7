"""Five targets that fail in every way that the simulator knows, and one that is well: nobody may notice.

    python -m bench.chaos                       # 20,000 requests, 64 at a time
    python -m bench.chaos --requests 1000

Exits with 1 if a client saw a failure that could have been hidden, a connection hung, a socket, file or task is left
over, or a state is wrong afterwards. What breaks behind a stream's first content cannot be hidden: it must be told in
band.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench import http, machine
from bench.gateway import ROOT, Gateway, Installation

FLAKY = 5
HUNG_S = 60.0
"""An answer that takes longer hangs."""
TARGET_TIMEOUT_MS = 2000
IDLE_TIMEOUT_S = 3
"""How long a stream may stall behind its first content."""
RESET_EVERY_S = 0.1
"""Without it, five bad targets would soon be left alone, and the rest of the run would be quiet."""
SETTLES_WITHIN_S = 30
SLACK = 4
"""A thread's database connection more (two files), an answer that is just being sent: not one request in a thousand."""
PATIENCE = {
    "transientCooldown": 50, "rateLimitCooldown": 100, "maxBackoffLevel": 2, "circuitBreakerThreshold": 3,
    "circuitBreakerReset": 300,
}  # fmt: skip


@dataclass(slots=True)
class Result:
    answered: Counter[str] = field(default_factory=Counter)
    """plain, stream; and `told in band`."""
    by_target: Counter[str] = field(default_factory=Counter)
    attempts: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    longest_s: float = 0.0


@contextmanager
def simulator() -> Iterator[str]:
    """Its address."""
    command = [sys.executable, "-m", "omniroute", "simulate_provider", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout
            line = next(line for line in process.stdout if "http://" in line)
            yield line[line.index("http://") :].split()[0].removesuffix("/v1")
        finally:
            process.terminate()


class Rig:
    """The gateway, set up for the run through its management API."""

    def __init__(self, gateway: Gateway, upstream: str, manage_key: str) -> None:
        self.gateway, self.upstream = gateway, upstream
        self.http = httpx.Client(
            base_url=gateway.url,
            headers={"authorization": f"Bearer {manage_key}"},
            timeout=60,
            trust_env=False,
        )
        self.ids: dict[str, str] = {}

    def manage(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json()

    def set_up(self) -> None:
        for name in (*(f"flaky{number}" for number in range(FLAKY)), "healthy"):
            node = {"name": name, "prefix": name, "type": "openai-compatible", "apiType": "chat"}
            node["baseUrl"] = f"{self.upstream}/v1"
            self.ids[name] = self.manage("POST", "/api/provider-nodes", node)["node"]["id"]
            key = "healthy" if name == "healthy" else "sim-chaos"
            self.manage("POST", "/api/providers", {"provider": self.ids[name], "apiKey": key, "name": name})
        flaky = [f"flaky{number}/x" for number in range(FLAKY)]
        timeout = {"targetTimeoutMs": TARGET_TIMEOUT_MS}
        self.manage(
            "POST", "/api/combos", {"name": "flaky", "models": flaky, "strategy": "random", "config": timeout}
        )
        chaos = {"name": "chaos", "models": ["flaky", "healthy/x"], "config": timeout}
        self.manage("POST", "/api/combos", chaos)
        self.manage("PATCH", "/api/resilience", {"profiles": {"local": PATIENCE}})
        self.manage("PATCH", "/api/settings", {"idleTimeoutS": IDLE_TIMEOUT_S})

    def circuits(self) -> dict[str, Any]:
        """By the target's name."""
        names = {id: name for name, id in self.ids.items()}
        listed = self.manage("GET", "/api/resilience")["circuitBreakers"]
        return {names[each["name"]]: each for each in listed if each["name"] in names}

    def calm(self) -> None:
        """From here on every target is well."""
        rule = {"behavior": "ok", "key": "sim-chaos"}
        httpx.post(f"{self.upstream}/__control", json=rule, trust_env=False).raise_for_status()

    def hanging(self) -> int:
        """Of the last requests upstream, those that have no end yet."""
        listed = httpx.get(f"{self.upstream}/__requests", trust_env=False).json()["requests"]
        return sum(not entry["ended"] for entry in listed)

    def held(self) -> tuple[int, int]:
        """Tasks of the gateway's event loop and its open files, among them this question's own."""
        (process,) = self.manage("GET", "/api/monitoring/health")["system"]["processes"]
        return process["tasks"], process["openFiles"]

    def warm_up(self, key: str) -> None:
        """What a gateway holds that works: connections to its database, threads, a connection upstream."""
        body = {"model": "healthy/x", "messages": [{"role": "user", "content": "Hello"}]}
        for _ in range(5):
            headers = {"authorization": f"Bearer {key}"}
            self.http.post("/v1/chat/completions", json=body, headers=headers).raise_for_status()
            self.held()

    def going_on(self) -> int:
        """Requests that the gateway still works on."""
        history = self.manage("GET", "/api/usage/history")
        return sum(each["count"] for each in history.get("activeRequests", []))


async def run(rig: Rig, key: str, requests: int, concurrency: int) -> Result:
    result, left = Result(), iter(range(requests))
    resets = asyncio.create_task(_keep_resetting(rig, requests, result))
    await asyncio.gather(*(_client(rig, key, left, result) for _ in range(concurrency)))
    resets.cancel()
    return result


async def _keep_resetting(rig: Rig, requests: int, result: Result) -> None:
    """Until nine tenths are done."""
    while sum(result.attempts.values()) < requests * 0.9:
        await asyncio.sleep(RESET_EVERY_S)
        await asyncio.to_thread(rig.manage, "POST", "/api/resilience/reset")


async def _client(rig: Rig, key: str, left: Iterator[int], result: Result) -> None:
    connection = await http.connect(rig.gateway.url)
    for number in left:
        stream = random.random() < 0.4
        body = {
            "model": "chaos",
            "messages": [{"role": "user", "content": f"Say {number}"}],
            "stream": stream,
        }
        began = time.perf_counter()
        try:
            async with asyncio.timeout(HUNG_S):
                answer = await http.ask(connection, "/v1/chat/completions", json.dumps(body).encode(), key)
        except TimeoutError:
            result.failures.append(f"{number} hung")
            http.leave(connection)
            connection = await http.connect(rig.gateway.url)
            continue
        _judge(number, answer, stream, result)
        result.longest_s = max(result.longest_s, time.perf_counter() - began)
        if not answer.is_complete or answer.headers.get("connection") == "close":
            http.leave(connection)
            connection = await http.connect(rig.gateway.url)
    http.leave(connection)


def _judge(number: int, answer: http.Answer, stream: bool, result: Result) -> None:
    result.attempts[int(answer.headers.get("x-omniroute-attempts", 0))] += 1
    result.by_target[answer.headers.get("x-omniroute-provider", "-")] += 1
    if answer.status != 200 or not answer.is_complete:
        result.failures.append(
            f"{number}: {answer.status} complete={answer.is_complete} {answer.body[:300]!r}"
        )
    elif not stream:
        content = json.loads(answer.body)["choices"][0]["message"]
        if content.get("content") or content.get("refusal"):
            result.answered["plain"] += 1
        else:
            result.failures.append(f"{number}: empty {answer.body[:300]!r}")
    elif b'"error"' in answer.body:
        result.answered["stream, broken behind its first content and told so"] += 1
    elif b'"finish_reason":"' in answer.body.replace(b" ", b""):
        result.answered["stream"] += 1
    else:
        result.failures.append(f"{number}: an unfinished stream passed for one {answer.body[-300:]!r}")


async def afterwards(rig: Rig, key: str) -> Iterator[str]:
    """What is wrong with the states when the storm is over."""
    problems = []
    circuits = rig.circuits()
    if circuits["healthy"]["state"] != "CLOSED" or circuits["healthy"]["failureCount"]:
        problems.append(f"the healthy target's circuit: {circuits['healthy']}")
    known = {row["id"]: row["name"] for row in rig.manage("GET", "/api/providers")["connections"]}
    cooling = rig.manage("GET", "/api/resilience/model-cooldowns")["cooldowns"]
    if any(known.get(each["connectionId"]) == "healthy" for each in cooling):
        problems.append("the healthy target's account cools")
    rig.calm()
    rig.manage("DELETE", "/api/resilience/model-cooldowns")
    await asyncio.sleep(PATIENCE["circuitBreakerReset"] / 1000 + 0.2)
    connection = await http.connect(rig.gateway.url)
    for name in rig.ids:
        body = json.dumps({"model": f"{name}/x", "messages": [{"role": "user", "content": "Hello"}]}).encode()
        answer = await http.ask(connection, "/v1/chat/completions", body, key)
        if answer.status != 200:
            problems.append(f"{name} is well again, and answers {answer.status}: {answer.body[:200]!r}")
    http.leave(connection)
    for name, circuit in rig.circuits().items():
        if circuit["state"] != "CLOSED":
            problems.append(f"{name} is well again, and its circuit {circuit['state']}")
    return iter(problems)


async def leaks(rig: Rig, before: tuple[int, int]) -> list[str]:
    """The provider closes connections that idle for five seconds, so that none is kept for later."""
    problems = []
    await asyncio.sleep(TARGET_TIMEOUT_MS / 1000 + 1)
    for _ in range(SETTLES_WITHIN_S):
        after = rig.held()
        if after[0] <= before[0] and after[1] <= before[1]:
            break
        await asyncio.sleep(1)
    print(f"tasks and open files of the gateway: {before} before, {after} after")
    for name, few, many in zip(("tasks", "open files"), before, after, strict=True):
        if many > few + SLACK:
            problems.append(f"{many - few} {name} are left over")
    if going_on := rig.going_on():
        problems.append(f"{going_on} requests are still going on")
    if hanging := rig.hanging():
        problems.append(f"{hanging} requests have no end upstream")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, default=64)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="omniroute-chaos-") as folder, simulator() as upstream:
        installation = Installation(Path(folder), upstream)
        installation.fill(0)
        manage_key = installation.manage_key()
        with installation.serve("/api/health") as gateway:
            rig = Rig(gateway, upstream, manage_key)
            rig.set_up()
            return asyncio.run(_report(rig, installation.key, options.requests, options.concurrency))


async def _report(rig: Rig, key: str, requests: int, concurrency: int) -> int:
    await asyncio.to_thread(rig.warm_up, key)
    before, began = rig.held(), time.perf_counter()
    result = await run(rig, key, requests, concurrency)
    seconds = time.perf_counter() - began
    problems = [*result.failures, *await leaks(rig, before), *await afterwards(rig, key)]
    print(
        f"{requests} requests, {concurrency} at a time, in {seconds:.0f} s; the longest took {result.longest_s:.1f} s"
    )
    print("answered:", dict(result.answered))
    print("attempts:", dict(sorted(result.attempts.items())))
    print("memory:", f"{machine.rss_mb(rig.gateway.pid):.0f} MB")
    print("client-visible failures:", len(result.failures))
    for problem in problems[:20]:
        print("-", problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
