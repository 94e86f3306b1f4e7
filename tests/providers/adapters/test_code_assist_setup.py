"""Finding and making an account's Google Cloud project, over sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from omniroute.errors import UpstreamBroken, UpstreamRefused
from providers import catalog
from providers.adapters import code_assist_setup as setup
from providers.config import AccountConfig
from providers.models import Account
from tests.vendors.chat import TOKEN, CodeAssistChat
from tests.vendors.framework import Reply, running

pytestmark = pytest.mark.django_db(transaction=True)
SPEC = catalog.load()["gemini-cli"]
LOAD, ONBOARD = "POST /v1internal:loadCodeAssist", "POST /v1internal:onboardUser"


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[CodeAssistChat]:
    monkeypatch.setattr(setup, "POLL_S", 0.01)
    monkeypatch.setattr(setup, "_found", {})
    with running(CodeAssistChat()) as vendor:
        yield vendor


async def discover(vendor: CodeAssistChat, project: str = "") -> str:
    return (await setup.discover(TOKEN, f"{vendor.url}/v1internal", project)).project


async def test_an_account_that_is_known_has_a_project(vendor: CodeAssistChat) -> None:
    assert await discover(vendor) == "proj-42"
    assert vendor.calls(ONBOARD) == []


async def test_a_new_account_is_onboarded_and_waited_for(vendor: CodeAssistChat) -> None:
    vendor.steps_to_onboard = 3
    assert await discover(vendor, "mine") == "proj-42"
    (asked,) = vendor.calls(ONBOARD)
    assert asked.json["tierId"] == "free-tier"
    assert "cloudaicompanionProject" not in asked.json
    assert len(vendor.calls("GET /v1internal/operations/1")) == 3


async def test_onboarding_that_never_ends_is_given_up(vendor: CodeAssistChat) -> None:
    vendor.steps_to_onboard = 1000
    with pytest.raises(UpstreamBroken, match="did not come to its end"):
        await discover(vendor)


async def test_the_operators_project_is_onboarded_before_its_first_use_and_told_once(
    vendor: CodeAssistChat,
) -> None:
    vendor.steps_to_onboard, vendor.free = 1, False
    row = await Account.objects.acreate(
        provider="gemini-cli", name="a", api_key=TOKEN, provider_data={"project": "mine"}
    )
    account = AccountConfig(
        id=row.pk, provider="gemini-cli", name="a", api_key=TOKEN, base_url=vendor.url,
        provider_data=row.provider_data,
    )  # fmt: skip
    assert (await setup.ready(account, SPEC)).provider_data["project"] == "mine"
    (asked,) = vendor.calls(ONBOARD)
    assert asked.json == {
        "tierId": "legacy-tier",
        "cloudaicompanionProject": "mine",
        "metadata": {**setup.METADATA, "duetProject": "mine"},
    }
    await row.arefresh_from_db()
    assert row.provider_data == {"project": "mine", "onboarded": "mine"}
    later = replace(account, provider_data=row.provider_data)
    assert await setup.ready(later, SPEC) is later
    another = replace(later, provider_data={**row.provider_data, "project": "other"})
    assert (await setup.ready(another, SPEC)).provider_data["project"] == "other"
    assert len(vendor.calls(LOAD)) == 2


async def test_a_projects_number_is_no_id(vendor: CodeAssistChat) -> None:
    with pytest.raises(UpstreamRefused, match="enter the project's id"):
        await discover(vendor, "123456")
    assert vendor.asked == []


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (
            {
                "allowedTiers": [{"id": "free-tier", "isDefault": True}],
                "ineligibleTiers": [
                    {"reasonCode": "UNKNOWN", "reasonMessage": "No."},
                    {
                        "reasonCode": "VALIDATION_REQUIRED",
                        "reasonMessage": "Verify yourself.",
                        "validationUrl": "https://v",
                    },
                ],
            },
            403,
            r"Verify yourself\. https://v",
        ),
        ({"currentTier": {"id": "standard-tier"}}, 403, "needs a Google Cloud project"),
        (
            {
                "allowedTiers": [{"id": "standard-tier"}],
                "ineligibleTiers": [{"reasonCode": "RESTRICTED_AGE", "reasonMessage": "Too young."}],
            },
            403,
            "Too young",
        ),
        ({"error": {"code": 403, "message": "no longer supported"}}, 403, "no longer supported"),
    ],
)
async def test_what_hinders_is_told(vendor: CodeAssistChat, answer: object, status: int, said: str) -> None:
    vendor.fail(LOAD, Reply(status if "error" in str(answer) else 200, answer))
    with pytest.raises(UpstreamRefused, match=said) as refused:
        await discover(vendor)
    assert refused.value.status == status


@pytest.mark.parametrize(
    "answer", [[], "text", {"currentTier": 7}, {"allowedTiers": "x"}, {"allowedTiers": [1]}]
)
async def test_odd_answers_are_errors_of_the_provider(vendor: CodeAssistChat, answer: object) -> None:
    vendor.fail(LOAD, Reply(200, answer))
    vendor.fail(ONBOARD, Reply(200, {"done": True, "response": []}))
    with pytest.raises((UpstreamBroken, UpstreamRefused)):
        await discover(vendor)


async def test_a_perimeter_that_forbids_the_question_leaves_the_operators_project(
    vendor: CodeAssistChat,
) -> None:
    vendor.fail(LOAD, Reply(403, {"error": {"message": "SECURITY_POLICY_VIOLATED"}}))
    assert await discover(vendor, "mine") == "mine"


async def test_many_requests_ask_once_and_the_project_is_kept(vendor: CodeAssistChat) -> None:
    row = await Account.objects.acreate(provider="gemini-cli", name="a", api_key=TOKEN)
    account = AccountConfig(id=row.pk, provider="gemini-cli", name="a", api_key=TOKEN, base_url=vendor.url)
    ready = await asyncio.gather(*(setup.ready(account, SPEC) for _ in range(20)))
    assert {each.provider_data["project"] for each in ready} == {"proj-42"}
    assert len(vendor.calls(LOAD)) == 1
    await row.arefresh_from_db()
    assert row.provider_data == {"project": "proj-42", "onboarded": "proj-42"}
    assert row.plan == "Gemini Code Assist Standard"
    assert (await setup.ready(account, SPEC)).provider_data["project"] == "proj-42"
    assert len(vendor.calls(LOAD)) == 1
