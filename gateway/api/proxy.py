"""Management API of proxies (docs/proxies.md). Level `key` is an account, by its connection id."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

import httpx
from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from ninja import Query, Router
from pydantic import BeforeValidator, Field, model_validator

from combos.models import Combo
from gateway.api import proxy_entries
from omniroute.errors import InvalidRequest, NotFound
from omniroute.schema import CamelModel, Line, Secret, StrictModel, row_id
from omniroute.types import JSONDict
from providers import outgoing, reach
from providers.endpoints import choose_endpoint
from providers.models import Account, spec_by_id
from providers.proxies import Proxy
from providers.proxies.models import load_proxies

router = Router(tags=["Settings"], by_alias=True)

Level = Literal["global", "provider", "combo", "key"]
TEST_TIMEOUT_S = 10.0
_MAPS: dict[str, Level] = {"providers": "provider", "combos": "combo", "keys": "key"}


class ProxyIn(StrictModel):
    """`direct` needs its type only. A masked password keeps the stored one."""

    type: Literal["http", "https", "socks5", "direct"]
    host: Line = ""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    username: Line = ""
    password: Secret = ""

    @model_validator(mode="after")
    def _whole(self) -> ProxyIn:
        if self.type != "direct" and not (self.host and self.port):
            raise ValueError("host and port are required")
        return self

    @property
    def proxy(self) -> Proxy:
        if self.type == "direct":
            return Proxy("direct")
        return Proxy(self.type, self.host, self.port or 0, self.username, self.password)


def _in_full(value: Any) -> Any:
    """`"direct"` for `{"type": "direct"}`; SOCKS5 resolves names at the proxy whatever it is called."""
    if value == "direct":
        return {"type": "direct"}
    if isinstance(value, dict) and value.get("type") == "socks5h":
        return {**value, "type": "socks5"}
    return value


Entry = Annotated[ProxyIn | None, BeforeValidator(_in_full)]


class ProxyChanges(StrictModel):
    """One entry (`level`, `id`, `proxy`), or any of the maps, which are merged. Null removes an entry."""

    level: Level | None = None
    id: Line | int | None = None
    proxy: Entry = None
    everywhere: Entry = Field(None, alias="global")
    providers: dict[Line, Entry] | None = None
    combos: dict[Line, Entry] | None = None
    keys: dict[Line, Entry] | None = None


class ProxyTestIn(StrictModel):
    proxy: Annotated[ProxyIn, BeforeValidator(_in_full)]


class ProxyTested(CamelModel):
    success: bool
    public_ip: str | None = None
    latency_ms: int | None = None
    proxy_url: str | None = None
    error: str | None = None


@router.get("/settings/proxy", response=dict)
def get_proxy(
    request: HttpRequest,
    level: Level | None = None,
    id: str = "",
    connection: Annotated[str, Query(alias="resolve")] = "",
    combo: str = "",
) -> JSONDict:
    """Every entry; with `level` (and `id`) that one; with `resolve` what requests of that connection go through,
    where `combo` names the combo that they come by."""
    if connection:
        return _resolved(connection, combo)
    if level is None:
        return proxy_entries.everything()
    rule = proxy_entries.find_rule(level, proxy_entries.target_of(level, id))
    return {"level": level, "id": id or None, "proxy": proxy_entries.shown(rule.proxy if rule else None)}


@router.put("/settings/proxy", response=dict)
def put_proxy(request: HttpRequest, body: ProxyChanges) -> JSONDict:
    """Answers with every entry."""
    given = body.model_fields_set
    maps = {name: getattr(body, name) for name in _MAPS if name in given}
    if body.level is None and "everywhere" not in given and not maps:
        raise InvalidRequest("Send level and proxy, or global, providers, combos or keys", param="level")
    changes: list[tuple[Level, str, ProxyIn | None]] = []
    if body.level is not None:
        changes.append((body.level, str(body.id or ""), body.proxy))
    if "everywhere" in given:
        changes.append(("global", "", body.everywhere))
    changes += [
        (_MAPS[name], id, entry) for name, entries in maps.items() for id, entry in (entries or {}).items()
    ]
    targets = [proxy_entries.target_of(level, id) for level, id, _ in changes]
    with transaction.atomic():
        for (level, _, entry), target in zip(changes, targets, strict=True):
            proxy_entries.store(level, target, entry.proxy if entry else None)
    return proxy_entries.everything()


@router.delete("/settings/proxy", response=dict)
def delete_proxy(request: HttpRequest, level: Level, id: str = "") -> JSONDict:
    """Delete the entry of a `level` and, but for the global one, an `id`."""
    proxy_entries.store(level, proxy_entries.target_of(level, id), None)
    return proxy_entries.everything()


@router.post("/settings/proxy/test", response=ProxyTested, exclude_none=True)
def check_proxy(request: HttpRequest, body: ProxyTestIn) -> ProxyTested:
    """Ask through this proxy which address the world sees. Nothing is stored."""
    entry = body.proxy.proxy
    proxy = Proxy(entry.kind, entry.host, entry.port, entry.username, proxy_entries.unmasked(entry))
    return async_to_sync(try_proxy)(proxy)


async def try_proxy(proxy: Proxy) -> ProxyTested:
    started = time.perf_counter()
    try:
        async with outgoing.through(proxy, TEST_TIMEOUT_S) as http:
            response = await http.get(settings.PROXY_TEST_URL)
        response.raise_for_status()
    except httpx.HTTPStatusError as error:
        return ProxyTested(success=False, error=f"The answer had status {error.response.status_code}")
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return ProxyTested(success=False, error=reach.explain(error, settings.PROXY_TEST_URL))
    body = reach.body_of(response)
    address = body.get("ip") if isinstance(body, dict) else response.text.strip()
    return ProxyTested(
        success=True,
        public_ip=str(address)[:60],
        latency_ms=round((time.perf_counter() - started) * 1000),
        proxy_url=proxy.shown,
    )


def _resolved(connection: str, combo: str) -> JSONDict:
    account = Account.objects.filter(pk=row_id(connection)).first()
    spec = spec_by_id(account.provider) if account else None
    if account is None or spec is None:
        raise NotFound("Connection not found", param="resolve")
    endpoint = choose_endpoint(
        spec, variant=account.variant, region=account.region, base_url=account.base_url
    )
    choice = load_proxies().choose(
        account=account.pk,
        combo=int(proxy_entries.target_of("combo", combo)) if combo else 0,
        provider=spec.id,
        url=endpoint.base_url,
    )
    name = choice.id
    if choice.level == "combo" and name:
        name = Combo.objects.values_list("name", flat=True).get(pk=int(name))
    return {"proxy": proxy_entries.shown(choice.proxy), "level": choice.level, "levelId": name}
