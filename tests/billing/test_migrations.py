from __future__ import annotations

from datetime import date
from decimal import Decimal
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from billing.models import DailyUsage, UsageTotal

pytestmark = pytest.mark.django_db


def test_what_was_used_before_the_totals_is_in_them():
    day = date(2026, 3, 10)
    served = {"provider": "glm", "model": "glm-4.7", "account_id": 3, "combo": "free"}
    DailyUsage.objects.create(day=day, **served, api_key_id=7, requests=2, cost=Decimal("0.5"))
    DailyUsage.objects.create(day=day, **served, requests=1)
    DailyUsage.objects.create(day=day, requests=4)
    import_module("billing.migrations.0003_rollups").add_up_the_days(
        apps, SimpleNamespace(connection=connection)
    )
    rows = UsageTotal.objects.values_list("dimension", "provider", "name", "requests")
    assert set(rows) == {
        ("all", "", "", 7),
        ("provider", "glm", "", 3),
        ("model", "glm", "glm-4.7", 3),
        ("model", "", "", 4),
        ("account", "glm", "3", 3),
        ("key", "", "7", 2),
        ("key", "", "", 5),
        ("combo", "", "free", 3),
    }
    assert UsageTotal.objects.get(dimension="all").cost == Decimal("0.5")
