"""`multipart/form-data`: how clients upload files, and how they are passed on. The file is never copied in parsing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import Message

from omniroute.errors import InvalidRequest
from omniroute.types import Upload

MAX_PARTS = 200
_HEADER_BYTES = 8192
_LINE = b"\r\n"


@dataclass(frozen=True, slots=True)
class Form:
    fields: Mapping[str, list[str]]
    """Values by name, in the order in which they came."""
    files: Mapping[str, Upload]
    """The first file of each name."""


def parse(body: bytes, content_type: str) -> Form:
    """Raise `InvalidRequest`, saying what is wrong with the form."""
    delimiter = b"--" + _boundary(content_type)
    fields: dict[str, list[str]] = {}
    files: dict[str, Upload] = {}
    place = 0 if body.startswith(delimiter) else body.find(_LINE + delimiter) + len(_LINE)
    if place < len(_LINE) and not body.startswith(delimiter):
        raise InvalidRequest("The form does not contain the boundary that its content type names")
    for _ in range(MAX_PARTS):
        place += len(delimiter)
        if body.startswith(b"--", place):
            return Form(fields, files)
        start = body.find(b"\r\n\r\n", place, place + _HEADER_BYTES)
        end = body.find(_LINE + delimiter, max(start, place) + 2)
        if start < 0 or end < 0:
            raise InvalidRequest("The form is cut off, or a part of it has no headers")
        _add(fields, files, _headers(body[place:start]), memoryview(body)[min(start + 4, end) : end])
        place = end + len(_LINE)
    raise InvalidRequest(f"The form has more than {MAX_PARTS} parts")


def _boundary(content_type: str) -> bytes:
    """Raise `InvalidRequest`."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/form-data" or not boundary:
        raise InvalidRequest(
            "Send the file as a form: Content-Type must be multipart/form-data with a boundary",
            code="unsupported_media_type",
        )
    return boundary.encode("utf-8", "replace")


def _headers(block: bytes) -> Message:
    headers = Message()
    for line in block.decode("utf-8", "replace").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip()] = value.strip()
    return headers


def _add(
    fields: dict[str, list[str]], files: dict[str, Upload], headers: Message, content: memoryview
) -> None:
    name = headers.get_param("name", header="content-disposition")
    if not isinstance(name, str) or not name:
        raise InvalidRequest("A part of the form has no name")
    filename = headers.get_filename()
    if filename is None:
        fields.setdefault(name, []).append(bytes(content).decode("utf-8", "replace"))
    else:
        files.setdefault(name, Upload(filename, headers.get("content-type", ""), content))


def emit(fields: Iterable[tuple[str, str]], name: str, file: Upload, boundary: str) -> tuple[str, bytes]:
    """(content type, body) of a form with the fields and, behind them, one file. `boundary` is nowhere in it."""
    parts: list[bytes | memoryview] = []
    opening = f"--{boundary}\r\n".encode()
    for field, value in fields:
        head = f'Content-Disposition: form-data; name="{_quoted(field)}"\r\n\r\n{value}\r\n'
        parts += [opening, head.encode("utf-8", "replace")]
    head = (
        f'Content-Disposition: form-data; name="{name}"; filename="{_quoted(file.name)}"\r\n'
        f"Content-Type: {file.content_type}\r\n\r\n"
    )
    parts += [opening, head.encode("utf-8", "replace"), file.data, f"\r\n--{boundary}--\r\n".encode()]
    return f"multipart/form-data; boundary={boundary}", b"".join(parts)


def _quoted(text: str) -> str:
    """As browsers write it."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
