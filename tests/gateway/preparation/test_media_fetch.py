"""Fetching what strangers' addresses name: limits, redirects, and who may not be asked."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from gateway.preparation import media_fetch
from gateway.preparation.media_fetch import fetch, inline, is_public
from gateway.wire import ir
from omniroute.errors import InvalidRequest

GIF = b"GIF89a" + bytes(20)


class Site(BaseHTTPRequestHandler):
    hosts: list[str] = []

    def do_GET(self) -> None:
        Site.hosts.append(self.headers["host"])
        path = self.path.partition("?")[0]
        if path.startswith("/to/"):
            self.send_response(302)
            self.send_header("location", path.removeprefix("/to/").replace("|", "/"))
            self.end_headers()
        elif path == "/slow":
            time.sleep(1)
        else:
            self._send(*_PAGES.get(path, (404, "text/plain", b"none")))

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


_PAGES = {
    "/a.gif": (200, "image/gif; charset=binary", GIF),
    "/mislabelled": (200, "application/octet-stream", GIF),
    "/page": (200, "text/html", b"<html>Not a picture</html>"),
    "/paper": (200, "application/pdf", b"%PDF-1.7"),
    "/sound": (200, "audio/mpeg", b"ID3"),
    "/empty": (200, "image/png", b""),
    "/large": (200, "image/png", bytes(3000)),
    "/unchanged": (304, "image/png", b""),
}


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    media_fetch._kept.cache_clear()


def request_with(*parts: ir.Part) -> ir.Request:
    return ir.Request("m", [ir.Message("user", [ir.Text("Look"), *parts])])


async def test_every_kind_of_media_is_put_in_its_place(site: str) -> None:
    image, file = ir.Image(url=f"{site}/mislabelled"), ir.File(url=f"{site}/paper", filename="p.pdf")
    inner = ir.Image(url=f"{site}/a.gif", detail="low")
    request = request_with(
        image, file, ir.Audio("audio/wav", url=f"{site}/sound"), ir.ToolResult("c", [inner])
    )
    await inline(request, private=True)
    parts = request.messages[0].parts
    assert parts[1] == ir.Image("image/gif", data=base64.b64encode(GIF).decode())
    assert parts[2] == ir.File(
        "application/pdf", data=base64.b64encode(b"%PDF-1.7").decode(), filename="p.pdf"
    )
    assert parts[3] == ir.Audio("audio/mpeg", data=base64.b64encode(b"ID3").decode())
    assert isinstance(parts[4], ir.ToolResult)
    assert parts[4].parts == [ir.Image("image/gif", data=base64.b64encode(GIF).decode(), detail="low")]
    assert image.url == f"{site}/mislabelled"


async def test_what_needs_no_fetching_is_not_touched() -> None:
    parts: list[ir.Part] = [
        ir.Image(url="gs://b/x.png"),
        ir.Image(data="AAAA"),
        ir.Image(url="data:image/png;base64,AA"),
    ]
    request = request_with(*parts)
    await inline(request, private=False)
    assert request.messages[0].parts[1:] == parts


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/none", "status 404"),
        ("/unchanged", "status 304"),
        ("/empty", "the answer is empty"),
        ("/large", "it is larger than"),
        ("/slow", "it took longer than"),
        ("/to/ftp:||127.0.0.1|x", "only plain http and https"),
        ("/to/|to/|to/|to/|to/|a.gif", "redirects too often"),
    ],
)
async def test_what_cannot_be_had_is_said(
    site: str, path: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_fetch, "MAX_BYTES", 2000)
    monkeypatch.setattr(media_fetch, "TIMEOUT_S", 0.3)
    with pytest.raises(InvalidRequest, match=why):
        await fetch(site + path, private=True)


async def test_a_page_is_no_image(site: str) -> None:
    with pytest.raises(InvalidRequest, match="is no image but text/html"):
        await inline(request_with(ir.Image(url=f"{site}/page")), private=True)


async def test_redirects_are_followed_a_few_times(site: str) -> None:
    Site.hosts.clear()
    assert (await fetch(f"{site}/to/|a.gif", private=True)).media_type == "image/gif"
    assert Site.hosts == [site.removeprefix("http://")] * 2


async def test_the_same_address_is_fetched_once_for_a_while(site: str) -> None:
    Site.hosts.clear()
    for _ in range(3):
        await fetch(f"{site}/a.gif", private=True)
    assert len(Site.hosts) == 1
    with pytest.raises(InvalidRequest, match="private"):
        await fetch(f"{site}/a.gif", private=False)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "0x7f.1",
     "2130706433", "[::1]", "[::ffff:127.0.0.1]", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
     "100.64.0.1", "224.0.0.1", "255.255.255.255"],
)  # fmt: skip
async def test_private_addresses_are_not_asked_in_any_disguise(host: str) -> None:
    with pytest.raises(InvalidRequest, match=r"private|not known"):
        await fetch(f"http://{host}:9/x.png")


@pytest.mark.parametrize(
    "url", ["http://user:word@127.0.0.1/x", "http:///x", "https://", "http://[::1/x", "http://a b/"]
)
async def test_odd_addresses_are_refused(url: str) -> None:
    with pytest.raises(InvalidRequest, match="could not be fetched"):
        await fetch(url, private=True)


async def test_there_is_an_end_to_how_many_are_fetched() -> None:
    with pytest.raises(InvalidRequest, match="at most 40"):
        await inline(
            request_with(*(ir.Image(url=f"http://127.0.0.1:9/{n}") for n in range(41))), private=True
        )


def test_the_open_internet_is_public() -> None:
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")
