from __future__ import annotations

from dataclasses import replace

import pytest

from combos.cascade import BUILT_IN, ComboSettings
from combos.config import ProviderRules, compile_pattern, specificity
from combos.resolve import LeftOut, resolve
from omniroute.errors import AmbiguousModel, Forbidden, InvalidRequest, ModelNotFound
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


def test_a_line_of_a_combo_follows_aliases_of_aliases():
    config = combos(aliases={"fast": "quick", "quick": "openai/gpt-4o"}, best=["fast"])
    assert names("best", config) == ["openai/gpt-4o"]


def test_a_line_of_a_combo_may_not_be_an_alias_of_another_one():
    config = combos(aliases={"fast": "other"}, best=["fast", "openai/gpt-4o"], other=["ds/deepseek-chat"])
    route = resolve("best", config, ALL)
    assert [target.name for target in route.targets] == ["openai/gpt-4o"]
    assert route.left_out == (LeftOut("fast", "It is an alias of the combo 'other'; write the combo's name"),)


def test_an_alias_that_leads_nowhere_is_named_with_what_it_stands_for():
    with pytest.raises(ModelNotFound, match="'fast' is an alias of 'gone/x', which is not known here"):
        resolve("fast", combos(aliases={"fast": "quick", "quick": "gone/x"}), ALL)


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


# ---- What the user named outranks what is built in ------------------------------------------------------------------


def test_an_exact_alias_may_take_a_provider_s_own_name_over():
    config = combos(aliases={"openai/gpt-4o": "ds/deepseek-chat"})
    assert names("openai/gpt-4o", config) == ["ds/deepseek-chat"]
    assert names("best", combos(aliases={"openai/gpt-4o": "ds/deepseek-chat"}, best=["openai/gpt-4o"])) == [
        "openai/gpt-4o"
    ]


def test_an_alias_is_found_in_any_case_of_letters():
    config = replace(combos(aliases={"Fast": "ds/deepseek-chat"}), folded={"fast": "ds/deepseek-chat"})
    assert names("FAST", config) == ["ds/deepseek-chat"]


def test_a_wildcard_without_a_slash_leaves_prefixed_names_alone():
    config = combos(patterns={"*gpt*": "ds/deepseek-chat"})
    assert names("openai/gpt-4o", config) == ["openai/gpt-4o"]
    assert names("gpt-4o", config) == ["ds/deepseek-chat"]
    assert names("openai/gpt-4o", combos(patterns={"openai/*": "together/llama"})) == [
        "together/meta-llama/Llama-3.3"
    ]


def test_a_circle_of_aliases_ends_with_the_provider_s_own_name():
    config = combos(aliases={"openai/gpt-4o": "ds/deepseek-chat", "ds/deepseek-chat": "openai/gpt-4o"})
    assert names("openai/gpt-4o", config) == ["ds/deepseek-chat"]


def test_the_aliases_on_the_way_are_told():
    config = combos(aliases={"fast": "quick", "quick": "best"}, best=["openai/gpt-4o"])
    assert resolve("fast", config, ALL).via == ("fast", "quick")


def test_the_candidates_of_an_ambiguous_name_are_told():
    with pytest.raises(AmbiguousModel) as caught:
        resolve("deepseek-chat", combos(), ALL)
    assert caught.value.candidates == ("deepseek", "together")


# ---- Blocked ---------------------------------------------------------------------------------------------------------


def blocking(*models: str, **values):
    rules = ProviderRules(is_blocked=not models, blocked_models=tuple(map(compile_pattern, models)))
    return replace(combos(**values), providers={"deepseek": rules})


def test_a_blocked_provider_is_forbidden_by_name_and_left_out_of_combos():
    config = blocking(best=["ds/deepseek-chat", "openai/gpt-4o"])
    with pytest.raises(Forbidden) as caught:
        resolve("ds/deepseek-chat", config, ALL)
    assert caught.value.code == "model_blocked"
    route = resolve("best", config, ALL)
    assert [target.name for target in route.targets] == ["openai/gpt-4o"]
    assert route.left_out == (LeftOut("ds/deepseek-chat", "blocked"),)


def test_a_bare_name_goes_to_whoever_is_not_blocked():
    assert names("deepseek-chat", blocking()) == ["together/deepseek-chat"]


def test_single_models_are_blocked_by_pattern():
    config = blocking("*-CHAT")
    with pytest.raises(Forbidden):
        resolve("ds/deepseek-chat", config, ALL)
    assert names("ds/deepseek-reasoner", config) == ["ds/deepseek-reasoner"]


# ---- Fallback chains -------------------------------------------------------------------------------------------------


def fallbacks(model: str, config) -> list[str]:
    return [target.name for target in resolve(model, config, ALL).fallbacks]


def test_a_chain_of_providers_asks_for_the_same_model():
    config = replace(combos(), chains={"gpt-4o": ("together", "openai", "ds")})
    assert names("gpt-4o", config) == ["openai/gpt-4o"]
    assert fallbacks("gpt-4o", config) == ["together/gpt-4o", "ds/gpt-4o"]


def test_what_was_tried_already_is_not_tried_again():
    config = replace(
        combos(best=["openai/gpt-4o"]), last_resorts=("openai/gpt-4o", "best", "ds/deepseek-chat")
    )
    assert fallbacks("best", config) == ["ds/deepseek-chat"]


def test_a_chain_decides_where_a_name_is_ambiguous():
    config = replace(combos(), chains={"deepseek-chat": ("together", "ds")})
    assert names("deepseek-chat", config) == []
    assert fallbacks("deepseek-chat", config) == ["together/deepseek-chat", "ds/deepseek-chat"]


# ---- The cascade -----------------------------------------------------------------------------------------------------


def test_the_narrowest_level_that_says_something_wins():
    config = combos(outer=["openai/gpt-4o", "ds/deepseek-chat", "inner"], inner=["together/llama"])
    said = {
        "outer": ComboSettings(max_retries=2, queue_depth=5),
        "inner": ComboSettings(max_retries=3),
    }
    made = {name: replace(combo, settings=said[name]) for name, combo in config.combos.items()}
    rules = ProviderRules(settings=ComboSettings(target_timeout_s=9.0, queue_depth=1))
    defaults = ComboSettings(target_timeout_s=30.0, concurrency=4).over(BUILT_IN)
    config = replace(config, combos=made, providers={"deepseek": rules}, defaults=defaults)
    openai, deepseek, together = (target.settings for target in resolve("outer", config, ALL).targets)
    assert (openai.max_retries, openai.target_timeout_s, openai.concurrency) == (2, 30.0, 4)
    assert (deepseek.target_timeout_s, deepseek.queue_depth) == (9.0, 5)
    assert (together.max_retries, together.queue_depth, together.hedge) == (3, 5, "off")


def test_a_model_by_itself_is_asked_once():
    (target,) = resolve("openai/gpt-4o", replace(combos(), defaults=BUILT_IN), ALL).targets
    assert (target.settings.max_retries, target.settings.hedge, target.settings.target_timeout_s) == (
        0,
        "off",
        None,
    )
