"""What is read from the environment before Django is configured. `settings.py` is its only reader.

A `.env` file in the working directory is honoured; real environment variables win over it. A value that cannot be meant
ends the start, by `ImproperlyConfigured`: a misspelt `true` must not count as false. An empty one counts as unset.
"""

from __future__ import annotations

import ipaddress
import os
import sys
import zoneinfo
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

_TRUE = frozenset({"true", "on", "yes", "y", "ok", "1"})
_FALSE = frozenset({"false", "off", "no", "n", "0"})
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_MOST = {"PORT": 65535}
_SCHEMES = {
    "BASE_URL": ("http://", "https://"),
    "NEXT_PUBLIC_BASE_URL": ("http://", "https://"),
    "DATABASE_URL": ("sqlite://", "postgres://", "postgresql://"),
    "REDIS_URL": ("redis://", "rediss://", "unix://"),
}


class Environment(environ.Env):
    def flag(self, name: str, default: bool) -> bool:
        value = self.str(name, default="").strip().lower()
        if value not in _TRUE | _FALSE | {""}:
            raise _unfit(name, "true or false", value)
        return value in _TRUE if value else default

    def own_flag(self, name: str) -> bool:
        """A switch whose name other programs use as well (`DEBUG=express:*`): what is not a switch's is theirs."""
        return self.str(name, default="").strip().lower() in _TRUE

    def number(self, name: str, default: int) -> int:
        """A whole number from 0 on."""
        value, most = self.str(name, default="").strip(), _MOST.get(name)
        if not value:
            return default
        if not (value.isascii() and value.isdigit()) or (most is not None and int(value) > most):
            raise _unfit(name, f"a number from 0 to {most}" if most else "a whole number", value)
        return int(value)

    def level(self, name: str, default: str) -> str:
        value = (self.str(name, default="").strip() or default).upper()
        if value not in _LEVELS:
            raise _unfit(name, " or ".join(_LEVELS), value)
        return value

    def zone(self, name: str, default: str) -> str:
        value = self.str(name, default="").strip() or default
        try:
            zoneinfo.ZoneInfo(value)
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            raise _unfit(name, "a time zone such as Europe/Oslo", value) from None
        return value

    def proxies(self, name: str) -> list[str]:
        """Addresses and networks, or `*` for all. One that is misspelt would be trusted by nobody, in silence."""
        values = [value.strip() for value in self.list(name, default=[])]
        for value in values:
            if value != "*" and not _is_network(value):
                raise _unfit(name, "addresses or networks such as 10.0.0.0/8", value)
        return values

    def address(self, name: str, default: str = "") -> str:
        """A URL, as it is. It is not repeated where it does not fit: a password may be in it."""
        value = self.str(name, default="").strip() or default
        schemes = _SCHEMES[name]
        if value and not value.startswith(schemes):
            raise ImproperlyConfigured(f"{name}: expected an address that begins with {' or '.join(schemes)}")
        return value


def _unfit(name: str, expected: str, value: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name}: expected {expected}, not {value!r}")


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


env = Environment()
if Path(".env").is_file():
    environ.Env.read_env(".env")

WEAK_PASSWORDS = frozenset({"123456", "password", "admin", "omniroute", "changeme"})
PUBLIC_DEFAULTS = frozenset(
    {
        "omniroute-default-secret-change-me",
        "endpoint-proxy-api-key-secret",
        "your-secure-secret-change-this",
        "your-password",
    }
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


def made(folder: Path) -> Path:
    """A folder of `DATA_DIR`, or itself, which only its owner can read. It is made when it is absent."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ImproperlyConfigured(f"DATA_DIR: {folder} cannot be made: {error.strerror}") from None
    return folder


def under_test() -> bool:
    return "pytest" in sys.modules
