from __future__ import annotations

from typing import Any

import pytest

from gateway import snapshot
from providers import tasks
from providers.config import load_specs
from providers.listing.sync import remember
from providers.models import Account, ListedModel, ModelSync
from providers.spec import ModelSpec
from tests.management import ManagementClient, api  # noqa: F401
from tests.providers.conftest import Upstream

pytestmark = pytest.mark.django_db(transaction=True)


def listing(upstream: Upstream, *ids: str) -> None:
    upstream.on("GET /v1/models", 200, {"data": [{"id": id, "context_length": 1000} for id in ids]})


@pytest.fixture
def openai(upstream: Upstream) -> Account:
    return Account.objects.create(provider="openai", name="a", api_key="sk-1", base_url=upstream.url)


def catalog(api: ManagementClient) -> dict[str, Any]:  # noqa: F811
    found = api.ok("GET", "/api/models/catalog")["catalog"]["openai"]["models"]
    return {model["id"]: model for model in found}


def test_new_models_appear_and_vanished_ones_are_marked(
    api: ManagementClient,  # noqa: F811
    openai: Account,
    upstream: Upstream,
) -> None:
    listing(upstream, "gpt-4o", "gpt-99-new", "text-embedding-99")
    (first,) = api.ok("POST", "/api/models/sync", {"provider": "openai"})["results"]
    assert (first["total"], set(first["added"]), first["vanished"]) == (
        3,
        {"gpt-4o", "gpt-99-new", "text-embedding-99"},
        [],
    )
    assert catalog(api)["gpt-99-new"] == {
        "id": "gpt-99-new", "name": "gpt-99-new", "type": "chat", "custom": False, "available": True,
        "aliasOf": None,
    }  # fmt: skip
    assert catalog(api)["text-embedding-99"]["type"] == "embedding"
    listing(upstream, "text-embedding-99")
    (second,) = api.ok("POST", "/api/models/sync", {"provider": "openai"})["results"]
    assert (second["added"], set(second["vanished"])) == ([], {"gpt-4o", "gpt-99-new"})
    shown = catalog(api)
    assert [shown[id]["available"] for id in ("gpt-99-new", "gpt-4o", "gpt-4o-mini")] == [False, False, True]
    listing(upstream, "gpt-4o")
    api.ok("POST", "/api/models/sync", {})
    assert catalog(api)["gpt-4o"]["available"] is True
    assert upstream.calls[-1].headers["authorization"] == "Bearer sk-1"


@pytest.mark.parametrize(("status", "body"), [(500, {}), (401, {}), (200, {"data": []}), (200, "<html>")])
def test_a_list_that_cannot_be_read_changes_nothing(
    api: ManagementClient,  # noqa: F811
    openai: Account,
    upstream: Upstream,
    status: int,
    body: Any,
) -> None:
    listing(upstream, "gpt-4o", "gpt-99-new")
    api.ok("POST", "/api/models/sync", {})
    upstream.on("GET /v1/models", status, body)
    (result,) = api.ok("POST", "/api/models/sync", {})["results"]
    assert result["error"]
    assert catalog(api)["gpt-99-new"]["available"] is True
    assert ModelSync.objects.get().error == result["error"]


def test_what_changed_reaches_the_next_request(openai: Account) -> None:
    before = snapshot.refresh()
    remember("openai", [ModelSpec(id="gpt-99-new", max_output_tokens=5)])
    after = snapshot.refresh()
    assert after.version.number > before.version.number
    assert after.providers.specs["openai"].model_spec("gpt-99-new").max_output_tokens == 5


def test_the_job_reads_only_what_was_read_before(openai: Account, upstream: Upstream) -> None:
    listing(upstream, "gpt-99-new")
    assert tasks.sync_model_lists() == "0 lists, 0 models new, 0 vanished"
    assert upstream.calls == []
    ModelSync.objects.create(provider="openai", synced_at="2026-01-01T00:00:00Z")
    assert tasks.sync_model_lists() == "1 lists, 1 models new, 0 vanished"


def test_a_listed_model_replaces_nothing_that_is_known(openai: Account) -> None:
    known = {model.id: model for model in load_specs()["openai"].models}
    remember("openai", [ModelSpec(id="gpt-4o", name="Another name")])
    assert {model.id: model for model in load_specs()["openai"].models} == known
    assert ListedModel.objects.count() == 1


def test_the_button_says_what_came_of_it(admin_client: Any, openai: Account, upstream: Upstream) -> None:
    listing(upstream, "gpt-99-new")
    path = f"/admin/providers/account/{openai.pk}/sync-models/"
    admin_client.get(path)
    assert upstream.calls == []
    page = admin_client.post(path, follow=True).content.decode()
    assert "openai lists 1 models: 1 new, 0 vanished." in page
    assert "gpt-99-new" in admin_client.get("/admin/providers/listedmodel/").content.decode()
