from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import escape
from django_q.models import Schedule, Success

from billing.keys import create_api_key
from billing.models import DailyUsage, Price, UsageRecord
from billing.usage.queries import utc_today
from combos.models import Combo, ComboTarget, ModelAlias, ProviderRouting
from gateway.models import AISettings, ConfigVersion, GatewaySettings
from omniroute import audit, pages
from omniroute.admin_site import OmniRouteAdminSite
from omniroute.empty_lists import EMPTY_LISTS
from omniroute.pages import page
from omniroute.places import place_of
from omniroute.unfold import navigation
from providers.models import Account, CustomModel, LearnedQuirk, ProviderNode
from tests.usage import count

pytestmark = pytest.mark.django_db

SECRET = "sk-a-secret-that-no-page-shows"
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def rows():
    """A row of every model that the admin has."""
    now = timezone.now()
    node = ProviderNode.objects.create(name="Desk", prefix="desk", base_url="http://localhost:11434/v1")
    Account.objects.create(provider="glm", name="Plan", api_key=SECRET)
    Account.objects.create(provider=node.pk, name="Desk", auth_type="none")
    CustomModel.objects.create(provider="openai", model_id="gpt-next")
    inner = Combo.objects.create(name="inner")
    ComboTarget.objects.create(combo=inner, model="glm/glm-4.7")
    combo = Combo.objects.create(name="outer", strategy="gone")
    for position, model in enumerate(["inner", "desk/any", "nowhere/model"]):
        ComboTarget.objects.create(combo=combo, position=position, model=model)
    ModelAlias.objects.create(pattern="gpt-*", target="inner")
    create_api_key("Laptop")
    lesson = {
        "provider": "glm",
        "model": "glm-4.7",
        "format": "openai_chat",
        "kind": "clamp",
        "field": "max_tokens",
    }
    audit.note("used", actor="admin", target="/admin/")
    LearnedQuirk.objects.create(**lesson, value=[None, 4096], reason="max_tokens must be at most 4096")
    Price.objects.create(provider="glm", model="glm-4.7", input="0.6", output="2.2")
    UsageRecord.objects.create(created_at=now, status=200, provider=node.pk, attempts=[{"provider": "glm"}])
    count(utc_today(), requests=3)
    GatewaySettings.load().save()
    Schedule.objects.create(name="Job", func="math.sqrt", args="4")
    task = {"func": "math.sqrt", "success": True, "started": now, "stopped": now}
    Success.objects.create(id="a" * 32, name="Done", **task)
    Success.objects.create(id="b" * 32, name="Broken", **{**task, "success": False}, result="boom")


def pages_of_a_row(model) -> list[str]:
    options = model._meta
    row = model._default_manager.first()
    names = [f"{options.app_label}_{options.model_name}_{name}" for name in ("change", "history", "delete")]
    return [reverse(f"admin:{name}", args=(row.pk,)) for name in names] if row else []


NEVER_EMPTY = {"auth.User", "omniroute.AuditEntry", "django_q.Schedule", "resilience.ProviderProfile"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_list_is_called_what_the_sidebar_calls_it_and_says_what_it_is_for(model, admin_client):
    link = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    place = place_of(link)
    assert place is not None
    html = admin_client.get(link, follow=True).content.decode()
    assert f"<title> {place.title} | OmniRoute</title>" in html
    if not place.is_form and model._meta.label not in NEVER_EMPTY:
        assert escape(EMPTY_LISTS[model._meta.label_lower].text) in html


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_page_of_every_model_answers_and_shows_no_secret(model, rows, admin_client):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    shown = 0
    for url in [reverse(f"{name}_changelist"), reverse(f"{name}_add"), *pages_of_a_row(model)]:
        response = admin_client.get(url, follow=True)
        assert response.status_code in (200, 403), url
        assert SECRET not in response.content.decode(), url
        shown += response.status_code == 200
    assert shown


def test_every_configuration_model_can_be_edited(rows, admin_client):
    for model in (Account, ProviderNode, CustomModel, Combo, ModelAlias, Price, AISettings, User):
        assert "_save" in admin_client.get(pages_of_a_row(model)[0]).content.decode(), model


@pytest.mark.parametrize("model", [UsageRecord, DailyUsage])
def test_usage_is_read_only(model, rows, admin_client):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    change, _, delete = pages_of_a_row(model)
    assert admin_client.get(reverse(f"{name}_add")).status_code == 403
    assert admin_client.post(change, {"status": 500}).status_code == 403
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403


def test_the_sidebar_is_short_and_every_entry_leads_somewhere(rows, admin_client):
    groups = admin_client.get(reverse("admin:index")).context["sidebar_navigation"]
    entries = [item for group in groups for item in group["items"]]
    titles = [item["title"] for item in entries]
    assert titles[:8] == ["Home", "Providers", "Combos", "API keys", "Usage", "Costs", "Health", "Settings"]
    for item in entries:
        page = admin_client.get(item["link"], follow=True)
        assert page.status_code == 200, item
        shown = [each for group in page.context["sidebar_navigation"] for each in group["items"]]
        assert [each["title"] for each in shown if each["active"]] == [item["title"]]


def tabs_of(response) -> list[list[str]]:
    return [[tab.title for tab in row] for row in response.context["place_tabs"]]


def test_settings_are_in_five_tabs(admin_client):
    links = {}
    page = admin_client.get(reverse("admin:password_change"))
    first, second = page.context["place_tabs"]
    assert [tab.title for tab in first][:5] == ["Security", "Routing", "Resilience", "AI", "Advanced"]
    assert [tab.title for tab in first if tab.active] == ["Security"]
    assert [tab.title for tab in second if tab.active] == ["Password"]
    for tab in first:
        page = admin_client.get(tab.link, follow=True)
        assert page.status_code == 200
        links[tab.title] = tabs_of(page)[1]
    assert {"Access", "IP access", "Admin users"} <= set(links["Security"])
    assert {"Model aliases", "Fallback chains", "Provider rules"} <= set(links["Routing"])
    assert {"Overview", "Profiles", "Rate limits", "Time limits"} <= set(links["Resilience"])
    assert {"Prompt and thinking", "Caches"} <= set(links["AI"])
    assert {"Proxies", "History and logs", "Background jobs"} <= set(links["Advanced"])


def test_the_page_of_one_row_is_no_tab(rows, admin_client):
    change = pages_of_a_row(ModelAlias)[0]
    assert tabs_of(admin_client.get(change)) == []
    assert tabs_of(admin_client.get(reverse("admin:combos_modelalias_changelist")))


def test_settings_are_saved_with_one_button_and_say_so(admin_client):
    url = "/admin/resilience/ratelimitsettings/1/change/"
    page = admin_client.get(url)
    assert b"_continue" not in page.content
    values = page.context["adminform"].form.initial
    saved = admin_client.post(url, {**values, "queue_size": "7"}, follow=True)
    assert [str(message) for message in saved.context["messages"]] == ["Rate limits saved."]
    assert admin_client.get(url).context["adminform"].form.initial["queue_size"] == 7


def test_every_page_of_an_app_is_in_the_menu():
    lost = [
        item.title for item in pages.all_pages() if item.section and place_of(f"/admin/{item.path}") is None
    ]
    assert lost == []


def test_providers_are_blocked_under_security(admin_client):
    url = reverse("admin:gateway_accesssettings_change", args=(1,))
    body = {"require_key_for_models": "on", "blocked_providers": ["deepseek", "groq"]}
    assert admin_client.post(url, body).status_code == 302
    assert {rule.provider for rule in ProviderRouting.objects.filter(is_blocked=True)} == {"deepseek", "groq"}
    assert GatewaySettings.load().require_key_for_models
    before = ConfigVersion.objects.get().version
    admin_client.post(url, {"blocked_providers": []})
    assert not ProviderRouting.objects.exists()
    assert not GatewaySettings.load().require_key_for_models
    assert ConfigVersion.objects.get().version > before


def test_a_stranger_is_sent_to_the_login():
    for url in (
        reverse("admin:index"),
        reverse("admin:providers_catalog"),
        reverse("admin:billing_apikey_add"),
    ):
        response = Client().get(url)
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("admin:login"))


def test_after_the_login_comes_the_home_page(django_user_model):
    django_user_model.objects.create_superuser("boss", password="a-password")
    client = Client()
    response = client.post(
        reverse("admin:login"), {"username": "boss", "password": "a-password"}, follow=True
    )
    assert response.redirect_chain[-1][0] == reverse("admin:index")


def test_a_user_sees_what_the_permissions_allow(rows):
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_usagerecord"))
    client = Client()
    client.force_login(user)
    groups = client.get(reverse("admin:index")).context["sidebar_navigation"]
    shown = [item for group in groups for item in group["items"] if item["has_permission"]]
    assert [item["title"] for item in shown][:2] == ["Home", "Usage"]
    assert "Settings" in [item["title"] for item in shown]  # one's own password
    assert client.get(shown[1]["link"]).status_code == 200
    requests = reverse("admin:billing_usagerecord_changelist")
    assert tabs_of(client.get(requests)) == [["Analytics", "Requests"]]
    home = client.get(reverse("admin:index")).content.decode()
    assert "Last requests" in home
    assert reverse("admin:providers_account_changelist") not in home
    for name in ("providers_catalog", "providers_account_changelist", "billing_apikey_add"):
        assert client.get(reverse(f"admin:{name}")).status_code == 403, name


def test_who_may_see_nothing_is_told_so():
    client = Client()
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    home = client.get(reverse("admin:index")).content.decode()
    assert "Your login may not see what is on this page" in home


def test_who_may_only_look_gets_forms_without_fields(rows):
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(user)
    for model in (Account, ProviderNode, CustomModel, Combo, ModelAlias, Price, AISettings):
        response = client.get(pages_of_a_row(model)[0])
        assert response.status_code == 200, model
        assert 'name="_save"' not in response.content.decode(), model
        assert SECRET not in response.content.decode()


def test_the_app_list_names_the_apps_pages(admin_client):
    response = admin_client.get(reverse("admin:app_list", args=("providers",)))
    assert reverse("admin:providers_catalog") in response.content.decode()


def test_a_new_admin_user_can_log_in(admin_client):
    values = {"username": "second", "password1": "long-enough-1", "password2": "long-enough-1"}
    values |= {"usable_password": "true", "is_superuser": "on"}
    assert admin_client.post(reverse("admin:auth_user_add"), values).status_code == 302
    assert Client().login(username="second", password="long-enough-1")
    assert User.objects.get(username="second").is_staff


def test_a_finished_job_runs_again(rows, admin_client, monkeypatch):
    queued = []
    monkeypatch.setattr("omniroute.admin.async_task", lambda func, *args, **kwargs: queued.append(func))
    url = reverse("admin:django_q_failure_changelist")
    admin_client.post(url, {"action": "run_again", "_selected_action": ["b" * 32]})
    assert queued == ["math.sqrt"]
    assert not Success.objects.filter(pk="b" * 32).exists()


class TestPages:
    @pytest.fixture(autouse=True)
    def registry(self, monkeypatch):
        monkeypatch.setattr(pages, "_pages", {})

    def test_a_function_becomes_a_page_of_its_app(self):
        @page("health", title="Health", section="Providers", permission="providers.view_account")
        def health(request):
            return {}

        (item,) = pages.all_pages()
        assert (item.app, item.path) == ("tests", "tests/health/")
        assert item.template == "admin/tests/health.html"
        assert "tests_health" in [getattr(each, "name", "") for each in OmniRouteAdminSite().get_urls()]
        assert pages.pages_of("Providers") == [item]
        assert pages.pages_of("Usage") == []

    def test_a_name_is_taken_once(self):
        page("one", title="One", section="Usage")(lambda request: {})
        with pytest.raises(ValueError, match="registered twice"):
            page("one", title="Other", section="Usage")(lambda request: {})

    def test_a_page_without_a_url_is_noticed(self, rf, admin_user):
        """A page registered after the URLs were made would be a dead link: the sidebar refuses to build it."""
        page("late", title="Late", section="Usage")(lambda request: {})
        request = rf.get("/")
        request.user = admin_user
        with pytest.raises(NoReverseMatch):
            navigation(request)


def test_own_pages_have_a_template(admin_client):
    for item in pages.all_pages():
        if not item.section:  # a button's address
            continue
        response = admin_client.get(reverse(f"admin:{item.url_name}"))
        assert response.status_code == 200
        assert item.template in [template.name for template in response.templates]


def test_static_files_of_the_admin_exist(admin_client):
    html = admin_client.get(reverse("admin:index")).content.decode()
    own = set(re.findall(r"/static/(omniroute/[^\"]+)", html))
    from django.contrib.staticfiles import finders

    assert {
        "omniroute/admin.css",
        "omniroute/admin.js",
        "omniroute/logo.svg",
        "omniroute/usage_chart.js",
    } <= own
    assert all(finders.find(path) for path in own)
