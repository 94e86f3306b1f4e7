"""Talking to the place where the sealed copy is kept: any OmniRoute, or what speaks like one (`serving`)."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from asgiref.sync import async_to_sync

from gateway.sync.errors import SyncError
from omniroute.types import JSONDict
from providers import outgoing

PROTOCOL = 1
TIMEOUT_S = 12.0
"""For one exchange, from the connection to the last byte."""
MAX_ENVELOPE_BYTES = 8 * 1024 * 1024


class Conflict(Exception):
    """Another device was faster: fetch again."""


@dataclass(frozen=True, slots=True)
class Peer:
    url: str
    key: str
    space: str
    device: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """What the peer holds. `version` of 0: nothing. `envelope` of None: nothing, or what is known already."""

    version: int
    envelope: JSONDict | None
    offset_ms: int
    """Its clock less this machine's."""


def verify(peer: Peer) -> Copy:
    """Whether the peer can be used, without fetching the copy. Raise `SyncError`."""
    return _copy(peer, "GET", f"/{quote(peer.space)}/v1/verify")


def fetch(peer: Peer, have: int = 0) -> Copy:
    """The copy, unless its version is `have`. Raise `SyncError`."""
    return _copy(peer, "GET", f"/sync/{quote(peer.space)}?have={have}")


def _copy(peer: Peer, method: str, path: str) -> Copy:
    before = time.time()
    answer = _ask(peer, method, path)
    between = (before + time.time()) / 2 * 1000
    envelope = answer.get("envelope")
    if envelope is not None and not isinstance(envelope, dict):
        raise _foreign("the envelope is no object")
    return Copy(_number(answer, "version"), envelope, round(_number(answer, "now") - between))


def push(peer: Peer, envelope: JSONDict, base: int) -> int:
    """Replace the version `base` by the envelope. Return the new version. Raise `Conflict`, or `SyncError`."""
    body = {"protocol": PROTOCOL, "base": base, "device": peer.device, "envelope": envelope}
    return _number(_ask(peer, "POST", f"/sync/{quote(peer.space)}", body), "version")


def remove(peer: Peer) -> None:
    _ask(peer, "DELETE", f"/sync/{quote(peer.space)}")


def lease(peer: Peer, name: str, seconds: float) -> bool:
    """Whether this device may do now what the name stands for. 0 seconds: it is done."""
    body = {"name": name, "device": peer.device, "seconds": seconds}
    return _ask(peer, "POST", f"/sync/{quote(peer.space)}/lease", body).get("granted") is True


def _ask(peer: Peer, method: str, path: str, body: JSONDict | None = None) -> JSONDict:
    if not peer.url:
        raise SyncError("No address is set: enter one, or set CLOUD_URL", status=400, code="no_address")
    status, kind, data = async_to_sync(_exchange)(peer, method, path, body)
    answer = _decoded(data)
    if status == 409 and method == "POST":
        raise Conflict
    if status >= 400:
        raise _refused(status, answer)
    if answer is None:
        what = "a web page" if "html" in kind else "something that is not JSON"
        raise SyncError(f"{peer.url} answered with {what}: is an OmniRoute there?", code="not_a_peer")
    if answer.get("protocol") != PROTOCOL:
        raise _foreign(
            f"it speaks version {answer.get('protocol')!r} of the protocol, and this one {PROTOCOL}"
        )
    return answer


async def _exchange(peer: Peer, method: str, path: str, body: JSONDict | None) -> tuple[int, str, bytes]:
    headers = {"Authorization": f"Bearer {peer.key}", "X-OmniRoute-Device": peer.device}
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            outgoing.client(timeout_s=TIMEOUT_S) as http,
            http.stream(method, peer.url + path, json=body, headers=headers) as answer,
        ):
            data = bytearray()
            async for chunk in answer.aiter_bytes():
                data += chunk
                if len(data) > 2 * MAX_ENVELOPE_BYTES:
                    raise SyncError(f"{peer.url} sent more than a copy can have", code="too_large")
            return answer.status_code, answer.headers.get("content-type", ""), bytes(data)
    except (TimeoutError, httpx.TimeoutException):
        raise SyncError(
            f"{peer.url} did not answer within {TIMEOUT_S:.0f} seconds", code="peer_timeout"
        ) from None
    except httpx.RemoteProtocolError:
        raise SyncError(f"{peer.url} broke off in the middle of its answer", code="peer_broken") from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise SyncError(f"{peer.url} cannot be reached: {error}"[:400], code="peer_unreachable") from None


def _refused(status: int, answer: JSONDict | None) -> SyncError:
    told: Any = (answer or {}).get("error")
    words = str(told.get("message", ""))[:200] if isinstance(told, dict) else ""
    known = {
        401: "The peer does not know this API key",
        403: "The peer does not let this API key sync",
        404: "The peer has no sync: is an OmniRoute of this version there?",
        413: "The peer finds the copy too large",
        429: "The peer asks to wait",
    }
    message = known.get(status, f"The peer answered with {status}")
    return SyncError(f"{message} ({words})" if words else message, code=f"peer_{status}")


def _foreign(how: str) -> SyncError:
    return SyncError(
        f"The peer and this gateway do not understand each other: {how}", code="unknown_protocol"
    )


def _decoded(data: bytes) -> JSONDict | None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _number(answer: JSONDict, name: str) -> int:
    value = answer.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _foreign(f"its answer has no {name}")
    return value
