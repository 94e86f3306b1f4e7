from __future__ import annotations

from typing import Any

import pytest

from billing.models import Price
from tests.management import ManagementClient, api  # noqa: F401

PATH = "/api/pricing"


def test_built_in_prices_are_by_provider_and_model(api: ManagementClient):  # noqa: F811
    prices = api.ok("GET", f"{PATH}/defaults?provider=openai")
    assert list(prices) == ["openai"]
    assert prices["openai"]["gpt-4o"] == {"input": 2.5, "output": 10.0, "cached": 1.25, "source": "dataset"}
    everything = api.ok("GET", PATH)
    assert {"openai", "anthropic", "gemini", "deepseek", "openrouter"} <= set(everything)
    long = everything["gemini"]["gemini-2.5-pro"]
    assert (long["input"], long["long_context_above"], long["long_input"]) == (1.25, 200_000, 2.5)


@pytest.mark.parametrize("method", ["PATCH", "POST"])
def test_an_own_price_goes_over_the_built_in_one(api: ManagementClient, method: str):  # noqa: F811
    answer = api.ok(method, PATH, {"openai": {"gpt-4o": {"input": 3}}})
    assert answer["success"] is True
    merged = api.ok("GET", f"{PATH}?provider=openai")["openai"]["gpt-4o"]
    assert merged == {"input": 3.0, "output": 10.0, "cached": 1.25, "source": "override"}
    assert api.ok("GET", f"{PATH}/defaults?provider=openai")["openai"]["gpt-4o"]["input"] == 2.5


def test_every_kind_of_price_can_be_set_and_taken_back(api: ManagementClient):  # noqa: F811
    prices = {
        "input": 1, "output": 2, "cached": 0.1, "cache_creation": 1.25, "cache_creation_1h": 2, "reasoning": 3,
        "input_audio": 4, "output_audio": 5, "request": 0.005, "audio_minute": 0.006, "image": 0.04,
        "long_context_above": 200000, "long_input": 2, "long_output": 4,
    }  # fmt: skip
    saved = api.ok("PATCH", PATH, {"glm": {"made-up": prices}})["pricing"]["glm"]["made-up"]
    assert saved == prices | {"source": "override"}
    taken = api.ok("PATCH", PATH, {"glm": {"made-up": {"reasoning": None, "longContextAbove": None}}})
    assert "reasoning" not in taken["pricing"]["glm"]["made-up"]
    assert "long_context_above" not in taken["pricing"]["glm"]["made-up"]


def test_a_prefix_and_a_pattern_will_do(api: ManagementClient):  # noqa: F811
    api.ok("PATCH", PATH, {"OpenAI": {"gpt-*": {"input": 1, "output": 2}}})
    assert [(row.provider, row.model) for row in Price.objects.all()] == [("openai", "gpt-*")]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"nobody-knows": {"m": {"input": 1, "output": 1}}},
        {"openai": 5},
        {"openai": {"m": 5}},
        {"openai": {"m": {"input": -1, "output": 1}}},
        {"openai": {"m": {"input": "1", "output": 1}}},
        {"openai": {"m": {"input": True, "output": 1}}},
        {"openai": {"m": {"input": 1}}},
        {"openai": {"gpt-4o": {"input": None}}},
        {"openai": {"m": {"input": 1e12, "output": 1}}},
        {"openai": {"m": {"input": 1, "output": 1, "inptu": 3}}},
        {"openai": {"": {"input": 1, "output": 1}}},
        {"openai": {"m" * 201: {"input": 1, "output": 1}}},
        {"openai": {"m": {"input": 1, "output": 1, "long_context_above": 0}}},
    ],
)
def test_what_is_no_price_is_refused_and_changes_nothing(api: ManagementClient, body: dict[str, Any]):  # noqa: F811
    good = {"openai": {"gpt-4o": {"input": 9}}} if body else {}
    assert api.call("PATCH", PATH, {**good, **body} if "openai" not in body else body)[0] == 400
    assert not Price.objects.exists()


def test_own_prices_are_reset_by_model_by_provider_and_all(api: ManagementClient):  # noqa: F811
    row = {"input": 1, "output": 1}
    api.ok("PATCH", PATH, {"openai": {"a": row, "b": row}, "glm": {"c": row}, "groq": {"d": row}})
    assert api.ok("DELETE", f"{PATH}?provider=openai&model=a")["deleted"] == 1
    assert api.error("DELETE", f"{PATH}?provider=openai&model=a")[0] == 404
    assert api.ok("DELETE", f"{PATH}?provider=openai")["deleted"] == 1
    assert api.ok("DELETE", PATH)["deleted"] == 2


def test_models_tell_where_their_price_comes_from(api: ManagementClient):  # noqa: F811
    api.ok("PATCH", PATH, {"openai": {"gpt-4o": {"input": 3}, "own": {"input": 1, "output": 1}}})
    (openai,) = api.ok("GET", f"{PATH}/models?provider=openai")["providers"]
    sources = {model["id"]: model["source"] for model in openai["models"]}
    assert (sources["gpt-4o"], sources["own"], sources["gpt-4o-mini"]) == ("override", "override", "dataset")
    assert api.error("GET", f"{PATH}/models?provider=nobody")[0] == 404
