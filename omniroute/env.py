"""What is read from the environment before Django is configured. `settings.py` is its only reader.

A `.env` file in the working directory is honoured; real environment variables win over it.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path

import environ

env = environ.Env()
if Path(".env").is_file():
    environ.Env.read_env(".env")

WEAK_PASSWORDS = frozenset({"123456", "password", "admin", "omniroute", "changeme"})
PUBLIC_DEFAULTS = frozenset(
    {"omniroute-default-secret-change-me", "endpoint-proxy-api-key-secret", "your-secure-secret-change-this"}
)
"""Values printed in guides: as secrets they are worth nothing."""


def bind_address() -> str:
    """`HOST`, else `HOSTNAME` where it is an address. Container engines set HOSTNAME to the container's own name."""
    host = os.environ.get("HOST", "")
    if host:
        return "127.0.0.1" if host == "localhost" else host
    name = os.environ.get("HOSTNAME", "")
    if name == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return "127.0.0.1"


def hostname_was_ignored() -> bool:
    name = os.environ.get("HOSTNAME", "")
    return bool(name) and not os.environ.get("HOST") and name not in ("localhost", bind_address())


def data_dir() -> Path:
    return Path(env.str("DATA_DIR", default="~/.omniroute")).expanduser().absolute()


def under_test() -> bool:
    return "pytest" in sys.modules
