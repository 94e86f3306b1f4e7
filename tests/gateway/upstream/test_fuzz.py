"""A provider that says anything at all."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from omniroute.errors import UpstreamError
from tests.gateway.upstream.provider import CHUNKED, EVENT, OK, Visit, asked, serving

PIECES = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([OK, CHUNKED, EVENT, b"0\r\n\r\n", b"\r\n", b"\x1f\x8b\x08"]),
        st.sampled_from(
            [b"HTTP/1.1 ", b"100 Wait\r\n", b"200 OK\r\n", b"500 Oh\r\n", b"content-length: 3\r\n"]
        ),
        st.sampled_from([b"content-encoding: gzip\r\n", b"transfer-encoding: chunked\r\n"]),
    ),
    max_size=6,
)


@settings(max_examples=60)
@given(st.lists(PIECES, min_size=1, max_size=3), st.booleans())
def test_only_declared_errors_come_of_it(answers: list[list[bytes]], rude: bool):
    async def behave(visit: Visit) -> None:
        for pieces in answers:
            await visit.request()
            for piece in pieces:
                await visit.say(piece)
                await asyncio.sleep(0)
        if rude:
            visit.reset()

    async def main() -> None:
        async with serving(behave) as provider:
            for _ in range(3):
                with suppress(UpstreamError):
                    await asked(provider.url, idle_s=0.05)
            assert len(asyncio.all_tasks()) <= 2 + len(provider.visits)

    asyncio.run(main())
