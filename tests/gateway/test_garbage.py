"""What a request was made of goes with it. A body may have megabytes, and where every request leaves objects that hold
each other, the garbage collector takes a tenth of the CPU time."""

from __future__ import annotations

import gc
from collections import Counter
from typing import Any

import httpx
import pytest

from gateway.exchange import Exchange
from gateway.trial import Trial
from gateway.upstream.reply import Reply
from tests.gateway.test_queries import close_recorder, provider  # noqa: F401


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.usefixtures("provider")
async def test_nothing_of_a_request_waits_for_the_garbage_collector(stream: bool) -> None:
    from omniroute.asgi import application

    body = {"model": "sim/x", "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
    app: Any = application
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await client.post("/v1/chat/completions", json=body)).status_code == 200
        gc.collect()
        gc.disable()
        try:
            # Collecting may take longer than the provider lets a connection wait: this one opens another, if need be.
            assert (await client.post("/v1/chat/completions", json=body)).status_code == 200
            before = alive()
            assert (await client.post("/v1/chat/completions", json=body)).status_code == 200
            assert alive() == before
        finally:
            gc.enable()
    close_recorder()


def alive() -> Counter[str]:
    kinds = Exchange, Trial, Reply
    return Counter(type(each).__name__ for each in gc.get_objects() if isinstance(each, kinds))
