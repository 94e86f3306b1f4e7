from __future__ import annotations

import re

import pytest
from django.contrib.messages import get_messages

from combos.flow import flow_of
from combos.models import Combo, ComboTarget, ModelAlias
from combos.validation import known_names
from providers.models import Account, ProviderNode
from tests.html import only

pytestmark = pytest.mark.django_db

ADD = "/admin/combos/combo/add/"
ALIAS = "/admin/combos/modelalias/add/"


def combo(name: str, *models: str, **values) -> Combo:
    row = Combo.objects.create(name=name, **values)
    for position, model in enumerate(models):
        ComboTarget.objects.create(combo=row, position=position, model=model)
    return row


def form(name: str, *lines: str | dict[str, str], old: int = 0, **changes: str) -> dict[str, str]:
    data = {
        "name": name,
        "strategy": "priority",
        "is_active": "on",
        "max_retries": "0",
        "retry_delay_ms": "2000",
    }
    data |= {"targets-TOTAL_FORMS": str(len(lines)), "targets-INITIAL_FORMS": str(old)}
    for number, line in enumerate(lines):
        fields = {"model": line} if isinstance(line, str) else line
        for field, value in {"weight": "1", "is_active": "on", "position": "0", **fields}.items():
            data[f"targets-{number}-{field}"] = value
    return {**data, **changes}


def lines_of(row: Combo) -> list[dict[str, str]]:
    return [
        {"id": str(target.pk), "combo": str(row.pk), "model": target.model, "position": str(target.position)}
        for target in row.targets.all()
    ]


def save(client, row: Combo, data: dict[str, str]):
    return client.post(f"/admin/combos/combo/{row.pk}/change/", data)


def models(name: str) -> list[str]:
    return list(Combo.objects.get(name=name).targets.values_list("model", flat=True))


def errors(response) -> list[str]:
    assert response.status_code == 200, "the form was accepted"
    found = [text for texts in response.context["adminform"].form.errors.values() for text in texts]
    for inline in response.context["inline_admin_formsets"]:
        found += inline.formset.non_form_errors()
        found += [text for form in inline.formset.forms for texts in form.errors.values() for text in texts]
    return found


def texts(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


class TestCombo:
    def test_its_targets_keep_the_order_of_the_page(self, admin_client):
        response = admin_client.post(
            ADD, form("mine", "glm/glm-4.7", "openai/gpt-4o", "deepseek/deepseek-chat")
        )
        assert response.status_code == 302
        assert models("mine") == ["glm/glm-4.7", "openai/gpt-4o", "deepseek/deepseek-chat"]
        positions = Combo.objects.get().targets.values_list("position", flat=True)
        assert list(positions) == [0, 1, 2]

    def test_dragging_and_adding_at_once(self, admin_client):
        row = combo("mine", "glm/glm-4.7", "openai/gpt-4o")
        first, second = lines_of(row)
        dragged: list[str | dict[str, str]] = [
            {**first, "position": "1"},
            {**second, "position": "0"},
            "deepseek/deepseek-chat",
        ]
        save(admin_client, row, form("mine", *dragged, old=2))
        assert models("mine") == ["openai/gpt-4o", "glm/glm-4.7", "deepseek/deepseek-chat"]

    def test_a_deleted_target_leaves_no_gap(self, admin_client):
        row = combo("mine", "glm/glm-4.7", "openai/gpt-4o", "deepseek/deepseek-chat")
        lines = lines_of(row)
        lines[0]["DELETE"] = "on"
        save(admin_client, row, form("mine", *lines, old=3))
        assert models("mine") == ["openai/gpt-4o", "deepseek/deepseek-chat"]
        assert list(row.targets.values_list("position", flat=True)) == [0, 1]

    @pytest.mark.parametrize(
        ("target", "advice"),
        [
            ("nowhere/model", "No provider has the prefix “nowhere”"),
            ("nonsense", "No combo is named “nonsense”"),
            ("glm/", "Write the model after the slash"),
        ],
    )
    def test_a_target_that_leads_nowhere_is_explained(self, target, advice, admin_client):
        (error,) = errors(admin_client.post(ADD, form("mine", "glm/glm-4.7", target)))
        assert advice in error
        assert not Combo.objects.exists()

    def test_a_combo_needs_a_target(self, admin_client):
        (error,) = errors(admin_client.post(ADD, form("mine", "", "")))
        assert error.startswith("Add at least one target")
        row = combo("mine", "glm/glm-4.7")
        lines = [{**lines_of(row)[0], "DELETE": "on"}]
        assert errors(save(admin_client, row, form("mine", *lines, old=1)))

    def test_two_hundred_targets_are_saved(self, admin_client):
        """Each one is five fields of the form."""
        row = combo("mine", *(f"glm/glm-4.7-{number}" for number in range(200)))
        response = save(admin_client, row, form("mine", *lines_of(row), old=200, description="Many"))
        assert response.status_code == 302
        assert Combo.objects.get().description == "Many"

    def test_the_list_shows_the_first_of_many_targets(self, admin_client):
        combo("mine", *(f"glm/glm-4.7-{number}" for number in range(14)))
        html = admin_client.get("/admin/combos/combo/").content.decode()
        assert "glm/glm-4.7-11<" in html
        assert "glm/glm-4.7-12<" not in html
        assert "2 more" in html

    def test_a_circle_is_refused_with_the_way_it_goes(self, admin_client):
        combo("outer", "inner")
        row = combo("inner", "glm/glm-4.7")
        (error,) = errors(
            save(admin_client, row, form("inner", {**lines_of(row)[0], "model": "outer"}, old=1))
        )
        assert "inner → outer → inner" in error

    def test_a_circle_is_called_one_however_long_it_is(self, admin_client):
        combo("b", "c")
        combo("a", "b")
        row = combo("c", "glm/glm-4.7")
        (error,) = errors(save(admin_client, row, form("c", {**lines_of(row)[0], "model": "a"}, old=1)))
        assert "circle: c → a → b → c" in error

    def test_it_cannot_contain_itself(self, admin_client):
        (error,) = errors(admin_client.post(ADD, form("mine", "glm/glm-4.7", "mine")))
        assert "circle" in error

    def test_nesting_ends_at_three_levels(self, admin_client):
        combo("c", "glm/glm-4.7")
        combo("b", "c")
        assert admin_client.post(ADD, form("a", "b")).status_code == 302
        (error,) = errors(admin_client.post(ADD, form("top", "a")))
        assert "3 levels deep" in error

    def test_a_model_that_the_list_does_not_know_is_allowed_with_a_word(self, admin_client):
        response = admin_client.post(ADD, form("mine", "glm/glm-99"))
        assert any("glm/glm-99 is not in the provider's list" in text for text in texts(response))
        assert models("mine") == ["glm/glm-99"]

    def test_a_broken_target_does_not_hinder_the_mending_of_others(self, admin_client):
        row = combo("mine", "nowhere/model", "glm/glm-4.7")
        broken, fine = lines_of(row)
        response = save(admin_client, row, form("mine", broken, {**fine, "model": "openai/gpt-4o"}, old=2))
        assert response.status_code == 302
        assert models("mine") == ["nowhere/model", "openai/gpt-4o"]

    def test_a_new_name_is_carried_over(self, admin_client):
        row = combo("inner", "glm/glm-4.7")
        combo("outer", "inner")
        ModelAlias.objects.create(pattern="gpt-*", target="inner")
        response = save(admin_client, row, form("core", *lines_of(row), old=1))
        assert models("outer") == ["core"]
        assert ModelAlias.objects.get().target == "core"
        assert any("outer, gpt-*" in text for text in texts(response))

    def test_deleting_one_names_what_still_leads_to_it(self, admin_client):
        row = combo("inner", "glm/glm-4.7")
        combo("outer", "inner")
        response = admin_client.post(f"/admin/combos/combo/{row.pk}/delete/", {"post": "yes"})
        assert any("outer" in text for text in texts(response))

    @pytest.mark.parametrize("name", ["", "with space", "umläut"])
    def test_its_name_must_fit_into_a_request(self, name, admin_client):
        assert errors(admin_client.post(ADD, form(name, "glm/glm-4.7")))

    def test_a_timeout_is_positive(self, admin_client):
        assert errors(admin_client.post(ADD, form("mine", "glm/glm-4.7", target_timeout_s="0")))

    def test_the_form_suggests_models_and_combos(self, admin_client):
        combo("free", "glm/glm-4.7")
        Account.objects.create(provider="mistral", name="M", api_key="k" * 20)
        html = admin_client.get(ADD).content.decode()
        listed = only(r'<datalist id="model-suggestions">(.*?)</datalist>', html)
        options = re.findall(r'<option value="([^"]+)">', listed)
        assert options[0] == "free"
        assert options[1].startswith("mistral/")
        assert {"glm/glm-4.7", "gh/claude-4.5-sonnet"} <= set(options)
        assert "if/glm-4.7" not in options
        assert 'list="model-suggestions"' in html

    def test_a_discontinued_provider_that_is_connected_is_suggested(self, admin_client):
        Account.objects.create(provider="iflow", name="I", api_key="k" * 20)
        assert '<option value="if/glm-4.7">' in admin_client.get(ADD).content.decode()


class TestFlow:
    def test_it_tells_what_can_answer(self):
        Account.objects.create(provider="glm", name="Plan", api_key="k" * 20)
        combo("inner", "glm/glm-4.7")
        row = combo("outer", "glm/glm-4.7", "openai/gpt-4o", "inner", "nowhere/x")
        steps = flow_of(row, known_names())
        assert [step.kind for step in steps] == ["model", "model", "combo", "unknown"]
        assert [step.is_connected for step in steps] == [True, False, True, False]
        assert steps[2].steps[0].model == "glm/glm-4.7"

    def test_weights_become_shares(self):
        row = combo("spread", "glm/glm-4.7", "openai/gpt-4o", "mistral/x", strategy="weighted")
        weights = iter([3, 1, 9])
        for target in row.targets.all():
            target.weight, target.is_active = next(weights), not target.model.startswith("mistral")
            target.save()
        assert [step.share for step in flow_of(row, known_names())] == [75, 25, None]

    def test_a_circle_from_elsewhere_does_not_hang_the_page(self, admin_client):
        combo("a", "b")
        row = combo("b", "a")
        assert admin_client.get(f"/admin/combos/combo/{row.pk}/change/").status_code == 200
        assert admin_client.get("/admin/combos/combo/").status_code == 200

    def test_a_switched_off_provider_is_a_missing_one(self):
        node = ProviderNode.objects.create(name="D", prefix="desk", base_url="http://x/v1", is_active=False)
        Account.objects.create(provider=node.pk, name="D")
        (step,) = flow_of(combo("mine", "desk/model"), known_names())
        assert step.kind == "unknown"


class TestAlias:
    def add(self, client, pattern: str, target: str):
        return client.post(ALIAS, {"pattern": pattern, "target": target, "is_active": "on"})

    def test_it_leads_to_a_model_or_a_combo(self, admin_client):
        combo("mine", "glm/glm-4.7")
        assert self.add(admin_client, "gpt-*", "mine").status_code == 302
        assert self.add(admin_client, "claude-sonnet-*", "anthropic/claude-sonnet-4-5").status_code == 302

    @pytest.mark.parametrize(
        ("pattern", "target", "field"), [("x", "nowhere/y", "target"), ("*", "glm/glm-4.7", "pattern")]
    )
    def test_what_cannot_work_is_refused(self, pattern, target, field, admin_client):
        assert field in self.add(admin_client, pattern, target).context["adminform"].form.errors

    def test_a_model_that_the_list_does_not_know_is_allowed_with_a_word(self, admin_client):
        response = self.add(admin_client, "gpt-*", "glm/glm-99")
        assert response.status_code == 302
        assert any("glm/glm-99 is not in the provider's list" in text for text in texts(response))

    def test_a_model_of_the_list_needs_no_word(self, admin_client):
        assert len(texts(self.add(admin_client, "gpt-*", "glm/glm-4.7"))) == 1

    def test_it_cannot_lead_back_to_itself(self, admin_client):
        one = ModelAlias.objects.create(pattern="one", target="glm/glm-4.7")
        ModelAlias.objects.create(pattern="two", target="one")
        url = f"/admin/combos/modelalias/{one.pk}/change/"
        response = admin_client.post(url, {"pattern": "one", "target": "two", "is_active": "on"})
        assert "one → two → one" in response.context["adminform"].form.errors["target"][0]
