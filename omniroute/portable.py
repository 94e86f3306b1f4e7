"""Configuration as plain JSON values, with names instead of primary keys, so that it means the same elsewhere.

    portable("combo", "combos", Combo, key=("name",), children={"targets": ("model", "weight")})

Each app says in its `portable.py` which of its models travel. What reads and writes them (`read`, `write`, `delete`)
knows none of them. Encrypted columns are plain here: whoever takes the values out of the process seals them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.module_loading import autodiscover_modules

from omniroute.crypto import Unreadable
from omniroute.types import JSONDict

Save = Callable[[Any], None]
Refers = Callable[[Mapping[str, Any]], str]
"""From a row's fields to the kind of row that one of them names; "": a plain value."""


@dataclass(frozen=True, slots=True)
class Portable:
    """One kind of thing. A model may have several, of which all but one are `part_of` another."""

    kind: str
    group: str
    model: type[models.Model]
    key: tuple[str, ...]
    """Fields that name a row everywhere; none: settings of one row."""
    fields: tuple[str, ...]
    """Those of the key are among them."""
    children: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Rows that belong to it, by their related name: in order, replaced as a whole."""
    refers: Mapping[str, Refers] = field(default_factory=dict)
    part_of: str = ""
    save: Save = models.Model.save


_kinds: dict[str, Portable] = {}


@cache
def kinds() -> dict[str, Portable]:
    """All, in an order in which they can be written: what is referred to comes first."""
    autodiscover_modules("portable")
    ordered = sorted(_kinds.values(), key=lambda each: (bool(each.refers), bool(each.part_of)))
    return {each.kind: each for each in ordered}


def portable(
    kind: str,
    group: str,
    model: type[models.Model],
    *,
    key: tuple[str, ...] = (),
    fields: tuple[str, ...] = (),
    leave_out: tuple[str, ...] = (),
    **more: Any,
) -> None:
    """Register. Without `fields`: all columns but the primary key, times that the database sets, and `leave_out`."""
    found = fields or tuple(
        column.name
        for column in model._meta.concrete_fields
        if column.name not in leave_out
        and not getattr(column, "auto_now", False)
        and not getattr(column, "auto_now_add", False)
        and (not column.primary_key or column.name in key)
    )
    _kinds[kind] = Portable(kind, group, model, key, found, **more)


def read(kind: str) -> Iterator[tuple[str, JSONDict, models.Model]]:
    """(key, fields, row) of every row of the kind."""
    found = kinds()[kind]
    rows = found.model._default_manager.order_by("pk").prefetch_related(*found.children)
    for row in rows:
        yield key_of(row, kind), fields_of(row, kind), row


def key_of(row: models.Model, kind: str) -> str:
    """Parts are divided by a slash, which only the last one may hold."""
    found = kinds()[kind]
    outward = {name: _outward(found, row, name) for name in found.key}
    return "/".join(str(outward[name]) for name in found.key)


def fields_of(row: models.Model, kind: str) -> JSONDict:
    found = kinds()[kind]
    values = {name: _outward(found, row, name) for name in found.fields}
    for related, names in found.children.items():
        children = getattr(row, related).all()
        values[related] = [{name: _plain(getattr(child, name)) for name in names} for child in children]
    return values


def is_readable(row: models.Model, kind: str) -> bool:
    """False where a secret of it was encrypted under a key that this installation does not have."""
    return not any(isinstance(getattr(row, name), Unreadable) for name in kinds()[kind].fields)


def find(kind: str, key: str) -> models.Model | None:
    found = kinds()[kind]
    if not found.key:
        return found.model._default_manager.first()
    parts = key.split("/", len(found.key) - 1)
    if len(parts) != len(found.key):
        return None
    try:
        values = _inward(found, dict(zip(found.key, parts, strict=True)))
    except ValidationError:
        return None
    return found.model._default_manager.filter(**values).first()


def write(kind: str, key: str, fields: JSONDict) -> models.Model:
    """Make or change the row of this key. Fields that this version does not know are passed over, those that are not
    given stay as they are. Raise `ValidationError`, whose words name what is wrong."""
    found = kinds()[kind]
    row = find(kind, key)
    if row is None:
        if found.part_of:
            raise ValidationError(f"There is no {found.part_of} {key}")
        row = found.model()
    for name, value in _inward(found, {n: fields[n] for n in found.fields if n in fields}).items():
        setattr(row, name, value)
    row.full_clean()
    found.save(row)
    for related, names in found.children.items():
        if related in fields:
            _replace_children(row, related, names, fields[related])
    return row


def delete(kind: str, key: str) -> bool:
    row = find(kind, key)
    if row is None:
        return False
    row.delete()
    return True


def _replace_children(
    row: models.Model, related: str, names: tuple[str, ...], wanted: list[JSONDict]
) -> None:
    manager = getattr(row, related)
    current = [{name: _plain(getattr(child, name)) for name in names} for child in manager.all()]
    if current == [{name: each.get(name) for name in names} for each in wanted]:
        return
    for child in manager.all():
        child.delete()
    for position, each in enumerate(wanted):
        child = manager.model(position=position, **{manager.field.name: row})
        for name in names:
            if name in each:
                setattr(child, name, manager.model._meta.get_field(name).to_python(each[name]))
        child.full_clean()
        child.save()


def _outward(found: Portable, row: models.Model, name: str) -> Any:
    refers = found.refers.get(name)
    value = getattr(row, found.model._meta.get_field(name).attname)  # type: ignore[union-attr]
    kind = refers(vars(row)) if refers else ""
    if not kind or value in (None, ""):
        return _plain(value)
    target = kinds()[kind].model._default_manager.filter(pk=value).first()
    return key_of(target, kind) if target else ""


def _inward(found: Portable, values: JSONDict) -> JSONDict:
    """Of `fields` to what the model's attributes hold."""
    inward: JSONDict = {}
    for name, value in values.items():
        column = found.model._meta.get_field(name)
        refers = found.refers.get(name)
        kind = refers(values) if refers else ""
        if kind and value not in (None, ""):
            target = find(kind, str(value))
            if target is None:
                raise ValidationError(f"There is no {kind} {value}")
            value = target.pk
        if isinstance(column, models.ForeignKey):
            inward[column.attname] = value or None
        elif isinstance(column, models.JSONField):
            inward[name] = value
        else:
            inward[name] = column.to_python(value)  # type: ignore[union-attr]
    return inward


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value
