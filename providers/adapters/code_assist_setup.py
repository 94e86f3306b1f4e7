"""Which Google Cloud project an account's requests belong to, and its onboarding (docs/protocol-notes.md, Gemini CLI).

Asked once for an account: the answer is kept in its provider data. While it is asked, others wait for the same answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import httpx
from asgiref.sync import sync_to_async

from omniroute.errors import UpstreamBroken, UpstreamRefused, UpstreamUnreachable
from providers import outgoing, reach
from providers.config import AccountConfig
from providers.endpoints import choose_endpoint
from providers.models import Account
from providers.spec import ProviderSpec

PROJECT = "project"
"""In an account's provider data: found here, or given by the operator, which paid tiers demand."""
ONBOARDED = "onboarded"
"""Beside it: the project that Google was told of. Another one that the operator enters is onboarded anew."""
POLL_S = 5.0
MAX_POLLS = 12
FREE_TIER, LEGACY_TIER, STANDARD_TIER = "free-tier", "legacy-tier", "standard-tier"
METADATA = {"ideType": "IDE_UNSPECIFIED", "platform": "PLATFORM_UNSPECIFIED", "pluginType": "GEMINI"}
PERIMETER = "SECURITY_POLICY_VIOLATED"
"""A company's perimeter forbids the question only: it is taken for an answer."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an account's requests belong. `plan` is for people."""

    project: str
    plan: str = ""


_under_way: dict[tuple[int, str], asyncio.Task[Place]] = {}
_found: dict[tuple[int, str], Place] = {}
"""By account and the project that its operator wants; of this process, until the configuration brings it."""


async def ready(account: AccountConfig, spec: ProviderSpec) -> AccountConfig:
    """The account with its project. Raise `UpstreamError`, saying what the operator has to do."""
    data = account.provider_data
    wish = str(data.get(PROJECT) or "")
    if wish and data.get(ONBOARDED) == wish:
        return account
    place = _found.get((account.id, wish)) or await _once(account, spec, wish)
    return replace(account, provider_data={**data, PROJECT: place.project})


async def _once(account: AccountConfig, spec: ProviderSpec, wish: str) -> Place:
    key = (account.id, wish)
    task = _under_way.get(key)
    if task is None:
        task = _under_way[key] = asyncio.create_task(_discover_and_keep(account, spec, wish))
        task.add_done_callback(lambda _: _under_way.pop(key, None))
    return await asyncio.shield(task)


async def _discover_and_keep(account: AccountConfig, spec: ProviderSpec, wish: str) -> Place:
    address = choose_endpoint(spec, base_url=account.base_url).base_url
    place = await discover(account.api_key, address, wish, account.id)
    if account.id:
        _found[account.id, wish] = place
        await sync_to_async(_keep)(account.id, wish, place)
    return place


def _keep(account: int, wish: str, place: Place) -> None:
    """Unless the operator entered another project meanwhile."""
    row = Account.objects.filter(pk=account).first()
    if row is not None and str(row.provider_data.get(PROJECT) or "") == wish:
        row.provider_data = {**row.provider_data, PROJECT: place.project, ONBOARDED: place.project}
        row.plan = place.plan[:100] or row.plan
        row.save(update_fields=["provider_data", "plan"])


async def discover(token: str, address: str, wish: str = "", account_id: int = 0) -> Place:
    """The project of a signed-in account, made for it where it has none. `wish`: the operator's.

    Raise `UpstreamError`.
    """
    if wish.isdigit():
        raise UpstreamRefused(
            f"{wish} is a project's number: enter the project's id as “project” in the account's data.",
            status=403,
            code="project_required",
        )
    try:
        async with outgoing.client(provider="gemini-cli", account_id=account_id) as http:
            http.headers["authorization"] = f"Bearer {token}"
            return await _discover(http, address, wish)
    except httpx.HTTPError as error:
        raise UpstreamUnreachable(reach.explain(error, address)) from None


async def _discover(http: httpx.AsyncClient, address: str, wish: str) -> Place:
    loaded = await _load(http, address, wish)
    if error := hindrance(loaded, wish):
        raise error
    if isinstance(loaded.get("currentTier"), dict):
        return Place(_project_in(loaded) or wish, plan_of(loaded))
    tier = _tier(loaded)
    own = "" if tier == FREE_TIER else wish  # the free tier's is made by the service, which refuses another
    operation = await _post(http, f"{address}:onboardUser", {"tierId": tier, **question(own)})
    made = await _finished(http, address, operation)
    if not (project := _project_in(made) or wish):
        raise _refusal(loaded)
    return Place(project, plan_of(loaded))


def question(wish: str = "") -> dict[str, Any]:
    """The body of `loadCodeAssist`, and most of `onboardUser`'s."""
    if not wish:
        return {"metadata": METADATA}
    return {"cloudaicompanionProject": wish, "metadata": {**METADATA, "duetProject": wish}}


async def _load(http: httpx.AsyncClient, address: str, wish: str) -> dict[str, Any]:
    try:
        return await _post(http, f"{address}:loadCodeAssist", question(wish))
    except UpstreamRefused as error:
        if PERIMETER not in error.message and PERIMETER.encode() not in error.body:
            raise
        return {"currentTier": {"id": STANDARD_TIER}}


def hindrance(loaded: dict[str, Any], wish: str) -> UpstreamRefused | None:
    """Why an account cannot be used as it is, by the answer to `loadCodeAssist`; None: it can, or can be onboarded."""
    if isinstance(loaded.get("currentTier"), dict):
        return None if _project_in(loaded) or wish else _refusal(loaded)
    for tier in _tiers(loaded, "ineligibleTiers"):
        if tier.get("reasonCode") == "VALIDATION_REQUIRED" and tier.get("validationUrl"):
            return _told(tier)
    return None if wish or _tier(loaded) == FREE_TIER else _refusal(loaded)


def plan_of(loaded: dict[str, Any]) -> str:
    """The tier's name that people know, the paid one's first."""
    for name in ("paidTier", "currentTier"):
        tier = loaded.get(name)
        if isinstance(tier, dict) and isinstance(told := tier.get("name"), str) and told:
            return told
    return ""


async def _finished(http: httpx.AsyncClient, address: str, operation: dict[str, Any]) -> dict[str, Any]:
    """A long-running operation's response. Raise `UpstreamError` where it fails or takes too long."""
    for _ in range(MAX_POLLS):
        if operation.get("done") is True:
            if isinstance(error := operation.get("error"), dict):
                raise UpstreamRefused(f"Onboarding failed: {error.get('message')}", status=403)
            response = operation.get("response")
            return response if isinstance(response, dict) else {}
        name = operation.get("name")
        if not isinstance(name, str) or not name:
            raise UpstreamBroken("Google's onboarding answered without an operation")
        await asyncio.sleep(POLL_S)
        operation = await _checked(await http.get(f"{address}/{name}"))
    raise UpstreamBroken("Google's onboarding did not come to its end")


async def _post(http: httpx.AsyncClient, url: str, body: dict[str, Any]) -> dict[str, Any]:
    return await _checked(await http.post(url, json=body))


async def _checked(response: httpx.Response) -> dict[str, Any]:
    body = reach.body_of(response)
    if response.status_code >= 400:
        raise UpstreamRefused(
            reach.message_of(body) or f"Code Assist answered with status {response.status_code}",
            status=response.status_code,
            body=response.content,
            format="gemini",
        )
    if not isinstance(body, dict):
        raise UpstreamBroken("Code Assist answered with something that is no JSON object")
    return body


def _project_in(answer: dict[str, Any]) -> str:
    found = answer.get("cloudaicompanionProject")
    if isinstance(found, dict):
        found = found.get("id")
    return found if isinstance(found, str) else ""


def _tier(loaded: dict[str, Any]) -> str:
    chosen = next((tier for tier in _tiers(loaded, "allowedTiers") if tier.get("isDefault") is True), {})
    return str(chosen.get("id") or LEGACY_TIER)


def _tiers(loaded: dict[str, Any], name: str) -> list[dict[str, Any]]:
    tiers = loaded.get(name)
    return [tier for tier in tiers if isinstance(tier, dict)] if isinstance(tiers, list) else []


def _refusal(loaded: dict[str, Any]) -> UpstreamRefused:
    """Google's own reason, or that a project is missing."""
    for tier in _tiers(loaded, "ineligibleTiers"):
        return _told(tier)
    return UpstreamRefused(
        "This account needs a Google Cloud project: enter its id as “project” in the account's data.",
        status=403,
        code="project_required",
    )


def _told(tier: dict[str, Any]) -> UpstreamRefused:
    """In Google's own words, with the link that helps."""
    said = str(tier.get("reasonMessage") or "Google does not serve this account.")
    link = tier.get("validationUrl")
    return UpstreamRefused(
        f"{said} {link}" if isinstance(link, str) else said,
        status=403,
        code=str(tier.get("reasonCode") or "ineligible").lower(),
    )
