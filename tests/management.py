"""A client of the management API, and the fixture that gives tests one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from billing.keys import create_api_key


class ManagementClient:
    """Django's test client with an API key. Every answer must be JSON, and every error of the one shape."""

    def __init__(self, key: str = "", client: Client | None = None) -> None:
        self.client = client or Client(enforce_csrf_checks=True)
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        response = self.client.generic(
            method, path, data, content_type="application/json", headers={**self.headers, **headers}
        )
        if response.streaming:  # an export: nobody reads it here
            response.close()
            return response.status_code, None
        assert response["Content-Type"].startswith("application/json"), response.content
        answer = response.json()
        if response.status_code >= 400:
            error = answer["error"]
            assert {"message", "type", "code"} <= set(error) <= {"message", "type", "code", "field"}
            assert all(isinstance(value, str) and value for value in error.values()), error
        return response.status_code, answer

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = self.call(method, path, body)
        assert status in (200, 201), answer
        return answer

    def error(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """(status, field or else message)"""
        status, answer = self.call(method, path, body)
        assert status >= 400, answer
        return status, answer["error"].get("field") or answer["error"]["message"]


@pytest.fixture
def api(db: None) -> ManagementClient:
    return ManagementClient(create_api_key("tests", "manage").secret)
