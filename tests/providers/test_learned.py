"""Rows of what was learned: applied, limited, switched off, forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from gateway import snapshot
from omniroute.types import Fields
from providers import config, learned, quirks
from providers.accounts import delete_node
from providers.models import LearnedQuirk, ProviderNode
from providers.refusals.remedies import Remedy, quirk_of
from tests.management import ManagementClient, api  # noqa: F401

pytestmark = pytest.mark.django_db

TOP_P = Remedy("drop", "top_p")


def remember(
    remedy: Remedy = TOP_P, provider: str = "groq", model: str = "m", reason: str = "No top_p"
) -> None:
    learned.remember(provider, model, "openai_chat", [(remedy, reason)])


def sent(provider: str = "groq", model: str = "m", format: str = "openai_chat", **body: Any) -> Fields:
    fields: Fields = {"model": model, **body}
    quirks.apply(fields, config.load().specs[provider], model, format)
    return fields


def test_a_row_holds_for_its_provider_model_and_format_alone() -> None:
    remember()
    assert "top_p" not in sent(top_p=1)
    assert "top_p" in sent(model="m2", top_p=1)
    assert "top_p" in sent(provider="openai", top_p=1)
    assert "top_p" in sent(format="openai_responses", top_p=1)


@pytest.mark.parametrize("model", ["claude-opus[1m]", "a*b", "what?"])
def test_a_models_name_is_no_pattern(model: str) -> None:
    remember(model=model)
    assert "top_p" not in sent(model=model, top_p=1)
    assert "top_p" in sent(model="claude-opus1", top_p=1)
    assert "top_p" in sent(model="axb", top_p=1)


def test_every_kind_of_remedy_survives_its_row() -> None:
    remedies = [
        TOP_P,
        Remedy("rename", "max_tokens", "max_completion_tokens"),
        Remedy("clamp", "n", [None, 4]),
        Remedy("one_of", "reasoning_effort", ["low", "high"]),
        Remedy("messages", "developer_to_system"),
        Remedy("edit", "one_sampling_field"),
        Remedy("trait", "json_in_words"),
    ]
    learned.remember("groq", "m", "openai_chat", [(remedy, "why") for remedy in remedies])
    rows, barred = learned.load()
    assert list(rows["groq"]) == [quirk_of(remedy, "m", "openai_chat") for remedy in remedies]
    assert not barred
    assert {row.kind for row in LearnedQuirk.objects.all()} == set(LearnedQuirk.Kind.values)
    assert all(str(row) for row in LearnedQuirk.objects.all())


def test_a_second_refusal_counts_and_brings_the_newer_value() -> None:
    remember(Remedy("clamp", "max_tokens", [None, 4096]))
    remember(Remedy("clamp", "max_tokens", [None, 2048]), reason="at most 2048")
    row = LearnedQuirk.objects.get()
    assert (row.hits, row.value, row.reason) == (2, [None, 2048], "at most 2048")


def test_one_that_is_switched_off_stays_off() -> None:
    remember()
    LearnedQuirk.objects.update(is_active=False)
    remember()
    assert not LearnedQuirk.objects.get().is_active
    assert "top_p" in sent(top_p=1)
    assert config.load().barred == {("groq", "m", "openai_chat", "drop", "top_p")}


def test_what_clients_can_teach_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learned, "MAX_PER_MODEL", 3)
    monkeypatch.setattr(learned, "MAX_PER_PROVIDER", 5)
    for number in range(6):
        remember(Remedy("drop", f"p{number}"))
    assert LearnedQuirk.objects.count() == 3
    for number in range(6):
        remember(model=f"model-{number}")
    assert LearnedQuirk.objects.count() == 5


def test_refusals_that_no_database_takes_are_cleaned() -> None:
    remember(reason="nul \0 and \ud83d and " + "long " * 200)
    assert len(LearnedQuirk.objects.get().reason) == learned.MAX_REASON
    assert not learned.is_memorable(Remedy("drop", "bad\0name"))
    assert not learned.is_memorable(Remedy("drop", "x" * 201))
    assert not learned.is_memorable(Remedy("drop", "x", lasting=False))


def test_an_unreadable_row_is_left_out() -> None:
    LearnedQuirk.objects.create(
        provider="groq", model="m", format="openai_chat", kind="clamp", field="n", value=5
    )
    remember()
    assert "top_p" not in sent(top_p=1)


def test_a_custom_provider_takes_what_it_taught_with_it() -> None:
    node = ProviderNode.objects.create(name="Desk", prefix="desk", base_url="http://localhost:1/v1")
    remember(provider=node.pk)
    remember(provider="groq")
    delete_node(node)
    assert [row.provider for row in LearnedQuirk.objects.all()] == ["groq"]


def test_the_process_that_learned_it_applies_it_before_it_is_written() -> None:
    snapshot.reset()
    snapshot.refresh()
    new = (quirk_of(TOP_P, "m", "openai_chat"),)
    snapshot.adopt("groq", new)
    snapshot.adopt("nowhere", new)
    try:
        for _ in range(2):
            spec = snapshot.refresh().providers.specs["groq"]
            assert spec.quirks[-1:] == new
            snapshot.changed()
    finally:
        snapshot.settle("groq", new)
        snapshot.settle("nowhere", new)
    snapshot.changed()
    assert new[0] not in snapshot.refresh().providers.specs["groq"].quirks
    snapshot.reset()


def test_the_management_api_shows_switches_and_forgets(api: ManagementClient) -> None:  # noqa: F811
    remember()
    remember(model="other")
    shown = api.ok("GET", "/api/learned-quirks?model=m")["learnedQuirks"]
    assert [(row["effect"], row["reason"], row["hits"]) for row in shown] == [
        ("without top_p", "No top_p", 1)
    ]
    path = f"/api/learned-quirks/{shown[0]['id']}"
    assert api.ok("PATCH", path, {"isActive": False})["learnedQuirk"]["isActive"] is False
    assert api.ok("DELETE", path) == {"forgotten": 1}
    assert api.error("DELETE", path)[0] == 404
    assert api.error("PATCH", "/api/learned-quirks/x", {"isActive": False})[0] == 404
    assert api.ok("DELETE", "/api/learned-quirks?provider=openai") == {"forgotten": 0}
    assert api.ok("DELETE", "/api/learned-quirks") == {"forgotten": 1}


def test_the_admin_lists_switches_and_forgets(admin_client: Client) -> None:
    remember()
    row = LearnedQuirk.objects.get()
    url = reverse("admin:providers_learnedquirk_changelist")
    page = admin_client.get(url).content.decode()
    assert "without top_p" in page
    assert "No top_p" in page
    form = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": row.pk, "_save": "Save"}
    admin_client.post(url, form)
    row.refresh_from_db()
    assert not row.is_active
    admin_client.post(url, {"action": "forget", "_selected_action": [row.pk]})
    assert not LearnedQuirk.objects.exists()
