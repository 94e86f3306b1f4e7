"""Pages show times in the zone of who looks at them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from billing.models import ApiKey, UsageRecord
from omniroute.viewer import COOKIE, zone_of

pytestmark = pytest.mark.django_db
MOMENT = datetime(2026, 1, 15, 23, 30, tzinfo=UTC)


def test_a_list_shows_times_in_the_viewers_zone(admin_client):
    UsageRecord.objects.create(created_at=MOMENT, status=200, requested_model="glm/glm-4.7")
    path = "/admin/billing/usagerecord/?period=all"
    assert "15 Jan, 23:30:00" in admin_client.get(path).content.decode()
    admin_client.cookies[COOKIE] = "Asia/Tokyo"
    assert "16 Jan, 08:30:00" in admin_client.get(path).content.decode()
    assert timezone.get_current_timezone_name() == "UTC"


def test_a_form_takes_times_in_the_viewers_zone(admin_client):
    admin_client.cookies[COOKIE] = "Asia/Tokyo"
    admin_client.post(
        "/admin/billing/apikey/add/",
        {"name": "Laptop", "scope": "use", "expires_at_0": "2099-01-16", "expires_at_1": "08:30:00"},
    )
    assert ApiKey.objects.get().expires_at == datetime(2099, 1, 15, 23, 30, tzinfo=UTC)


def test_the_api_answers_everybody_in_the_same_zone(admin_client):
    UsageRecord.objects.create(created_at=MOMENT, status=200, requested_model="glm/glm-4.7")
    admin_client.cookies[COOKIE] = "Asia/Tokyo"
    assert "15-01-2026 23:30:00" in admin_client.get("/api/usage/request-logs").content.decode()


@pytest.mark.parametrize("name", ["", "Nowhere/Else", "../../etc/passwd", "/etc/passwd", "Europe", "a" * 300])
def test_no_real_zone_is_none(name, admin_client):
    assert zone_of({COOKIE: name}) is None
    admin_client.cookies[COOKIE] = name
    assert admin_client.get("/admin/").status_code == 200
