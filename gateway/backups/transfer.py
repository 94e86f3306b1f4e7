"""Files over HTTP: uploads onto the disk, downloads from it, both in pieces."""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from asgiref.sync import sync_to_async
from django.http import HttpRequest, StreamingHttpResponse
from django.http.multipartparser import MultiPartParserError

from gateway.backups import shelf
from gateway.backups.checking import MAX_BYTES, check_name, too_large
from omniroute.errors import InvalidRequest, NotFound

_CHUNK = 1 << 20
_MULTIPART = "multipart/"
_SLACK = 64 * 1024
"""What a multipart body has around its file."""
_KEPT_S = 3600.0
"""An upload that nobody confirmed or took back."""


@contextmanager
def temporary() -> Iterator[Path]:
    """A folder on the same disk as the backups, gone afterwards."""
    with tempfile.TemporaryDirectory(dir=shelf.folder(), prefix=".taking-") as work:
        yield Path(work)


def download(path: Path, name: str, content_type: str) -> StreamingHttpResponse:
    """The file's content; the file itself is deleted at once, and gone from the disk when the answer ends."""
    file = path.open("rb")
    size = os.fstat(file.fileno()).st_size

    async def content() -> AsyncIterator[bytes]:
        try:
            while chunk := await sync_to_async(file.read)(_CHUNK):
                yield chunk
        finally:
            file.close()

    response = StreamingHttpResponse(content(), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Content-Length"] = str(size)
    response["Cache-Control"] = "no-store"
    return response


def receive(request: HttpRequest, folder: Path, name: str = "") -> tuple[Path, str]:
    """The uploaded file, and the name that it was sent under: the multipart field `file`, or the body as it is.

    Raise `InvalidRequest` or `RequestTooLarge`.
    """
    if int(request.headers.get("content-length") or 0) > MAX_BYTES + _SLACK:
        raise too_large()
    if not request.headers.get("content-type", "").lower().startswith(_MULTIPART):
        name = name or "body.sqlite"
        check_name(name)
        path = _write(iter(lambda: request.read(_CHUNK), b""), folder)
        if not path.stat().st_size:
            raise _missing()
        return path, name
    try:
        upload = request.FILES.get("file")
    except MultiPartParserError as error:
        raise InvalidRequest(f"The upload is malformed: {error}", param="file") from None
    if upload is None:
        raise _missing()
    name = upload.name or ""
    check_name(name)
    return _write(upload.chunks(_CHUNK), folder), name


def _write(chunks: Iterator[bytes], folder: Path) -> Path:
    path, written = folder / "upload", 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for chunk in chunks:
            written += len(chunk)
            if written > MAX_BYTES:
                raise too_large()
            file.write(chunk)
    return path


def keep_upload(path: Path, name: str) -> str:
    """Until it is confirmed. Returns what `kept_upload` knows it by."""
    for old in shelf.folder().glob(".upload-*"):
        if old.stat().st_mtime < time.time() - _KEPT_S:
            old.unlink(missing_ok=True)
    token = secrets.token_urlsafe(24)
    path.replace(_kept(token, name))
    return token + _ending(name)


def _missing() -> InvalidRequest:
    return InvalidRequest("Send the database as the field 'file'", param="file", code="missing_file")


def kept_upload(token: str) -> Path:
    """Raise `NotFound`."""
    safe = "".join(each for each in token if each.isalnum() or each in "-_.")[:80]
    path = shelf.folder() / f".upload-{safe}"
    if not safe or not path.is_file():
        raise NotFound("The upload is gone. Choose the file again")
    return path


def _kept(token: str, name: str) -> Path:
    return shelf.folder() / f".upload-{token}{_ending(name)}"


def _ending(name: str) -> str:
    return ".tar.gz" if name.lower().endswith(("gz",)) else ".sqlite"
