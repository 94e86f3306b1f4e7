from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from billing.keys import NewKey, create_api_key
from billing.models import Budget
from providers.models import Account
from tests.billing.budgets.test_budgets import used
from tests.management import ManagementClient, api  # noqa: F401

PATH = "/api/usage/budget"


@pytest.fixture
def key(db: None) -> NewKey:
    return create_api_key("laptop")


def test_the_product_s_own_spelling(api: ManagementClient, key: NewKey):  # noqa: F811
    used(key.record, timezone.now())
    body = {"keyId": str(key.record.pk), "limit": 50.00, "period": "monthly"}
    saved = api.ok("POST", PATH, body)
    assert saved["success"] is True
    (shown,) = api.ok("GET", PATH)["budgets"]
    assert shown == saved["budget"]
    assert (shown["keyId"], shown["keyName"], shown["scope"]) == (str(key.record.pk), "laptop", "key")
    assert (shown["limit"], shown["used"], shown["remaining"]) == (50.0, 0.25, 49.75)
    assert (shown["period"], shown["unit"], shown["exceeded"]) == ("monthly", "usd", False)
    assert shown["nextResetAt"] > shown["periodStartAt"]


def test_the_same_period_again_replaces_the_limit(api: ManagementClient, key: NewKey):  # noqa: F811
    for limit in (10, 20):
        api.ok("POST", PATH, {"keyId": key.record.pk, "limit": limit, "period": "daily"})
    api.ok("POST", PATH, {"keyId": "laptop", "limit": 1000, "period": "daily", "unit": "tokens"})
    assert [(row.unit, int(row.limit)) for row in Budget.objects.all()] == [("usd", 20), ("tokens", 1000)]


def test_the_older_spelling(api: ManagementClient, key: NewKey):  # noqa: F811
    used(key.record, timezone.now())
    id = str(key.record.pk)
    body = {"apiKeyId": id, "dailyLimitUsd": 0.3, "monthlyLimitUsd": 5, "warningThreshold": 0.5}
    saved = api.ok("POST", PATH, body)
    assert (saved["success"], saved["apiKeyId"], saved["dailyLimitUsd"]) == (True, id, 0.3)
    shown = api.ok("GET", f"{PATH}?apiKeyId={id}")
    assert (shown["dailyTotal"], shown["monthlyTotal"], shown["totalEntries"]) == (0.25, 0.25, 1)
    assert shown["budget"] == {"dailyLimitUsd": 0.3, "weeklyLimitUsd": None, "monthlyLimitUsd": 5.0}
    assert shown["budgetCheck"] == {
        "allowed": True, "reason": None, "dailyUsed": 0.25, "dailyLimit": 0.3, "warningReached": True,
    }  # fmt: skip


def test_the_older_limits_are_usd_whatever_the_new_one_is(api: ManagementClient, key: NewKey):  # noqa: F811
    body = {"keyId": "laptop", "limit": 5000, "period": "daily", "unit": "tokens", "dailyLimitUsd": 2}
    made = api.ok("POST", PATH, body)["budgets"]
    assert [(each["unit"], each["limit"]) for each in made] == [("usd", 2.0), ("tokens", 5000.0)]


def test_a_key_that_spent_its_budget_is_not_allowed(api: ManagementClient, key: NewKey):  # noqa: F811
    used(key.record, timezone.now())
    api.ok("POST", PATH, {"keyId": "laptop", "limit": 0.25, "period": "daily"})
    check = api.ok("GET", f"{PATH}?apiKeyId={key.record.pk}")["budgetCheck"]
    assert (check["allowed"], check["reason"]) == (False, "The daily budget is spent")


def test_budgets_of_accounts_and_of_the_whole_gateway(api: ManagementClient):  # noqa: F811
    account = Account.objects.create(provider="glm", name="work", api_key="k")
    api.ok("POST", PATH, {"connectionId": account.pk, "limit": 5, "period": "weekly"})
    api.ok("POST", PATH, {"scope": "gateway", "limit": 100, "period": "once", "unit": "requests"})
    first, second = api.ok("GET", PATH)["budgets"]
    assert (first["scope"], first["connectionName"]) == ("account", "work")
    assert (second["scope"], second["nextResetAt"]) == ("gateway", None)


def test_a_name_that_several_keys_have_is_refused_as_such(api: ManagementClient, key: NewKey):  # noqa: F811
    create_api_key("laptop")
    status, body = api.call("POST", PATH, {"keyId": "laptop", "limit": 5})
    assert status == 400
    assert body["error"]["message"] == "Several API keys are called 'laptop': give the id of one"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"keyId": "nobody", "limit": 5}, 404, "keyId"),
        ({"keyId": 1, "limit": 5}, 404, "keyId"),
        ({"connectionId": 99, "limit": 5}, 404, "connectionId"),
        ({"limit": 5}, 400, "keyId"),
        ({"keyId": "laptop"}, 400, "limit"),
        ({"keyId": "laptop", "limit": 0}, 400, "limit"),
        ({"keyId": "laptop", "limit": -5}, 400, "limit"),
        ({"keyId": "laptop", "limit": "much"}, 400, "limit"),
        ({"keyId": "laptop", "limit": 5, "period": "hourly"}, 400, "period"),
        ({"keyId": "laptop", "limit": 5, "timeZone": "Mars/Base"}, 400, "timeZone"),
        ({"apiKeyId": "laptop", "dailyLimitUsd": 0}, 400, "dailyLimitUsd"),
        ({"keyId": "laptop", "limit": 5, "warningThreshold": 7}, 400, "warningThreshold"),
        ({"keyId": "laptop", "limit": 5, "resetTime": "06:00"}, 400, "resetTime"),
        ({"keyId": "laptop", "connectionId": 99, "limit": 5}, 400, "keyId"),
        ({"keyId": "laptop", "scope": "gateway", "limit": 5}, 400, "keyId"),
        ({"keyId": "laptop", "scope": "account", "limit": 5}, 400, "keyId"),
    ],
)
def test_what_cannot_be_is_refused(
    api: ManagementClient,  # noqa: F811
    key: NewKey,
    body: dict[str, object],
    status: int,
    field: str,
):
    if body.get("keyId") == 1:
        body["keyId"] = key.record.pk + 1000
    assert api.error("POST", PATH, body) == (status, field)
    assert not Budget.objects.exists()


def test_nan_is_no_limit(api: ManagementClient, key: NewKey):  # noqa: F811
    status, _ = api.call("POST", PATH, b'{"keyId": "laptop", "limit": NaN, "period": "daily"}')
    assert status == 400


def test_an_unknown_key_has_no_status(api: ManagementClient):  # noqa: F811
    assert api.error("GET", f"{PATH}?apiKeyId=nobody")[0] == 404


def test_budgets_are_deleted_one_by_one_or_by_key(api: ManagementClient, key: NewKey):  # noqa: F811
    ids = [
        api.ok("POST", PATH, {"keyId": "laptop", "limit": 5, "period": period})["budget"]["id"]
        for period in ("daily", "weekly", "monthly")
    ]
    assert api.ok("DELETE", f"{PATH}/{ids[0]}") == {"success": True, "deleted": 1}
    assert api.error("DELETE", f"{PATH}/{ids[0]}")[0] == 404
    assert api.ok("DELETE", f"{PATH}?keyId=laptop&period=weekly")["deleted"] == 1
    assert api.ok("DELETE", f"{PATH}?apiKeyId={key.record.pk}")["deleted"] == 1
    assert api.error("DELETE", PATH) == (400, "id")
    assert api.error("DELETE", f"{PATH}?keyId=laptop&period=hourly") == (400, "period")


def test_the_holder_of_a_key_sees_its_own_figures_and_no_others(api: ManagementClient, key: NewKey):  # noqa: F811
    used(key.record, timezone.now(), tokens=30)
    used(create_api_key("other").record, timezone.now())
    api.ok("POST", PATH, {"keyId": "laptop", "limit": 1, "period": "daily"})
    api.ok("POST", PATH, {"scope": "gateway", "limit": 100, "period": "daily"})
    me = ManagementClient(key.secret).ok("GET", "/api/usage/me")
    assert (me["name"], me["allowed"]) == ("laptop", True)
    assert me["today"] == {"costUsd": 0.25, "tokens": 30, "requests": 1}
    (own,) = me["budgets"]
    assert (own["limit"], own["used"], own["remaining"]) == (1.0, 0.25, 0.75)


def test_a_key_of_scope_use_may_see_itself_and_nothing_else(key: NewKey):
    holder = ManagementClient(key.secret)
    assert holder.call("GET", "/api/usage/me")[0] == 200
    assert holder.call("GET", PATH)[0] == 403
    assert ManagementClient("wrong").call("GET", "/api/usage/me")[0] == 401
    assert ManagementClient().call("GET", "/api/usage/me")[0] == 401


def test_the_limit_keeps_its_digits(api: ManagementClient, key: NewKey):  # noqa: F811
    api.ok("POST", PATH, {"keyId": "laptop", "limit": "0.000001", "period": "daily"})
    assert Budget.objects.get().limit == Decimal("0.000001")
