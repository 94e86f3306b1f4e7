"""Several web processes, seen by a test: each for itself, and what they tell each other through Redis."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import redis

from tests import services
from tests.e2e.server import Gateway


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Raise `TimeoutError` when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Not true within {seconds} s")
        time.sleep(0.02)


def told(client: httpx.Client, method: str, path: str, body: Any = None) -> Any:
    return client.request(method, path, json=body).raise_for_status().json()


@contextmanager
def each_process(gateway: Gateway, count: int = 2) -> Iterator[list[httpx.Client]]:
    """A client of each: its connection stays open. Raise `TimeoutError` where one takes no connection."""
    found: dict[int, httpx.Client] = {}
    with ExitStack() as stack:

        def all_found() -> bool:
            headers = {"authorization": f"Bearer {gateway.key}"}
            client = httpx.Client(base_url=gateway.url, headers=headers, trust_env=False, timeout=30)
            pid = told(client, "GET", "/api/monitoring/health")["system"]["pid"]
            if found.setdefault(pid, client) is client:
                stack.callback(client.close)
            else:
                client.close()
            return len(found) == count

        until(all_found)
        yield list(found.values())


class Overheard:
    """What processes told each other since: `topic`, and the message."""

    def __init__(self, subscription: Any) -> None:
        self._subscription = subscription
        self._messages: list[tuple[str, Any]] = []

    def of(self, topic: str) -> list[Any]:
        """Heard by every process that turns to its event loop from now on: see `Gateway.settle`."""
        while (message := self._subscription.get_message()) is not None:
            if message["type"] == "pmessage":
                name = message["channel"].decode().removeprefix("omniroute:").rpartition(":")[0]
                self._messages.append((name, json.loads(message["data"])))
        return [message for name, message in self._messages if name == topic]

    def took(self, target: str) -> int:
        """How many answers' times."""
        events = [event for _, events in self.of("gossip") for event in events]
        return sum(count for count, *event in events if event[:3] == ["targets", "took", target])


@contextmanager
def overhearing() -> Iterator[Overheard]:
    with redis.Redis.from_url(services.REDIS_URL) as client, client.pubsub() as subscription:
        database = client.connection_pool.connection_kwargs.get("db", 0)
        subscription.psubscribe(f"omniroute:*:{database}")
        until(lambda: subscription.get_message())
        yield Overheard(subscription)


def forget_failures(gateway: Gateway) -> None:
    """In every process."""
    with overhearing() as heard:
        gateway.manage("POST", "/api/resilience/reset")
        until(lambda: ["", False] in heard.of("changes:cooldowns"))
        until(lambda: ["", False] in heard.of("changes:breakers"))
    gateway.settle()


@contextmanager
def noted() -> Iterator[None]:
    """What is asked in here is a request of a conversation, whose place is then at Redis: it follows the answer."""
    with redis.Redis.from_url(services.REDIS_URL) as client:

        def count() -> int:
            keys = client.scan_iter("omniroute:session:*")
            return sum(int(client.hget(key, "requests") or 0) for key in keys)

        before = count()
        yield
        until(lambda: count() > before)
