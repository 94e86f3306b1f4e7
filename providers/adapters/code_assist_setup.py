"""Which Google Cloud project an account's requests belong to, and its onboarding (docs/protocol-notes.md, Gemini CLI).

Asked once for an account: the answer is kept in its provider data. While it is asked, others wait for the same answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
from asgiref.sync import sync_to_async

from omniroute.errors import UpstreamBroken, UpstreamError, UpstreamRefused, UpstreamUnreachable
from providers import reach
from providers.endpoints import choose_endpoint

if TYPE_CHECKING:
    from providers.config import AccountConfig
    from providers.spec import ProviderSpec

PROJECT = "project"
"""In an account's provider data: found here, or given by the operator, which paid tiers demand."""
POLL_S = 5.0
MAX_POLLS = 12
FREE_TIER = "free-tier"
STANDARD_TIER = "standard-tier"
_METADATA = {"ideType": "IDE_UNSPECIFIED", "platform": "PLATFORM_UNSPECIFIED", "pluginType": "GEMINI"}
_under_way: dict[int, asyncio.Task[str]] = {}
_found: dict[int, str] = {}
"""Of this process, until the configuration brings it."""


async def ready(account: AccountConfig, spec: ProviderSpec) -> AccountConfig:
    """The account with its project. Raise `UpstreamError`, saying what the operator has to do."""
    if account.provider_data.get(PROJECT):
        return account
    project = _found.get(account.id) or await _once(account, spec)
    return replace(account, provider_data={**account.provider_data, PROJECT: project})


async def _once(account: AccountConfig, spec: ProviderSpec) -> str:
    task = _under_way.get(account.id)
    if task is None:
        task = _under_way[account.id] = asyncio.create_task(_discover_and_keep(account, spec))
        task.add_done_callback(lambda _: _under_way.pop(account.id, None))
    return await asyncio.shield(task)


async def _discover_and_keep(account: AccountConfig, spec: ProviderSpec) -> str:
    address = choose_endpoint(spec, base_url=account.base_url).base_url
    project = await discover(account.api_key, address, account_id=account.id)
    if project and account.id:
        _found[account.id] = project
        await sync_to_async(_keep)(account.id, project)
    return project


def _keep(account: int, project: str) -> None:
    from providers.models import Account

    row = Account.objects.filter(pk=account).first()
    if row is not None and not row.provider_data.get(PROJECT):
        row.provider_data = {**row.provider_data, PROJECT: project}
        row.save(update_fields=["provider_data"])


async def discover(token: str, address: str, project: str = "", account_id: int = 0) -> str:
    """The project of a signed-in account, made for it where it has none. `project`: what the operator wants.

    Raise `UpstreamError`.
    """
    from providers import outgoing  # reads rows, which are made of the catalog, which names this

    try:
        async with outgoing.client(provider="gemini-cli", account_id=account_id) as http:
            http.headers["authorization"] = f"Bearer {token}"
            return await _discover(http, address, project)
    except httpx.HTTPError as error:
        raise UpstreamUnreachable(reach.explain(error, address)) from None


async def _discover(http: httpx.AsyncClient, address: str, project: str) -> str:
    wish = {"cloudaicompanionProject": project} if project else {}
    loaded = await _load(http, address, wish)
    known = _project_in(loaded)
    if isinstance(loaded.get("currentTier"), dict):
        if known or project:
            return known or project
        raise UpstreamRefused(
            "This account needs a Google Cloud project: enter its id as “project” in the account's data.",
            status=403,
            code="project_required",
        )
    tier = _tier(loaded)
    if tier == FREE_TIER:
        wish = {}  # the service makes one
    elif not project:
        raise _ineligible(loaded)
    operation = await _post(http, f"{address}:onboardUser", {"tierId": tier, **wish, "metadata": _METADATA})
    made = await _finished(http, address, operation)
    if not (found := _project_in(made) or project):
        raise _ineligible(loaded)
    return found


async def _load(http: httpx.AsyncClient, address: str, wish: dict[str, str]) -> dict[str, Any]:
    try:
        return await _post(
            http, f"{address}:loadCodeAssist", {**wish, "metadata": {**_METADATA, **_duet(wish)}}
        )
    except UpstreamRefused as error:
        if "SECURITY_POLICY_VIOLATED" not in error.message and b"SECURITY_POLICY_VIOLATED" not in error.body:
            raise
        return {"currentTier": {"id": STANDARD_TIER}}  # a company's perimeter forbids the question only


def _duet(wish: dict[str, str]) -> dict[str, str]:
    return {"duetProject": wish["cloudaicompanionProject"]} if wish else {}


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
    tiers = loaded.get("allowedTiers")
    known = [tier for tier in tiers if isinstance(tier, dict)] if isinstance(tiers, list) else []
    chosen = next((tier for tier in known if tier.get("isDefault") is True), known[0] if known else {})
    return str(chosen.get("id") or "legacy-tier")


def _ineligible(loaded: dict[str, Any]) -> UpstreamError:
    """Why, in Google's own words, and the link that helps."""
    reasons = loaded.get("ineligibleTiers")
    first = (
        next((each for each in reasons if isinstance(each, dict)), {}) if isinstance(reasons, list) else {}
    )
    said = str(first.get("reasonMessage") or "This account has no project, and Google makes none for it.")
    link = first.get("validationUrl")
    return UpstreamRefused(
        f"{said} {link}" if isinstance(link, str) else said,
        status=403,
        code=str(first.get("reasonCode") or "ineligible").lower(),
    )
