"""Why an address could not be reached, and what a provider's error says, in sentences for a person."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx

from providers.outgoing import CONNECT_TIMEOUT_S

_LONGEST_MESSAGE = 300
_NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)
_SECRET_PART = 6
_WORD = re.compile(rf"[\w.-]{{{_SECRET_PART},}}")


def place(url: str) -> str:
    """Host and port of an address, without any credentials that it holds."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.hostname}{port}"


def explain(error: BaseException, url: str) -> str:
    """Which of DNS, TLS, refused, timeout and so on `error` is, for a request to `url`."""
    where = place(url)
    if isinstance(error, httpx.ProxyError):
        return f"The proxy did not pass the connection to {where} on: {str(error) or 'no reason given'}."
    for cause in _chain(error):
        if isinstance(cause, socket.gaierror):
            return f"The name {urlsplit(url).hostname} cannot be resolved (DNS). Check the address."
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"The TLS certificate of {where} is not trusted: {cause.verify_message}."
        if isinstance(cause, ssl.SSLError):
            return (
                f"TLS with {where} failed ({cause.reason or 'no reason given'}). Does it speak http:// only?"
            )
        if isinstance(cause, ConnectionRefusedError):
            return f"Nothing listens at {where}: the connection was refused."
        if isinstance(cause, OSError) and cause.errno in _NO_ROUTE:
            return f"There is no network route to {where}."
    if isinstance(error, httpx.ConnectTimeout):
        return f"{where} did not accept a connection within {CONNECT_TIMEOUT_S:.0f} s (timeout)."
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return f"{where} accepted the connection but did not answer in time (timeout)."
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return "This is not an http or https address."
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError | httpx.CloseError):
        return f"{where} broke the connection or does not speak HTTP. Is it http:// or https://?"
    return f"{where} could not be reached: {type(error).__name__}."


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and everything that it came from."""
    waiting, seen = [error], set()
    while waiting:
        found = waiting.pop(0)
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        waiting += [cause for cause in (found.__cause__, found.__context__) if cause is not None]
        if isinstance(found, BaseExceptionGroup):
            waiting += found.exceptions


def body_of(response: httpx.Response) -> Any:
    """The decoded JSON, or None."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def message_of(body: Any) -> str:
    """What an error body says, in any shape of docs/protocol-notes.md, Error bodies; "" where it says nothing."""
    if isinstance(body, list):
        body = body[0] if body else None
    if isinstance(body, str):
        return " ".join(body.split())[:_LONGEST_MESSAGE]
    if not isinstance(body, dict):
        return ""
    for name in ("error", "message", "detail", "base_resp", "status_msg", "msg", "title"):
        found = message_of(body.get(name))
        if found:
            return found
    return ""


def without_secret(text: str, secret: str) -> str:
    """`text` without any longer piece of the secret: providers like to quote the key that they refuse."""
    if len(secret) < _SECRET_PART:
        return text
    return _WORD.sub(lambda found: "…" if found[0].strip(".-") in secret else found[0], text)
