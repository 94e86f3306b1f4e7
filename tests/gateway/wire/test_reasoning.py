import pytest

from gateway.wire import reasoning
from gateway.wire.base import ModelProfile
from gateway.wire.ir import ReasoningRequest as Asked
from gateway.wire.reasoning import ClaudeSituation, budget_of, effort_of, for_claude, for_gemini, for_openai

EFFORT = ModelProfile(reasoning="effort")
BUDGET = ModelProfile(reasoning="budget")
ADAPTIVE = ModelProfile(reasoning="adaptive")


@pytest.mark.parametrize(
    ("model", "style"),
    [
        ("claude-3-5-haiku-20241022", "none"),
        ("claude-3-opus-20240229", "none"),
        ("claude-3-7-sonnet-20250219", "budget"),
        ("claude-sonnet-4-20250514", "budget"),
        ("claude-haiku-4-5-20251001", "budget"),
        ("anthropic/claude-opus-4.7", "adaptive"),
        ("claude-sonnet-4-6", "adaptive"),
        ("claude-sonnet-5", "adaptive"),
        ("gpt-4o-mini", "none"),
        ("gpt-5.4", "effort"),
        ("openai/o3-mini", "effort"),
        ("gemini-2.5-flash", "budget"),
        ("gemini-2.0-flash", "none"),
        ("gemini-3-pro-preview", "level"),
        ("glm-4.6", ""),
        ("llama-3.3-70b", ""),
    ],
)
def test_the_style_is_told_by_the_names_of_well_known_models(model: str, style: str):
    assert reasoning.style_of(ModelProfile(model=model)) == style


def test_the_profile_goes_before_the_name():
    assert reasoning.style_of(ModelProfile(model="claude-sonnet-4-5", reasoning="none")) == "none"


@pytest.mark.parametrize(
    ("asked", "effort", "budget"),
    [
        (Asked(), None, None),
        (Asked(enabled=True), "medium", 8192),
        (Asked(enabled=False), "none", 0),
        (Asked(enabled=False, effort="high"), "none", 0),
        (Asked(effort="none"), "none", 0),
        (Asked(effort="low"), "low", 2048),
        (Asked(effort="xhigh"), "xhigh", 32768),
        (Asked(effort="colossal"), None, None),
        (Asked(budget=0), "none", 0),
        (Asked(budget=2048), "low", 2048),
        (Asked(budget=2049), "medium", 2049),
        (Asked(budget=24576), "high", 24576),
        (Asked(budget=99999), "xhigh", 99999),
        (Asked(enabled=True, budget=-1), None, None),
        (Asked(effort="low", budget=5000), "low", 5000),
    ],
)
def test_efforts_and_budgets_are_told_by_one_another(asked: Asked, effort: str, budget: int):
    assert effort_of(asked) == effort
    assert budget_of(asked) == budget


def test_each_effort_survives_the_way_through_a_budget_or_comes_near():
    for effort in ("low", "medium", "high", "xhigh"):
        assert effort_of(Asked(budget=reasoning.BUDGETS[effort])) == effort


def test_openai_gets_an_effort_only_where_the_model_is_known_to_take_it():
    asked = Asked(effort="max")
    assert for_openai(asked, EFFORT) == "xhigh"
    assert for_openai(asked, ModelProfile(model="gpt-4o-mini")) is None
    assert for_openai(asked, ModelProfile(model="some-local-model")) is None
    assert for_openai(None, EFFORT) is None
    assert for_openai(Asked(budget=3000), EFFORT) == "medium"


@pytest.mark.parametrize(
    ("model", "asked", "config"),
    [
        ("gemini-2.5-flash", Asked(effort="high"), {"thinkingBudget": 16384, "includeThoughts": True}),
        ("gemini-2.5-flash", Asked(effort="max"), {"thinkingBudget": 24576, "includeThoughts": True}),
        ("gemini-2.5-flash", Asked(enabled=False), {"thinkingBudget": 0}),
        ("gemini-2.5-pro", Asked(enabled=False), {"thinkingBudget": 128}),
        (
            "gemini-2.5-pro",
            Asked(budget=99999, visible=False),
            {"thinkingBudget": 32768, "includeThoughts": False},
        ),
        ("gemini-2.5-flash-lite", Asked(budget=1), {"thinkingBudget": 512, "includeThoughts": True}),
        ("gemini-2.5-flash", Asked(budget=-1), {"includeThoughts": True}),
        ("gemini-2.5-flash", Asked(visible=True), {"includeThoughts": True}),
        ("gemini-2.5-flash", Asked(), None),
        ("gemini-3-pro-preview", Asked(effort="medium"), {"thinkingLevel": "high", "includeThoughts": True}),
        ("gemini-3.1-pro", Asked(effort="medium"), {"thinkingLevel": "medium", "includeThoughts": True}),
        ("gemini-3-flash", Asked(effort="none"), {"thinkingLevel": "minimal"}),
        ("gemini-3-pro-preview", Asked(effort="none"), {"thinkingLevel": "low"}),
        ("gemini-3-flash", Asked(budget=20000), {"thinkingLevel": "high", "includeThoughts": True}),
        ("gemini-2.0-flash", Asked(effort="high"), None),
    ],
)
def test_gemini_gets_a_budget_or_a_level_within_the_models_range(model, asked, config):
    assert for_gemini(asked, ModelProfile(model=model)) == config


@pytest.mark.parametrize(
    ("model", "asked", "limit", "config"),
    [
        ("gemini-2.5-flash", Asked(effort="high"), 4000, {"thinkingBudget": 2000, "includeThoughts": True}),
        ("gemini-2.5-flash", Asked(effort="low"), 8192, {"thinkingBudget": 2048, "includeThoughts": True}),
        ("gemini-2.5-flash", Asked(effort="high"), 500, {"thinkingBudget": 0}),
        ("gemini-2.5-flash", Asked(visible=True), 500, {"thinkingBudget": 0}),
        ("gemini-2.5-flash", None, 1, {"thinkingBudget": 0}),
        ("gemini-2.5-flash", None, 4000, None),
        ("gemini-2.5-flash-lite", None, 500, {"thinkingBudget": 0}),
        ("gemini-2.5-pro", None, 500, {"thinkingBudget": 128}),
        ("gemini-3-flash", None, 500, {"thinkingLevel": "minimal"}),
        (
            "gemini-3-pro-preview",
            Asked(effort="high"),
            500,
            {"thinkingLevel": "high", "includeThoughts": True},
        ),
        ("gemini-2.0-flash", None, 500, None),
        ("gemini-2.5-flash-preview-tts", None, 500, None),
    ],
)
def test_geminis_thoughts_leave_room_for_the_answer(model, asked, limit, config):
    assert for_gemini(asked, ModelProfile(model=model), limit) == config


def test_claude_gets_a_budget_below_the_clients_max_tokens():
    decided = for_claude(Asked(effort="high"), BUDGET, ClaudeSituation(max_tokens=4096))
    assert decided.thinking == {"type": "enabled", "budget_tokens": 4095}
    assert decided.max_tokens == 4096


def test_claude_does_not_think_where_max_tokens_leave_no_room():
    decided = for_claude(Asked(effort="high"), BUDGET, ClaudeSituation(max_tokens=1024))
    assert decided.thinking is None
    assert decided.max_tokens == 1024
    assert not decided.active


def test_an_unset_max_tokens_is_raised_above_the_budget():
    decided = for_claude(Asked(budget=30000), BUDGET, ClaudeSituation())
    assert decided.max_tokens > 30000
    assert decided.thinking == {"type": "enabled", "budget_tokens": 30000}


def test_the_clients_own_max_tokens_stay_and_the_models_limit_stands_in():
    profile = ModelProfile(reasoning="budget", max_output_tokens=8000)
    decided = for_claude(Asked(budget=30000), profile, ClaudeSituation(max_tokens=128000))
    assert decided.max_tokens == 128000
    assert decided.thinking == {"type": "enabled", "budget_tokens": 30000}
    assert for_claude(None, profile, ClaudeSituation()).max_tokens == 8000


def test_without_any_limit_known_there_is_a_default():
    assert for_claude(None, ModelProfile(), ClaudeSituation()).max_tokens == 8192


def test_a_small_budget_is_raised_to_claudes_minimum():
    decided = for_claude(Asked(budget=100), BUDGET, ClaudeSituation(max_tokens=9000))
    assert decided.thinking == {"type": "enabled", "budget_tokens": 1024}


@pytest.mark.parametrize("profile", [BUDGET, ADAPTIVE])
@pytest.mark.parametrize("blocked", [{"forced_tool": True}, {"prefill": True}])
def test_a_forced_tool_and_a_prefill_win_over_thinking(profile, blocked):
    decided = for_claude(Asked(effort="high"), profile, ClaudeSituation(max_tokens=9000, **blocked))
    assert decided.thinking is None


def test_a_chain_without_a_signed_block_stops_a_budget_but_not_adaptive_thinking():
    situation = ClaudeSituation(max_tokens=9000, unproven_chain=True)
    asked = Asked(effort="low")
    assert for_claude(asked, BUDGET, situation).thinking is None
    assert for_claude(asked, ADAPTIVE, situation).thinking == {"type": "adaptive", "display": "summarized"}


@pytest.mark.parametrize(
    ("asked", "thinking", "effort"),
    [
        (Asked(effort="minimal"), {"type": "adaptive", "display": "summarized"}, "low"),
        (Asked(effort="max"), {"type": "adaptive", "display": "summarized"}, "max"),
        (Asked(budget=5000), {"type": "adaptive", "display": "summarized"}, "medium"),
        (Asked(effort="high", visible=False), {"type": "adaptive", "display": "omitted"}, "high"),
        (Asked(enabled=False), {"type": "disabled"}, None),
    ],
)
def test_newer_claudes_get_an_effort_and_never_a_budget(asked, thinking, effort):
    decided = for_claude(asked, ADAPTIVE, ClaudeSituation(max_tokens=2000))
    assert (decided.thinking, decided.effort) == (thinking, effort)


def test_who_only_likes_to_see_thoughts_keeps_the_temperature():
    curious = Asked(visible=True)
    assert for_claude(curious, BUDGET, ClaudeSituation(max_tokens=9000, temperature=0.2)).thinking is None
    assert for_claude(curious, BUDGET, ClaudeSituation(max_tokens=9000)).active
    asked = Asked(effort="low")
    assert for_claude(asked, BUDGET, ClaudeSituation(max_tokens=9000, temperature=0.2)).active


def test_models_that_do_not_think_are_not_asked_to():
    decided = for_claude(Asked(effort="high"), ModelProfile(reasoning="none"), ClaudeSituation())
    assert decided.thinking is None
    assert decided.effort is None
