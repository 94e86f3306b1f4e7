"""The handle on a running simulator, wherever it runs: rules in, received requests out."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """Times are seconds since the epoch. `headers` has lower-case names; of repeated ones the last counts."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    key: str
    model: str
    status: int | None
    ended: str
    """complete, cut or client_left; empty while the answer is going on."""
    at: float
    ended_at: float | None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Simulator:
    """`Simulator(url)` also reaches one that `omniroute simulate_provider` started."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._http.close()

    @property
    def openai_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def anthropic_url(self) -> str:
        """As providers write it. The vendor's SDK adds `/v1` itself and wants `url`."""
        return f"{self.url}/v1"

    @property
    def gemini_url(self) -> str:
        return f"{self.url}/v1beta"

    def behave(
        self, behavior: str, *, times: int | None = None, model: str = "", key: str = "", path: str = ""
    ) -> None:
        """Let all matching requests, or the next `times`, meet `behavior`. Raise `ValueError` for a typo."""
        self._add({"behavior": behavior, "times": times, "model": model, "key": key, "path": path})

    def reply(
        self,
        body: str | dict[str, Any],
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        times: int | None = None,
        model: str = "",
        key: str = "",
        path: str = "",
    ) -> None:
        """Let matching requests get exactly this answer."""
        text = body if isinstance(body, str) else json.dumps(body)
        canned = {"status": status, "headers": headers or {"content-type": "application/json"}, "body": text}
        self._add({"reply": canned, "times": times, "model": model, "key": key, "path": path})

    def reset(self) -> None:
        """Forget rules and requests."""
        self._http.post("/__reset").raise_for_status()

    @property
    def requests(self) -> list[ReceivedRequest]:
        """Oldest first; only the last few thousand are kept."""
        return [_received(entry) for entry in self._journal()["requests"]]

    @property
    def count(self) -> int:
        """How many requests there were since the last reset."""
        return int(self._journal(limit=0)["total"])

    def wait_for_end(self, index: int = -1, timeout: float = 5) -> ReceivedRequest:
        """A received request once its answer has ended. Raise `TimeoutError`."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            received = self.requests
            if -len(received) <= index < len(received) and received[index].ended:
                return received[index]
            time.sleep(0.01)
        raise TimeoutError(f"request {index} had not ended after {timeout} s")

    def _journal(self, **query: int) -> dict[str, Any]:
        answer = self._http.get("/__requests", params=query).raise_for_status().json()
        assert isinstance(answer, dict)
        return answer

    def _add(self, rule: dict[str, Any]) -> None:
        answer = self._http.post("/__control", json=rule)
        if answer.status_code != 200:
            raise ValueError(answer.json()["error"])


def _received(entry: dict[str, Any]) -> ReceivedRequest:
    body = (
        base64.b64decode(entry.pop("body_base64")) if "body_base64" in entry else entry.pop("body").encode()
    )
    return ReceivedRequest(headers=dict(entry.pop("headers")), body=body, **entry)
