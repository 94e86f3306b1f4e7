"""Proxy entries by the names that people use for what they apply to. Above `providers`, since combos are among it."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.db.models.signals import post_delete

from combos.models import Combo
from omniroute.errors import InvalidRequest
from omniroute.redact import MASK
from omniroute.schema import row_id
from omniroute.types import JSONDict
from providers.accounts import find_spec
from providers.models import Account, ProviderNode, ProxyRule
from providers.proxies import Proxy

_MASKS = frozenset("*•…")


def target_of(level: str, id: str) -> str:
    """What a rule of this level stores for a provider's id or prefix, a combo's name or id, an account's id.

    Raise `InvalidRequest` for what is not there.
    """
    if level == ProxyRule.Level.GLOBAL:
        return ""
    if not id:
        raise InvalidRequest(f"The level {level!r} needs an id", param="id")
    if level == ProxyRule.Level.PROVIDER:
        if spec := find_spec(id):
            return spec.id
    elif level == ProxyRule.Level.COMBO:
        if found := _combo(id):
            return str(found.pk)
    elif account := Account.objects.filter(pk=row_id(id)).first():
        return str(account.pk)
    kind = {"provider": "provider", "combo": "combo", "key": "connection"}[level]
    raise InvalidRequest(f"There is no {kind} {id!r}", param="id")


def _combo(id: str) -> Combo | None:
    return Combo.objects.filter(name=id).first() or Combo.objects.filter(pk=row_id(id)).first()


def find_rule(level: str, target: str) -> ProxyRule | None:
    return ProxyRule.objects.filter(level=level, target=target).first()


def store(level: str, target: str, proxy: Proxy | None) -> None:
    """Put the entry in place, or remove it where `proxy` is None. Raise `ValidationError`."""
    rule = find_rule(level, target)
    if proxy is None:
        if rule:
            rule.delete()
        return
    rule = rule or ProxyRule(level=level, target=target)
    password = rule.password if is_masked(proxy.password) else proxy.password
    rule.kind, rule.host, rule.port = proxy.kind, proxy.host, proxy.port or None
    rule.username, rule.password = proxy.username, password
    rule.full_clean()
    rule.save()


def is_masked(password: str) -> bool:
    """Is this what the API showed, or a row of stars, rather than a password?"""
    return "…" in password or (bool(password) and set(password) <= _MASKS)


def unmasked(proxy: Proxy) -> str:
    """The password of the stored entry that `proxy` was copied from, where its own is masked."""
    if not is_masked(proxy.password):
        return proxy.password
    same = ProxyRule.objects.filter(
        kind=proxy.kind, host=proxy.host, port=proxy.port, username=proxy.username
    ).first()
    return same.password if same else ""


def shown(proxy: Proxy | None) -> JSONDict | None:
    """The entry as the API shows it."""
    if proxy is None or proxy.is_direct:
        return {"type": "direct"} if proxy else None
    entry: JSONDict = {"type": proxy.kind, "host": proxy.host, "port": proxy.port}
    if proxy.username:
        entry["username"] = proxy.username
    if proxy.password:
        entry["password"] = MASK
    return entry


_LEVELS: dict[type[Model], str] = {Account: "key", Combo: "combo", ProviderNode: "provider"}


def watch_models() -> None:
    """Entries go with what they are for."""
    for model in _LEVELS:
        post_delete.connect(_forget, sender=model, dispatch_uid=f"proxy-entries-{model.__name__}")


def _forget(sender: type[Model], instance: Model, **kwargs: Any) -> None:
    store(_LEVELS[sender], str(instance.pk), None)


def everything() -> JSONDict:
    """All entries: providers by id, combos by name, accounts by id."""
    found: JSONDict = {"global": None, "providers": {}, "combos": {}, "keys": {}}
    names = {str(pk): name for pk, name in Combo.objects.values_list("pk", "name")}
    for rule in ProxyRule.objects.all():
        entry = shown(rule.proxy)
        if rule.level == ProxyRule.Level.GLOBAL:
            found["global"] = entry
        elif rule.level == ProxyRule.Level.COMBO:
            found["combos"][names.get(rule.target, rule.target)] = entry
        else:
            found["providers" if rule.level == ProxyRule.Level.PROVIDER else "keys"][rule.target] = entry
    return found
