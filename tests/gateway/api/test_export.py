from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from billing.keys import create_api_key
from billing.usage import export
from billing.usage.export import REQUESTS
from providers.models import Account
from tests.management import ManagementClient, api  # noqa: F401
from tests.usage import count, recorded

PATH = "/api/usage/export"
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    monkeypatch.setattr(export, "BATCH", 2)


def download(api: ManagementClient, query: str):  # noqa: F811
    """(response, text)"""
    response: Any = api.client.get(f"{PATH}?{query}", headers=api.headers)
    assert response.status_code == 200

    async def read() -> bytes:
        return b"".join([part async for part in response.streaming_content])

    return response, async_to_sync(read)().decode()


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.django_db(transaction=True)
class TestExport:
    def test_every_request_once_and_the_oldest_first(self, api: ManagementClient):  # noqa: F811
        for number in range(5):
            recorded(
                created_at=NOW - timedelta(hours=number // 2),
                status=200,
                request_id=f"req_{number}",
                cost="0.5",
            )
        response, text = download(api, "what=requests&format=csv")
        assert response["Content-Type"].startswith("text/csv")
        assert response["Content-Disposition"].startswith('attachment; filename="omniroute-requests-')
        found = rows(text)
        assert [row["request_id"] for row in found] == ["req_4", "req_2", "req_3", "req_0", "req_1"]
        assert list(found[0]) == list(REQUESTS)
        assert (found[0]["cost"], found[0]["stream"], found[0]["account_id"]) == ("0.5000000000", "false", "")
        _, text = download(api, "what=requests&format=json")
        objects = json.loads(text)
        assert [each["request_id"] for each in objects] == [row["request_id"] for row in found]
        assert (objects[0]["cost"], objects[0]["account_id"]) == (0.5, None)

    def test_what_is_priced_apart_from_tokens_is_told(self, api: ManagementClient):  # noqa: F811
        recorded(created_at=NOW, status=200, priced_apart={"cache_write_1h_tokens": 1000, "web_searches": 3})
        (row,) = rows(download(api, "")[1])
        assert row["priced_apart"] == '{"cache_write_1h_tokens":1000,"web_searches":3}'
        (each,) = json.loads(download(api, "format=json")[1])
        assert each["priced_apart"] == {"cache_write_1h_tokens": 1000, "web_searches": 3}

    def test_days_have_names(self, api: ManagementClient):  # noqa: F811
        account = Account.objects.create(provider="glm", name="work", api_key="k")
        key = create_api_key("ci").record
        for back in range(3):
            count(
                NOW - timedelta(days=back),
                account_id=account.pk,
                api_key_id=key.pk,
                cost="0.25",
                input_tokens=9,
            )
        _, text = download(api, "what=daily")
        first = rows(text)[0]
        assert (first["day"], first["account_name"], first["api_key_name"]) == ("2026-03-08", "work", "ci")
        assert (first["requests"], first["input_tokens"]) == ("1", "9")
        _, text = download(api, "what=daily&format=json&since=2026-03-09&until=2026-03-09")
        assert [(each["day"], each["cost"]) for each in json.loads(text)] == [("2026-03-09", 0.25)]

    def test_days_limit_requests_too(self, api: ManagementClient):  # noqa: F811
        for back in range(3):
            recorded(created_at=NOW - timedelta(days=back), status=200, request_id=f"req_{back}")
        _, text = download(api, "since=2026-03-09&until=2026-03-09")
        assert [row["request_id"] for row in rows(text)] == ["req_1"]

    def test_nothing_is_an_empty_file(self, api: ManagementClient):  # noqa: F811
        assert json.loads(download(api, "format=json")[1]) == []
        assert download(api, "format=csv")[1].startswith("request_id,")

    def test_no_cell_is_a_formula(self, api: ManagementClient):  # noqa: F811
        recorded(created_at=NOW, status=404, requested_model='=HYPERLINK("http://evil")', user_agent="-1+1")
        (row,) = rows(download(api, "")[1])
        assert row["requested_model"] == '\'=HYPERLINK("http://evil")'
        assert row["user_agent"] == "'-1+1"

    @pytest.mark.parametrize("query", ["what=secrets", "format=xml", "since=yesterday", "until=20260309"])
    def test_what_makes_no_sense_is_refused(self, query, api: ManagementClient):  # noqa: F811
        assert api.error("GET", f"{PATH}?{query}")[0] == 400
