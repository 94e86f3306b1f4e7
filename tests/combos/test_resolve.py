from __future__ import annotations

import pytest

from combos.config import specificity
from combos.resolve import resolve
from omniroute.errors import InvalidRequest, ModelNotFound
from tests.combos.conftest import combos, provider, providers

OPENAI = provider("openai", "gpt-4o")
DEEPSEEK = provider("deepseek", "deepseek-chat", prefix="ds")
TOGETHER = provider(
    "together", "meta-llama/Llama-3.3", "deepseek-chat", model_aliases={"llama": "meta-llama/Llama-3.3"}
)
ALL = providers(OPENAI, DEEPSEEK, TOGETHER)


def names(model: str, config=None, known=ALL) -> list[str]:
    return [target.name for target in resolve(model, config or combos(), known).targets]


def test_a_combo_is_its_targets_in_order():
    assert names("best", combos(best=["openai/gpt-4o", "ds/deepseek-chat"])) == [
        "openai/gpt-4o",
        "ds/deepseek-chat",
    ]


def test_a_combo_s_name_wins_over_a_provider_s_prefix():
    config = combos()
    named = combos(x=["ds/deepseek-chat"]).combos["x"]
    config.combos["openai/gpt-4o"] = named  # type: ignore[index]
    assert names("openai/gpt-4o", config) == ["ds/deepseek-chat"]


def test_a_provider_answers_to_prefix_and_id_in_any_case():
    assert names("ds/deepseek-chat") == names("deepseek/deepseek-chat") == names("DS/deepseek-chat")


def test_only_the_first_slash_splits():
    assert names("together/meta-llama/Llama-3.3") == ["together/meta-llama/Llama-3.3"]


def test_a_provider_s_own_alias_becomes_the_upstream_id():
    assert resolve("together/llama", combos(), ALL).targets[0].model == "meta-llama/Llama-3.3"


def test_an_exact_alias_wins_over_a_wildcard_and_over_the_catalog():
    config = combos(aliases={"gpt-4o": "ds/deepseek-chat"}, patterns={"gpt-*": "together/llama"})
    assert names("gpt-4o", config) == ["ds/deepseek-chat"]
    assert names("gpt-5", config) == ["together/meta-llama/Llama-3.3"]
    assert names("GPT-5", config) == ["together/meta-llama/Llama-3.3"]


def test_an_alias_may_name_a_combo():
    config = combos(aliases={"fast": "best"}, best=["openai/gpt-4o"])
    assert names("fast", config) == ["openai/gpt-4o"]


def test_aliases_in_a_circle_end():
    with pytest.raises(ModelNotFound):
        resolve("a", combos(aliases={"a": "b", "b": "a"}), ALL)


def test_a_bare_id_goes_to_the_one_provider_that_serves_it():
    assert names("gpt-4o") == ["openai/gpt-4o"]


def test_a_bare_id_of_several_providers_is_ambiguous_and_the_error_names_them():
    with pytest.raises(InvalidRequest) as caught:
        resolve("deepseek-chat", combos(), ALL)
    assert caught.value.code == "ambiguous_model"
    assert "ds/deepseek-chat" in caught.value.message
    assert "together/deepseek-chat" in caught.value.message


def test_a_bare_id_goes_to_the_provider_that_is_connected():
    known = providers(OPENAI, DEEPSEEK, TOGETHER, accounts={"together": 1})
    assert names("deepseek-chat", known=known) == ["together/deepseek-chat"]


def test_a_new_model_of_a_known_family_goes_to_its_vendor():
    assert names("gpt-99") == ["openai/gpt-99"]


def test_an_unknown_name_is_not_found():
    with pytest.raises(ModelNotFound):
        resolve("nobody-knows", combos(), ALL)


def test_nested_combos_are_expanded_in_place_down_to_three_levels():
    config = combos(a=["openai/gpt-4o", "b"], b=["c"], c=["ds/deepseek-chat", "d"], d=["together/llama"])
    assert names("a", config) == ["openai/gpt-4o", "ds/deepseek-chat"]


def test_a_circle_of_combos_is_skipped():
    assert names("a", combos(a=["b", "openai/gpt-4o"], b=["a", "ds/deepseek-chat"])) == [
        "ds/deepseek-chat",
        "openai/gpt-4o",
    ]


def test_a_target_that_vanished_is_left_out():
    assert names("a", combos(a=["gone/model", "openai/gpt-4o"])) == ["openai/gpt-4o"]


def test_the_more_literal_wildcard_is_the_more_specific():
    ordered = sorted(["*", "gpt-*", "gpt-4*", "gpt-4?", "*-4o"], key=specificity, reverse=True)
    assert ordered == ["gpt-4?", "gpt-4*", "gpt-*", "*-4o", "*"]
