"""The overlay file: a TOML file of the user's own that changes built-in providers and adds others.

`docs/providers-overlay.md` describes it. Typed by the dataclasses of `spec` themselves, so every field of
theirs can be set, and nothing else can.
"""

from __future__ import annotations

import re
import tomllib
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from django.core.exceptions import ImproperlyConfigured

from providers import problems
from providers.endpoints import rebase
from providers.spec import Endpoint, ModelSpec, ProviderSpec

_SHORT_FORMS = ("base_url", "auth", "headers", "format")
"""Keys of a provider that mean its endpoints."""
_LIST_KEYS = ("add", "remove")
_SAID = {
    "str": "a text",
    "bool": "a boolean",
    "int": "a whole number",
    "float": "a number",
    "list": "a list",
    "array": "a list",
    "dict": "a table",
    "object": "a table",
}


class BadValue(Exception):
    """A value that cannot be. `path` leads to it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def apply(specs: Mapping[str, ProviderSpec], file: Path) -> dict[str, ProviderSpec]:
    """`specs` as the file changes them; as they are where there is no such file.

    Raises `ImproperlyConfigured`, naming file, key and reason.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return dict(specs)
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{file}: cannot be read: {error}") from None
    try:
        return _merge(specs, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ImproperlyConfigured(f"{file}: not valid TOML: {error}") from None
    except BadValue as error:
        raise ImproperlyConfigured(f"{file}: {error}") from None


def _merge(specs: Mapping[str, ProviderSpec], document: dict[str, Any]) -> dict[str, ProviderSpec]:
    _only(document, ("providers",), "")
    tables = _table(document.get("providers", {}), "providers")
    merged = dict(specs)
    for id, table in tables.items():
        path = f"providers.{id}"
        merged[id] = _provider(merged.get(id), id, _table(table, path), path)
        for where, reason in problems.of_spec(merged[id]):
            raise BadValue(f"{path}.{where}", reason)
    for id, (where, reason) in problems.of_names(merged):
        raise BadValue(f"providers.{id}.{where}", reason)
    return merged


def _provider(spec: ProviderSpec | None, id: str, table: dict[str, Any], path: str) -> ProviderSpec:
    known = [field.name for field in fields(ProviderSpec) if field.name != "id"]
    _only(table, (*known, *_SHORT_FORMS), path)
    if spec is None:
        spec = ProviderSpec(id=id, name=id, endpoints=())
    if "endpoints" in table:
        endpoints = _sequence(spec.endpoints, table["endpoints"], Endpoint, f"{path}.endpoints")
        spec = replace(spec, endpoints=endpoints)
    spec = replace(spec, endpoints=_short_forms(spec.endpoints, table, path))
    for name in known:
        if name in table and name != "endpoints":
            current = getattr(spec, name)
            spec = replace(spec, **{name: _field(name, current, table[name], f"{path}.{name}")})
    return spec


def _short_forms(endpoints: tuple[Endpoint, ...], table: dict[str, Any], path: str) -> tuple[Endpoint, ...]:
    changes = {
        name: _convert(table[name], _types(Endpoint)[name], f"{path}.{name}")
        for name in _SHORT_FORMS
        if name in table
    }
    base_url = changes.pop("base_url", None)
    if base_url is not None:
        if not problems.is_base_url(base_url):
            raise BadValue(
                f"{path}.base_url", f"{base_url!r} is not an address such as https://api.example.com/v1"
            )
        endpoints = (
            rebase(endpoints, base_url) if endpoints else (Endpoint(format="openai_chat", base_url=base_url),)
        )
    if "headers" in changes:
        headers = changes.pop("headers")
        endpoints = tuple(replace(each, headers={**each.headers, **headers}) for each in endpoints)
    return tuple(replace(each, **changes) for each in endpoints) if changes else endpoints


def _field(name: str, current: Any, value: Any, path: str) -> Any:
    """One field's new value: dataclasses and mappings are merged, sequences replaced or changed."""
    wanted = _types(ProviderSpec)[name]
    if is_dataclass(current) and not isinstance(current, type):
        changes = {
            key: _convert(item, _types(type(current)).get(key, Any), f"{path}.{key}")
            for key, item in _known(value, type(current), path).items()
        }
        return replace(current, **changes)
    if isinstance(current, Mapping):
        return {**current, **_convert(value, wanted, path)}
    if isinstance(current, tuple):
        return _sequence(current, value, typing.get_args(wanted)[0], path)
    return _convert(value, wanted, path)


def _sequence(current: tuple[Any, ...], value: Any, kind: type, path: str) -> tuple[Any, ...]:
    """A list replaces the sequence; `{add = [...], remove = [...]}` changes it. An id is replaced."""
    if not isinstance(value, dict):
        return _items(value, kind, path)
    _only(value, _LIST_KEYS, path)
    added = _items(value.get("add", []), kind, f"{path}.add")
    removed = _items(value.get("remove", []), str, f"{path}.remove")
    names = [_name(item) for item in current]
    for name in removed:
        if name not in names:
            raise BadValue(f"{path}.remove", f"there is no {name!r}")
    gone = {*removed, *filter(None, map(_name, added))}
    return (*(item for item, name in zip(current, names, strict=True) if name not in gone), *added)


def _name(item: Any) -> str:
    """What an entry can be replaced or removed by; "" where it has no name."""
    if isinstance(item, Endpoint):
        return item.base_url
    return item if isinstance(item, str) else getattr(item, "id", "")


def _items(value: Any, kind: type, path: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise BadValue(path, f"expected a list, got {_said(value)}")
    short: Callable[[Any], Any] = (lambda item: {"id": item}) if kind is ModelSpec else (lambda item: item)
    return tuple(
        _convert(short(item) if isinstance(item, str) else item, kind, f"{path}[{index}]")
        for index, item in enumerate(value)
    )


def _convert(value: Any, wanted: Any, path: str) -> Any:
    if is_dataclass(wanted) and isinstance(wanted, type):
        _known(value, wanted, path)
    try:
        return msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at `$")
        inner = where.rstrip("`").replace("[...]", "")
        raise BadValue(path + inner, _plain(reason, wanted)) from None


def _plain(reason: str, wanted: Any) -> str:
    """msgspec's reason in a user's words."""
    if not reason.startswith("Invalid enum value"):
        reason = re.sub(r"`([\w |]+)`(?=,| *$)", lambda found: _words(found[1]), reason)
        return reason[0].lower() + reason[1:]
    found = re.search(r"'(.*)'", reason)
    literals = [
        kind for kind in (wanted, *_member_types(wanted)) if typing.get_origin(kind) is typing.Literal
    ]
    choices = [str(choice) for kind in literals for choice in typing.get_args(kind)]
    return f"unknown value {found[0] if found else ''}; known: {', '.join(choices)}"


def _words(types: str) -> str:
    return " or ".join(_SAID[name] for name in types.split(" | ") if name in _SAID) or f"`{types}`"


def _member_types(wanted: Any) -> list[Any]:
    return list(_types(wanted).values()) if is_dataclass(wanted) and isinstance(wanted, type) else []


@cache
def _types(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _known(value: Any, kind: type, path: str) -> dict[str, Any]:
    """A table with keys of this dataclass only, none of its required ones missing when it is made anew."""
    table = _table(value, path)
    _only(table, tuple(field.name for field in fields(kind)), path)
    return table


def _only(table: dict[str, Any], known: tuple[str, ...], path: str) -> None:
    for name in table:
        if name not in known:
            raise BadValue(f"{path}.{name}".lstrip("."), f"unknown key; known: {', '.join(known)}")


def _table(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadValue(path, f"expected a table, got {_said(value)}")
    return value


def _said(value: Any) -> str:
    return _SAID.get(type(value).__name__, type(value).__name__)
