"""Running the simulator: in a thread for tests, in the foreground for people."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from gateway.simulator.app import SimulatorApp
from gateway.simulator.client import Simulator

_STARTUP_S = 10


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raise `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


def address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_server() -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            SimulatorApp(),
            lifespan="off",
            ws="none",
            log_level="critical",
            access_log=False,
            timeout_graceful_shutdown=1,
            date_header=False,
        )
    )


@contextmanager
def start(host: str = "127.0.0.1", port: int = 0) -> Iterator[Simulator]:
    """Serve from a thread of its own until the block ends."""
    listener, server = bind(host, port), make_server()
    thread = threading.Thread(target=server.run, args=([listener],), name="simulator", daemon=True)
    thread.start()
    try:
        with Simulator(address(listener)) as simulator:
            yield simulator
    finally:
        server.should_exit = server.force_exit = True
        thread.join(_STARTUP_S)
        listener.close()
