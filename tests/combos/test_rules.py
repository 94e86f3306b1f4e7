from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from combos.models import Combo, ComboTarget, ModelAlias
from combos.queries import rename_references
from combos.rules import Target, save_alias, save_combo, target_warnings, validate_targets
from combos.validation import known_names


def combo(name: str, *models: str) -> Combo:
    return save_combo(Combo(name=name), [Target(model) for model in models])


@pytest.mark.django_db
def test_a_combo_keeps_its_targets_in_order():
    saved = combo("fast", "glm/glm-4.7", "groq/llama", "glm/glm-4.7")
    assert [target.model for target in saved.targets.all()] == ["glm/glm-4.7", "groq/llama", "glm/glm-4.7"]
    save_combo(saved, [Target("groq/llama", weight=3)])
    assert [(target.model, target.weight) for target in saved.targets.all()] == [("groq/llama", 3)]


@pytest.mark.django_db
def test_a_cycle_is_refused_and_changes_nothing():
    first = combo("first", "glm/glm-4.7")
    combo("second", "first")
    with pytest.raises(ValidationError, match="first → second → first"):
        save_combo(first, [Target("second")])
    assert [target.model for target in first.targets.all()] == ["glm/glm-4.7"]


@pytest.mark.django_db
def test_three_levels_are_accepted_and_a_fourth_is_refused_from_either_end():
    combo("three", "glm/glm-4.7")
    combo("two", "three")
    one = combo("one", "two")
    with pytest.raises(ValidationError, match="more than 3"):
        combo("zero", "one")
    four = combo("four", "glm/glm-4.7")
    with pytest.raises(ValidationError, match="more than 3"):
        validate_targets("three", ["four"], replaces="three")
    save_combo(one, [Target("four")])
    save_combo(four, [Target("three")])


@pytest.mark.django_db
def test_a_new_name_is_carried_over_to_combos_and_aliases():
    inner = combo("inner", "glm/glm-4.7")
    outer = combo("outer", "inner", "groq/llama")
    ModelAlias.objects.create(pattern="gpt-*", target="inner")
    inner.name = "core"
    save_combo(inner)
    assert [target.model for target in outer.targets.all()] == ["core", "groq/llama"]
    assert ModelAlias.objects.get().target == "core"


@pytest.mark.django_db
def test_a_renamed_combo_may_not_come_to_contain_itself():
    inner = combo("inner", "glm/glm-4.7")
    combo("outer", "inner", "later")
    inner.name = "later"
    save_combo(inner)
    assert ComboTarget.objects.filter(model="later").count() == 2
    other = combo("other", "newname")
    other.name = "newname"
    with pytest.raises(ValidationError, match="circle"):
        save_combo(other)


@pytest.mark.django_db
def test_renaming_what_nothing_refers_to_changes_nothing():
    combo("outer", "glm/glm-4.7")
    rename_references("inner", "core")
    assert ComboTarget.objects.get().model == "glm/glm-4.7"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["", "with space", "ü", "a\nb", "x" * 121])
def test_a_bad_name_is_refused(name):
    with pytest.raises(ValidationError):
        combo(name, "glm/glm-4.7")


@pytest.mark.django_db
def test_space_around_a_name_is_dropped():
    assert combo(" fast\n").name == "fast"


@pytest.mark.django_db
def test_a_taken_name_is_refused():
    combo("fast")
    with pytest.raises(ValidationError, match="already exists"):
        combo("fast")


@pytest.mark.django_db
def test_an_alias_is_replaced_and_may_not_lead_to_itself():
    save_alias("best", "cc/claude-opus-4-6")
    save_alias("best", "glm/glm-4.7")
    assert ModelAlias.objects.get().target == "glm/glm-4.7"
    save_alias("better", "best")
    with pytest.raises(ValidationError, match="best → better → best"):
        save_alias("best", "better")


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", ["*", "?*", ""])
def test_an_alias_for_every_name_is_refused(pattern):
    with pytest.raises(ValidationError):
        save_alias(pattern, "glm/glm-4.7")


@pytest.mark.django_db
def test_a_target_that_nobody_serves_is_kept_with_a_warning():
    combo("inner", "glm/glm-4.7")
    combo("outer", "nobody/model", "inner", "openai/gpt-4o")
    [warning] = target_warnings(["nobody/model", "inner", "openai/gpt-4o"], known_names())
    assert warning.startswith("nobody/model: No provider has the prefix")
