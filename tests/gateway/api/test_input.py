from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, get_args

import httpx
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import BaseModel

from gateway.api.explain import ExplainIn
from gateway.api.root import api as ninja_api
from providers.api.accounts import ProviderData
from providers.models import ProviderNode
from tests.gateway.api.test_routes import CALLS
from tests.management import ManagementClient, api  # noqa: F401

WITH_BODY = [
    (method, path) for method, path in CALLS if method not in ("GET", "DELETE") and "logout" not in path
]

BAD_BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"1",
    b"\xff\xfe",
    b'{"name": NaN}',
    b'{"name": 1e999}',
    b'{"name": "\\u0000"}',
    b'{"name": "a\\ud83d"}',
    b'{"\\ud83d": 1, "name": "x"}',
    b'{"name": ' + b"9" * 5000 + b"}",
    b"[" * 100_000,
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: repr(body[:20]))
def test_a_bad_body_is_a_400(api: ManagementClient, body):  # noqa: F811
    for path in ("/api/combos", "/api/keys", "/api/providers", "/api/provider-nodes", "/api/auth/login"):
        assert api.call("POST", path, body)[0] == 400


def test_a_body_that_is_too_large_is_a_413(api: ManagementClient, settings):  # noqa: F811
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert api.call("POST", "/api/combos", b'{"name": "' + b"x" * 1000 + b'"}')[0] == 413


@pytest.mark.parametrize(
    "path", ["/api/oauth/a%00b/authorize", "/api/learned-quirks?model=a%00", "/admin/?q=%00"]
)
def test_a_nul_in_an_address_is_a_400(client, path):
    assert client.get(path).status_code == 400


def test_a_setting_of_routing_out_of_range_is_a_400(api: ManagementClient):  # noqa: F811
    status, answer = api.call("PATCH", "/api/settings", b'{"stickyLimit": 0}')
    assert (status, answer["error"]["field"]) == (400, "stickyLimit")


def _names() -> st.SearchStrategy[str]:
    schemas = ninja_api.get_openapi_schema()["components"]["schemas"].values()
    return st.sampled_from(sorted({name for schema in schemas for name in schema.get("properties", ())}))


LENIENT = {ExplainIn, ProviderData}
"""The body of a chat request will do; what a provider needs besides is stored as it is."""


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    """Those that a type is made of, with those that they are made of."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
        for field in kind.model_fields.values():
            yield from _models(field.annotation)
    for part in get_args(kind):
        yield from _models(part)


def _bodies() -> set[type[BaseModel]]:
    operations = (op for _, router in ninja_api._routers for op in router.path_operations.values())
    parts = [part for view in operations for op in view.operations for part in op.models]
    bodies = [part for part in parts if part.__ninja_param_source__ == "body"]
    return {
        each for body in bodies for field in body.model_fields.values() for each in _models(field.annotation)
    }


def test_a_body_with_a_field_that_nothing_reads_is_refused():
    assert len(_bodies()) > 40
    assert {body for body in _bodies() if body.model_config.get("extra") != "forbid"} == LENIENT


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/api/settings/proxy", {"level": "global", "proxi": "direct"}, "proxi"),
        ("/api/settings/proxy", {"global": {"type": "direct", "hots": "x"}}, "global.hots"),
        ("/api/models/alias", {"alias": "a", "model": "local/m", "isActiv": False}, "isActiv"),
    ],
)
def test_a_misspelt_field_is_named(api: ManagementClient, path, body, field):  # noqa: F811
    assert api.error("PUT", path, body) == (400, field)


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        (
            "POST",
            "/api/combos",
            {"name": "c", "models": ["a", {"model": "b", "weight": -1}]},
            "models.1.weight: must be greater than or equal to 0",
        ),
        ("POST", "/api/combos", {"name": "c", "models": [{}]}, "models.0.model: this field is required"),
        ("POST", "/api/combos", {"name": "c", "models": [""]}, "models.0: must have at least 1 character"),
        (
            "POST",
            "/api/combos",
            {"name": "c", "models": [{"model": "b", "wait": 1}]},
            "models.0.wait: there is no such field",
        ),
        ("POST", "/api/combos", b"", "this field is required"),
        ("POST", "/api/combos", {}, "name: this field is required"),
        ("PUT", "/api/settings/proxy", {"id": []}, "id: must be a valid string"),
        (
            "PUT",
            "/api/settings/proxy",
            {"providers": {"a" * 501: None}},
            "a: must have at most 500 characters",
        ),
        ("POST", "/api/translator/detect", {"body": 3}, "body: expected a JSON object"),
        ("POST", "/api/translator/detect", {}, "body: this field is required"),
        ("GET", "/api/settings/proxy?level=x", None, "level: must be 'global', 'provider', 'combo' or 'key'"),
    ],
)
def test_what_is_wrong_with_a_body_is_told_in_plain_words(api: ManagementClient, method, path, body, told):  # noqa: F811
    status, answer = api.call(method, path, body)
    assert status == 400
    assert answer["error"]["message"].endswith(told)
    assert answer["error"].get("field", "").endswith(told.rpartition(": ")[0])


@pytest.mark.django_db
def test_what_omniroutes_clients_send_with_an_account_is_taken(api: ManagementClient):  # noqa: F811
    body = {"provider": "glm", "apiKey": "k", "name": "n", "globalPriority": 2, "testStatus": "active"}
    assert api.ok("POST", "/api/providers", body)["connection"]["testStatus"] == "untested"


NAMES = st.deferred(_names)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**62, max_value=2**70),
    st.floats(),
    st.text(st.characters(codec=None), max_size=20),
    st.sampled_from(["node-1", "http://[", "http://x:99999/v1", "chat", "all", "manage", "x" * 600, "1"]),
)
JSON = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4)
)
BODIES = st.dictionaries(NAMES, JSON, max_size=8) | JSON


@pytest.mark.django_db
@hypothesis_settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(call=st.sampled_from(WITH_BODY), body=BODIES)
def test_no_body_breaks_a_route(api: ManagementClient, call, body):  # noqa: F811
    method, path = call
    status, _ = api.call(method, path, body)
    assert status < 500


GOOD_BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/combos"): {
        "name": "c",
        "models": ["glm/glm-4.7", {"model": "ds/deepseek-chat", "weight": 2, "isActive": False}],
        "strategy": "priority",
        "description": "d",
        "isActive": True,
        "config": {"maxRetries": 1, "retryDelayMs": 10, "targetTimeoutMs": 100},
    },
    ("POST", "/api/keys"): {
        "name": "k",
        "scope": "use",
        "expiresAt": "2999-01-01T00:00:00Z",
        "allowedModels": ["glm/*"],
    },
    ("POST", "/api/providers"): {
        "provider": "local",
        "apiKey": "sk-1",
        "name": "n",
        "priority": 1,
        "defaultModel": "m",
        "isActive": True,
        "providerSpecificData": {
            "baseUrl": "http://127.0.0.1:9/v1",
            "endpoint": "",
            "region": "",
            "x": {"y": [1]},
        },
    },
    ("POST", "/api/providers/validate"): {
        "provider": "local",
        "apiKey": "sk-1",
        "providerSpecificData": {"baseUrl": "http://127.0.0.1:9/v1", "endpoint": "", "region": ""},
    },
    ("POST", "/api/provider-nodes"): {
        "name": "n",
        "prefix": "p",
        "baseUrl": "http://127.0.0.1:9/v1",
        "type": "openai-compatible",
        "apiType": "chat",
        "headers": {"X-Team": "t"},
        "isActive": True,
    },
    ("POST", "/api/provider-models"): {"provider": "local", "modelId": "m", "modelName": "M", "type": "chat"},
    ("PUT", "/api/models/alias"): {"alias": "a", "model": "local/m"},
    ("PATCH", "/api/settings"): {"accountStrategy": "fill-first", "connectTimeoutS": 3.5},
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything inside of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield (*path, name)
        yield from places(item, (*path, name))


@pytest.mark.django_db
@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    place=st.sampled_from([(call, path) for call, body in GOOD_BODIES.items() for path in places(body)]),
    value=JSON,
)
def test_one_bad_value_in_a_good_body_breaks_no_route(api: ManagementClient, place, value):  # noqa: F811
    ProviderNode.objects.get_or_create(prefix="local", name="Local", base_url="http://127.0.0.1:9/v1")
    (method, path), way = place
    body = copy.deepcopy(GOOD_BODIES[method, path])
    inner = body
    for name in way[:-1]:
        inner = inner[name]
    inner[way[-1]] = value
    with transaction.atomic():
        status, answer = api.call(method, path, body)
        assert status < 500
        if status == 201 and path.endswith(("combos", "keys")):
            for name in ("GET", "PUT", "DELETE"):
                assert api.call(name, f"{path}/{answer['id']}", body)[0] in (200, 400)
        transaction.set_rollback(True)


@pytest.mark.django_db
@pytest.mark.parametrize("call", GOOD_BODIES)
def test_the_good_bodies_are_good(api: ManagementClient, call):  # noqa: F811
    ProviderNode.objects.create(prefix="local", name="Local", base_url="http://127.0.0.1:9/v1")
    method, path = call
    assert api.call(method, path, GOOD_BODIES[call])[0] in (200, 201)


@pytest.mark.django_db
@hypothesis_settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    call=st.sampled_from([(method, path) for method, path in CALLS if method in ("GET", "DELETE")]),
    name=st.sampled_from(["provider", "model", "alias", "range"]),
    value=st.text(st.characters(codec="utf-8"), max_size=10),
)
def test_no_query_breaks_a_route(api: ManagementClient, call, name, value):  # noqa: F811
    method, path = call
    status, _ = api.call(method, f"{path}?{httpx.QueryParams({name: value})}")
    assert status < 500
