from __future__ import annotations

import pytest
from django.db import OperationalError

from gateway.records.write_behind import Writer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("error", [OperationalError("the disk is full"), ValueError("no such zone")])
async def test_what_fails_is_logged_and_what_comes_behind_it_is_written(error, caplog):
    writer = Writer()
    written: list[int] = []

    def fail() -> None:
        raise error

    writer.submit(fail)
    writer.submit(written.append, 1)
    await writer.flush()
    assert written == [1]
    assert [record.getMessage()[:11] for record in caplog.records] == ["Not written"]
