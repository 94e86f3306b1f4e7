"""What Django's own handler answers where no view does."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

pytestmark = pytest.mark.django_db


def test_a_browser_at_a_wrong_address_gets_a_page_that_leads_home():
    answer = Client().get("/nowhere", headers={"accept": "text/html,*/*"})
    assert answer.status_code == 404
    assert 'href="/admin/"' in answer.content.decode()


def test_a_client_with_a_wrong_base_url_gets_json_that_names_the_right_one():
    answer = Client(enforce_csrf_checks=True).post(
        "/openai/v1/chat/completions", "{}", content_type="application/json"
    )
    assert answer.status_code == 404
    assert "/v1" in answer.json()["error"]["message"]


def test_who_may_not_see_a_page_is_told_so():
    client = Client()
    client.force_login(User.objects.create_user("reader", is_staff=True))
    answer = client.get("/admin/providers/account/")
    assert answer.status_code == 403
    assert "Not allowed" in answer.content.decode()
    assert 'href="/admin/"' in answer.content.decode()


def test_a_form_without_its_token_says_what_to_do():
    answer = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "a", "password": "b"})
    assert answer.status_code == 403
    assert "load it again" in answer.content.decode()


@pytest.mark.parametrize(("path", "status"), [("/api/health", 200), ("/api/auth/login", 405)])
def test_the_management_api_answers_head_like_get(path, status):
    assert Client().head(path).status_code == status
