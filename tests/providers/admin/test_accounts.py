from __future__ import annotations

import json
import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.urls import reverse

from providers.models import Account, CustomModel, ProviderNode
from tests.html import json_script

pytestmark = pytest.mark.django_db

KEY = "sk-the-key-of-this-account-0042"
ADD = "/admin/providers/account/add/"
LIST = "/admin/providers/account/"
NODES = "/admin/providers/providernode/"


def change(row) -> str:
    return reverse(f"admin:providers_{row._meta.model_name}_change", args=(row.pk,))


def values(**changes) -> dict[str, str]:
    return {"provider": "openai", "name": "", "api_key": KEY, "priority": "1", "is_active": "on", **changes}


def errors(response) -> dict[str, list[str]]:
    assert response.status_code == 200, "the form was accepted"
    return dict(response.context["adminform"].form.errors)


def texts(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


@pytest.fixture
def account():
    return Account.objects.create(provider="openai", name="Work", api_key=KEY)


class TestAccountForm:
    def test_it_adds_an_account_named_after_the_provider(self, admin_client):
        assert admin_client.post(ADD, values()).status_code == 302
        admin_client.post(ADD, values(priority="2"))
        first, second = Account.objects.order_by("id")
        assert (first.name, first.api_key, first.auth_type) == ("OpenAI", KEY, "api_key")
        assert second.name == "OpenAI 2"

    def test_a_provider_that_wants_a_key_gets_none_without(self, admin_client):
        found = errors(admin_client.post(ADD, values(api_key="")))
        assert "OpenAI needs an API key" in found["api_key"][0]
        assert "https://" in found["api_key"][0]

    @pytest.mark.parametrize("key", ["sk-a b", "sk-a\nsk-b", "sk-ключ"])
    def test_a_key_with_something_pasted_beside_it_is_refused(self, key, admin_client):
        response = admin_client.post(ADD, values(api_key=key))
        assert "pasted" in errors(response)["api_key"][0]
        assert key not in response.content.decode()

    def test_spaces_around_a_key_are_no_part_of_it(self, admin_client):
        admin_client.post(ADD, values(api_key=f"  {KEY}\n"))
        assert Account.objects.get().api_key == KEY

    def test_a_rejected_form_does_not_send_the_key_back(self, admin_client):
        response = admin_client.post(ADD, values(base_url="no address"))
        assert "base_url" in errors(response)
        assert KEY not in response.content.decode()

    def test_an_empty_key_keeps_the_stored_one(self, account, admin_client):
        html = admin_client.get(change(account)).content.decode()
        assert KEY not in html
        assert account.masked_key in html
        admin_client.post(change(account), values(name="Renamed", api_key=""))
        account.refresh_from_db()
        assert (account.name, account.api_key) == ("Renamed", KEY)

    def test_the_history_says_that_the_key_changed_and_not_to_what(self, account, admin_client):
        other = "sk-another-key-entirely-0043"
        admin_client.post(change(account), values(name="Work", api_key=other))
        (entry,) = LogEntry.objects.all()
        assert json.loads(entry.change_message) == [{"changed": {"fields": ["API key"]}}]
        html = admin_client.get(
            reverse("admin:providers_account_history", args=(account.pk,))
        ).content.decode()
        assert KEY not in html
        assert other not in html

    def test_an_unchanged_form_changes_nothing(self, account, admin_client):
        admin_client.post(change(account), values(name="Work", api_key=""))
        (entry,) = LogEntry.objects.all()
        assert entry.get_change_message() == "No fields changed."

    def test_another_key_has_not_been_tested(self, account, admin_client):
        Account.objects.update(test_status="invalid", last_error="bad key")
        admin_client.post(change(account), values(name="Work", api_key="sk-another-key-entirely-0043"))
        account.refresh_from_db()
        assert (account.test_status, account.last_error) == ("", "")

    def test_a_choice_made_for_another_provider_is_dropped(self, admin_client):
        admin_client.post(ADD, values(provider="glm", variant="coding", region="cn"))
        admin_client.post(ADD, values(provider="openai", variant="coding", region="cn"))
        glm, openai = Account.objects.order_by("id")
        assert (glm.variant, glm.region) == ("coding", "cn")
        assert (openai.variant, openai.region) == ("", "")

    @pytest.mark.parametrize(("data", "kept"), [("", {}), ('{"org": "x"}', {"org": "x"})])
    def test_provider_data_is_an_object(self, data, kept, admin_client):
        admin_client.post(ADD, values(provider_data=data))
        assert Account.objects.get().provider_data == kept
        for wrong in ("[1]", "{nonsense"):
            assert "provider_data" in errors(admin_client.post(ADD, values(provider_data=wrong)))

    def test_an_account_of_a_provider_that_is_gone_can_still_be_switched_off(self, admin_client):
        row = Account.objects.create(provider="node-gone", name="Old", api_key=KEY)
        html = admin_client.get(change(row)).content.decode()
        assert "node-gone (not available)" in html
        assert "provider" in errors(admin_client.post(change(row), values(provider="nonsense")))

    def test_a_lost_encryption_key_asks_for_the_credential(self, account, admin_client, settings):
        settings.ENCRYPTION_KEYS = ["another installation's"]
        assert "Credential unreadable: enter it again" in admin_client.get(LIST).content.decode()
        assert "No key is stored" in admin_client.get(change(account)).content.decode()
        assert "api_key" in errors(admin_client.post(change(account), values(api_key="")))


class TestDefaults:
    def test_providers_are_grouped_by_tier_with_their_cost(self, admin_client):
        html = admin_client.get(ADD).content.decode()
        groups = re.findall(r'<optgroup label="([^"]+)">', html)
        assert groups[:2] == ["Subscription", "API key, pay per use"]
        assert re.search(r"<option value=\"glm\"[^>]*>\s*GLM[^<]*\(glm/\) — \$0\.6", html)

    def test_the_page_carries_what_choosing_a_provider_fills_in(self, account, admin_client):
        html = admin_client.get(ADD).content.decode()
        data = json_script("account-defaults", html)
        assert data["openai"]["accountName"] == "OpenAI 2"
        assert data["openai"]["priority"] == 2
        assert data["glm"]["regions"] == ["intl", "cn"]
        assert data["openai"]["variants"] == []
        assert all(each["endpoints"][0]["url"].startswith("http") for each in data.values())
        assert KEY not in html

    def test_the_catalog_can_choose_the_provider(self, admin_client):
        form = admin_client.get(f"{ADD}?provider=glm").context["adminform"].form
        assert form.initial["provider"] == "glm"
        assert form.initial["name"].startswith("GLM")
        assert admin_client.get(f"{ADD}?provider=nonsense").status_code == 200


class TestList:
    def test_priority_and_state_are_edited_in_place(self, account, admin_client):
        page = admin_client.get(LIST)
        assert KEY not in page.content.decode()
        data = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": str(account.pk)}
        admin_client.post(LIST, {**data, "form-0-priority": "7", "_save": "Save"})
        account.refresh_from_db()
        assert (account.priority, account.is_active, account.api_key) == (1, False, KEY)

    @pytest.mark.parametrize(
        ("typed", "order"),
        [
            (("3", "2", "1"), "CBA"),
            (("1", "2", "1"), "CAB"),
            (("2", "3", "1"), "CAB"),
            (("9", "2", "3"), "BCA"),
            (("0", "0", "0"), "CBA"),
        ],
    )
    def test_the_others_make_room_for_an_account_that_moves(self, typed, order, admin_client):
        rows = [
            Account.objects.create(provider="glm", name=name, api_key=KEY, priority=number)
            for name, number in (("B", 2), ("C", 3), ("A", 1))
        ]
        rows.sort(key=lambda row: row.name)
        data = {"form-TOTAL_FORMS": "3", "form-INITIAL_FORMS": "3", "_save": "Save"}
        for number, (row, priority) in enumerate(zip(rows, typed, strict=True)):
            data |= {f"form-{number}-id": str(row.pk), f"form-{number}-priority": priority}
        assert admin_client.post(LIST, data).status_code == 302
        found = Account.objects.order_by("priority").values_list("name", "priority")
        assert list(found) == [(name, number) for number, name in enumerate(order, start=1)]

    def test_a_form_renumbers_and_leaves_no_gap_behind(self, account, admin_client):
        second = Account.objects.create(provider="openai", name="Second", api_key=KEY, priority=2)
        third = Account.objects.create(provider="openai", name="Third", api_key=KEY, priority=3)
        admin_client.post(change(third), values(name="Third", api_key="", priority="1"))
        order = Account.objects.filter(provider="openai").values_list("name", "priority")
        assert list(order) == [("Third", 1), ("Work", 2), ("Second", 3)]
        admin_client.post(change(account), values(provider="groq", name="Work", api_key="", priority="2"))
        assert list(order.all()) == [("Third", 1), ("Second", 2)]
        assert Account.objects.get(provider="groq").priority == 1
        admin_client.post(f"/admin/providers/account/{third.pk}/delete/", {"post": "yes"})
        second.refresh_from_db()
        assert second.priority == 1
        assert admin_client.post(ADD, values(name="First", priority="1")).status_code == 302
        second.refresh_from_db()
        assert second.priority == 2

    def test_accounts_and_models_are_called_by_their_providers_name(self, admin_client):
        node = ProviderNode.objects.create(name="Desk", prefix="desk", base_url="http://localhost:11434/v1")
        account = Account.objects.create(provider=node.pk, name="Mine", api_key=KEY)
        model = CustomModel.objects.create(provider=node.pk, model_id="qwen3")
        assert (str(account), str(model)) == ("Mine · Desk", "desk/qwen3")
        assert str(Account(provider="node-gone", name="Old")) == "Old · node-gone"
        for row in (account, model):
            html = admin_client.get(f"{change(row).replace('change', 'delete')}").content.decode()
            assert node.pk not in html

    @pytest.mark.parametrize("model", [Account, ProviderNode])
    def test_a_row_that_broke_by_itself_can_be_switched_off(self, model, admin_client):
        Account.objects.create(provider="node-gone", name="Old", api_key=KEY)
        ProviderNode.objects.create(name="Old", prefix="openai", base_url="http://x/v1")
        row = model.objects.get()
        data = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": str(row.pk)}
        url = f"/admin/providers/{model._meta.model_name}/"
        response = admin_client.post(url, {**data, "form-0-priority": "1", "_save": "Save"})
        assert response.status_code == 302
        row.refresh_from_db()
        assert not row.is_active

    def test_a_wrong_priority_is_refused(self, account, admin_client):
        data = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": str(account.pk)}
        response = admin_client.post(LIST, {**data, "form-0-priority": "-1", "_save": "Save"})
        assert response.status_code == 200
        assert response.context["cl"].formset.errors[0]["priority"]

    def test_it_filters_by_provider(self, account, admin_client):
        Account.objects.create(provider="glm", name="Plan", api_key=KEY)
        rows = admin_client.get(f"{LIST}?provider=glm").context["cl"].result_list
        assert [row.name for row in rows] == ["Plan"]


class TestTesting:
    @pytest.fixture
    def simulated(self, account, simulator):
        Account.objects.update(base_url=simulator.openai_url)
        account.refresh_from_db()
        return account

    def test_it_asks_the_provider_and_says_what_came_out(self, simulated, simulator, admin_client):
        response = admin_client.post(f"/admin/providers/account/{simulated.pk}/test/")
        assert response["Location"] == change(simulated)
        (text,) = texts(response)
        assert text.startswith("Work: the provider accepts the key (")
        simulated.refresh_from_db()
        assert simulated.test_status == "valid"
        assert simulator.requests

    def test_a_refused_key_is_an_error_without_the_key(self, simulated, simulator, admin_client):
        simulator.behave("401")
        response = admin_client.post(f"/admin/providers/account/{simulated.pk}/test/", follow=True)
        (message,) = response.context["messages"]
        assert message.level_tag == "error"
        assert "does not accept this key (401)" in str(message)
        assert KEY not in response.content.decode()

    def test_a_link_cannot_start_it(self, simulated, simulator, admin_client):
        response = admin_client.get(f"/admin/providers/account/{simulated.pk}/test/")
        assert response["Location"] == change(simulated)
        assert not simulator.requests

    def test_several_at_once(self, simulated, simulator, admin_client):
        other = Account.objects.create(
            provider="openai", name="Other", api_key=KEY, base_url="http://127.0.0.1:9/v1"
        )
        data = {"action": "test_selected", "_selected_action": [simulated.pk, other.pk]}
        said = texts(admin_client.post(LIST, data))
        assert len(said) == 2
        assert any("Nothing listens at 127.0.0.1:9" in text for text in said)

    def test_one_that_is_gone(self, admin_client):
        response = admin_client.post("/admin/providers/account/999/test/")
        assert response.status_code == 302
        assert texts(response) == ["This account does not exist any more."]


class TestNodes:
    def add(self, client, **changes):
        given = {"name": "Desk", "prefix": "desk", "kind": "openai-compatible", "api_type": "chat"}
        given |= {"base_url": "http://localhost:11434/v1/chat/completions", "is_active": "on"}
        return client.post(f"{NODES}add/", {**given, **changes})

    def test_a_new_one_comes_with_its_account(self, admin_client):
        assert self.add(admin_client).status_code == 302
        node = ProviderNode.objects.get()
        assert node.base_url == "http://localhost:11434/v1"
        account = Account.objects.get()
        assert (account.provider, account.name, account.auth_type) == (node.pk, "Desk", "none")

    def test_its_key_is_kept_as_the_accounts(self, admin_client):
        self.add(admin_client, api_key=KEY)
        assert (Account.objects.get().api_key, Account.objects.get().auth_type) == (KEY, "api_key")

    @pytest.mark.parametrize("prefix", ["openai", "GLM", "ds", "cc"])
    def test_a_prefix_that_means_somebody_else_is_refused(self, prefix, admin_client):
        assert "prefix" in errors(self.add(admin_client, prefix=prefix))

    def test_two_cannot_share_a_prefix(self, admin_client):
        self.add(admin_client)
        assert "prefix" in errors(self.add(admin_client, prefix="DESK"))

    def test_headers_are_lines(self, admin_client):
        self.add(admin_client, headers="X-Team: research\nX-Trace: a:b")
        node = ProviderNode.objects.get()
        assert node.headers == {"X-Team": "research", "X-Trace": "a:b"}
        assert "X-Team: research" in admin_client.get(change(node)).content.decode()
        for wrong in ("no colon", ": empty", "Bad Name: x"):
            assert "headers" in errors(self.add(admin_client, prefix="other", headers=wrong))

    def test_deleting_it_takes_its_accounts_and_models_along(self, admin_client):
        self.add(admin_client)
        node = ProviderNode.objects.get()
        CustomModel.objects.create(provider=node.pk, model_id="qwen3:8b")
        Account.objects.create(provider="openai", name="stays", api_key=KEY)
        admin_client.post(f"{NODES}{node.pk}/delete/", {"post": "yes"})
        assert [row.name for row in Account.objects.all()] == ["stays"]
        assert not CustomModel.objects.exists()

    def test_it_is_tested_through_its_account(self, simulator, admin_client):
        self.add(admin_client, base_url=simulator.openai_url)
        node = ProviderNode.objects.get()
        assert "accepts the key" in texts(admin_client.post(f"{NODES}{node.pk}/test/"))[-1]
        Account.objects.all().delete()
        assert texts(admin_client.post(f"{NODES}{node.pk}/test/"))[-1].startswith("Add an account first")


def test_a_custom_model_is_written_without_the_prefix(admin_client):
    url = "/admin/providers/custommodel/add/"
    given = {"provider": "deepseek", "model_id": "ds/deepseek-next", "kind": "chat"}
    assert "deepseek-next" in errors(admin_client.post(url, given))["model_id"][0]
    assert admin_client.post(url, {**given, "model_id": "deepseek-next"}).status_code == 302
    assert errors(admin_client.post(url, {**given, "model_id": "deepseek-next"}))


class TestCatalog:
    def test_it_shows_every_provider_and_what_is_connected(self, account, admin_client):
        Account.objects.create(provider="groq", name="Off", api_key=KEY, is_active=False)
        response = admin_client.get(reverse("admin:providers_catalog"))
        html = response.content.decode()
        assert response.context["connected"] == 1
        assert f"{ADD}?provider=mistral" in html
        cards = {card.spec.id: card for _, group in response.context["groups"] for card in group}
        assert {"openai", "anthropic", "gemini", "glm", "minimax", "kimi"} <= set(cards)
        assert cards["openai"].accounts["active"] == 1
        assert (cards["groq"].accounts["total"], cards["groq"].accounts["active"]) == (1, 0)
        assert KEY not in html

    def test_custom_providers_have_their_place(self, admin_client):
        node = ProviderNode.objects.create(name="Desk", prefix="desk", base_url="http://localhost:1/v1")
        html = admin_client.get(reverse("admin:providers_catalog")).content.decode()
        assert change(node) in html
