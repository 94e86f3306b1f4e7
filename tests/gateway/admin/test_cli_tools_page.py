from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import Permission

from billing.models import ApiKey
from combos.models import Combo
from tests.gateway.cli_tools.conftest import home  # noqa: F401
from tests.html import only

pytestmark = pytest.mark.django_db
LIST, CODEX = "/admin/gateway/cli-tools/", "/admin/gateway/cli-tools/tool/codex/"
ORIGINAL = '# mine\nmodel = "gpt-5.5"\n'


@pytest.fixture(autouse=True)
def _ready(home: Path, settings) -> None:  # noqa: F811
    settings.REQUIRE_API_KEY = False
    (home / ".codex").mkdir()
    (home / ".codex/config.toml").write_text(ORIGINAL)
    Combo.objects.create(name="my-combo").targets.create(model="openai/gpt-4o", position=1)


def config(home: Path) -> str:  # noqa: F811
    return (home / ".codex/config.toml").read_text()


def test_a_key_is_made_shown_once_and_the_tool_configured_and_reset(admin_client, home):  # noqa: F811
    form = {"model": "my-combo", "url": "http://testserver"}
    html = admin_client.post(CODEX, {**form, "do": "key"}).content.decode()
    key = only(r'<code id="new-key">(sk-or-[\w-]+)</code>', html)
    assert ApiKey.objects.get().name == "Codex"
    assert f"experimental_bearer_token = &quot;{key}&quot;" in html
    response = admin_client.post(CODEX, {**form, "key": key, "do": "configure"}, follow=True)
    html = response.content.decode()
    assert "Codex uses my-combo now: ~/.codex/config.toml." in html
    assert key not in html
    assert key in config(home)
    assert "# mine" in config(home)
    assert "Configured" in admin_client.get(LIST).content.decode()
    backup = only(r'name="backup" value="([^"]+)"', html)
    admin_client.post(CODEX, {"do": "reset"})
    assert config(home) == ORIGINAL
    (home / ".codex/config.toml").write_text("lost = true\n")
    html = admin_client.post(CODEX, {"do": "restore", "backup": backup}, follow=True).content.decode()
    assert "is as it was at" in html
    assert config(home) == ORIGINAL


def test_by_hand_follows_the_address_of_the_visit_and_the_model(admin_client):
    html = admin_client.get(CODEX, headers={"host": "llm.example.com:8443"}).content.decode()
    assert "http://llm.example.com:8443/v1" in html
    part = admin_client.get(f"{CODEX}?by-hand&model=a%2Fb&url=https%3A%2F%2Fx.example").content.decode()
    assert "https://x.example/v1" in part
    assert "model = &quot;a/b&quot;" in part
    assert "<html" not in part
    assert "an address like" in admin_client.get(f"{CODEX}?by-hand&url=nowhere").content.decode()


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"model": ""}, "choose a model"),
        ({"model": "no-such-model"}, "no-such-model"),
        ({"model": "my-combo", "url": "nowhere"}, "an address like"),
    ],
)
def test_a_mistake_is_said_and_what_was_entered_stays(form, said, admin_client, home):  # noqa: F811
    response = admin_client.post(CODEX, {**form, "do": "configure"})
    assert response.status_code == 200
    html = response.content.decode()
    assert said in html
    assert f'name="model" value="{form["model"]}"' in html
    assert config(home) == ORIGINAL


def test_a_broken_file_is_told_on_both_pages(admin_client, home):  # noqa: F811
    (home / ".codex/config.toml").write_text("a = 1\nb = \n")
    assert "Broken settings" in admin_client.get(LIST).content.decode()
    assert "config.toml is broken: line 2, column" in admin_client.get(CODEX).content.decode()


def test_where_it_must_not_write_nobody_can(admin_client, home, settings):  # noqa: F811
    settings.CLI_ALLOW_CONFIG_WRITES = False
    assert 'value="configure"' not in admin_client.get(CODEX).content.decode()
    assert "does not write settings itself" in admin_client.get(LIST).content.decode()
    assert admin_client.post(CODEX, {"model": "my-combo", "do": "configure"}).status_code == 403
    assert config(home) == ORIGINAL


def test_only_administrators_write(client, django_user_model, home):  # noqa: F811
    user = django_user_model.objects.create_user("helper", password="x", is_staff=True)
    client.force_login(user)
    assert client.get(LIST).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_apikey"))
    assert 'value="configure"' not in client.get(CODEX).content.decode()
    for do in ("configure", "reset", "restore", "key"):
        assert client.post(CODEX, {"model": "my-combo", "do": do}).status_code == 403
    assert config(home) == ORIGINAL
    assert not ApiKey.objects.exists()


def test_a_tool_that_is_not_known_is_not_there(admin_client):
    assert admin_client.get("/admin/gateway/cli-tools/tool/nothing/").status_code == 404
    assert "Add model: my-combo" in admin_client.get("/admin/gateway/cli-tools/tool/cursor/").content.decode()
