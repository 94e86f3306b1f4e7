"""One HTTP/1.1 answer out of bytes, however they are split. No I/O."""

from __future__ import annotations

import httptools

MAX_OVERHEAD = 64 * 1024
"""Bytes that may come in a row without one of the body: heads, trailers and chunk extensions have an end."""
_UNBODIED = (204, 304)


class BadReply(Exception):
    """The bytes are no HTTP/1.1 answer, or not the whole of one."""


class Reply:
    """`headers` have lower-case names; a repeated header's values are joined by commas (RFC 9110 §5.3).

    `body` is what came of it and was not taken yet, chunks and lengths taken off, `size` how many bytes that is.
    Informational answers (100, 103) are skipped.
    """

    __slots__ = (
        "_fields",
        "_is_interim",
        "_overhead",
        "_parser",
        "body",
        "ends_with_connection",
        "has_head",
        "headers",
        "is_complete",
        "keeps_alive",
        "size",
        "status",
    )

    def __init__(self) -> None:
        self.status = self.size = 0
        self.headers: dict[str, str] = {}
        self.body: list[bytes] = []
        self.has_head = self.is_complete = False
        self.keeps_alive = False
        """Whether the connection may serve another request once the answer is complete."""
        self.ends_with_connection = False
        self._fields: list[tuple[bytes, bytes]] = []
        self._is_interim = False
        self._overhead = 0
        self._parser = httptools.HttpResponseParser(self)
        # What RFC 9112 lets a recipient accept, and some servers send: bare LF (§2.2), a length beside chunks (§6.3).
        self._parser.set_dangerous_leniencies(
            lenient_optional_cr_before_lf=True,
            lenient_chunked_length=True,
            lenient_spaces_after_chunk_size=True,
        )

    def feed(self, data: bytes) -> None:
        """Raise `BadReply`. What comes behind a complete answer is dropped, and the connection with it."""
        if self.is_complete:
            self.keeps_alive = False
            return
        size = self.size
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self.is_complete:
                raise _bad(error) from error
            self.keeps_alive = False
        except httptools.HttpParserUpgrade:
            raise BadReply("it changes to another protocol") from None
        if self.is_complete:
            del self._parser  # it holds the reply
            return
        self._overhead = 0 if self.size > size else self._overhead + len(data)
        if self._overhead > MAX_OVERHEAD:
            raise BadReply(f"its head is longer than {MAX_OVERHEAD // 1024} KB")

    def end(self) -> None:
        """The connection is over. Raise `BadReply` if the answer is not."""
        if self.is_complete:
            return
        if not self.has_head:
            raise BadReply("closed before an answer")
        if not self.ends_with_connection:
            raise BadReply("closed in the middle of the answer")
        self.is_complete = True

    def take(self) -> bytes:
        """What is there of the body, at once."""
        parts, self.body, self.size = self.body, [], 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    # -- what the parser calls
    def on_message_begin(self) -> None:
        if self.is_complete:
            raise BadReply("more than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.has_head:  # else a trailer
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            self._is_interim = True
            self._fields.clear()
            return
        headers = self.headers
        for name, value in self._fields:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1").rstrip()
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        coding = headers.get("transfer-encoding")
        if coding is not None and coding.lower() != "chunked":
            raise BadReply(f"its transfer-encoding {coding[:40]!r} is not known here")
        self.ends_with_connection = (
            coding is None and "content-length" not in headers and status not in _UNBODIED
        )
        self.keeps_alive = not self.ends_with_connection and self._parser.should_keep_alive()
        self.status, self.has_head = status, True

    def on_body(self, data: bytes) -> None:
        self.body.append(data)
        self.size += len(data)

    def on_message_complete(self) -> None:
        if self._is_interim:
            self._is_interim = False
        else:
            self.is_complete = True


def _bad(error: httptools.HttpParserError) -> BadReply:
    """The parser wraps what its callbacks raise."""
    cause = error.__context__
    return cause if isinstance(cause, BadReply) else BadReply(str(error))
