"""What can be wrong with a provider whose types are right: for the overlay and for the catalog itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from providers import quirks
from providers.credentials import PRIVATE, is_header
from providers.meanings import RESET_SOURCE
from providers.spec import (
    ADAPTERS,
    BODIES,
    FORMATS,
    PROVIDER_FORMATS,
    Endpoint,
    ErrorRule,
    ProviderSpec,
    Quirk,
)

Problem = tuple[str, str]
"""(path behind the provider, reason)"""


def is_base_url(url: str) -> bool:
    """An http(s) address with a host, without query and white space."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return (
        valid and not parts.query and not parts.fragment and not any(character.isspace() for character in url)
    )


def of_spec(spec: ProviderSpec) -> Iterator[Problem]:
    if not spec.endpoints:
        yield "endpoints", "there is none; give base_url, or at least one [[endpoints]] table"
    for index, endpoint in enumerate(spec.endpoints):
        yield from _of_endpoint(f"endpoints[{index}]", endpoint)
    for index, rule in enumerate(spec.errors):
        yield from _of_error_rule(f"errors[{index}]", rule)
    for index, quirk in enumerate(spec.quirks):
        yield from _of_quirk(f"quirks[{index}]", quirk)
    if spec.adapter is not None and spec.adapter not in ADAPTERS:
        yield "adapter", f"unknown adapter {spec.adapter!r}; known: {', '.join(ADAPTERS)}"
    for name in (spec.id, spec.shown_prefix, *spec.aliases):
        if not name or "/" in name or any(character.isspace() for character in name):
            yield "prefix", f"{name!r} cannot stand before the slash of a model name"
    ids = [model.id for model in spec.models]
    for id in sorted({id for id in ids if ids.count(id) > 1}):
        yield "models", f"{id!r} is there twice"


def of_names(specs: Mapping[str, ProviderSpec]) -> Iterator[tuple[str, Problem]]:
    """(provider, problem) for each id, prefix or alias that two providers claim."""
    owners: dict[str, str] = {}
    for spec in specs.values():
        for name in dict.fromkeys(name.lower() for name in (spec.id, spec.shown_prefix, *spec.aliases)):
            if name in owners:
                yield (
                    spec.id,
                    ("prefix" if name == spec.prefix else "aliases", f"{name!r} means {owners[name]}"),
                )
            owners[name] = spec.id


def _of_endpoint(path: str, endpoint: Endpoint) -> Iterator[Problem]:
    if endpoint.format not in (*FORMATS, *PROVIDER_FORMATS):
        yield f"{path}.format", f"unknown wire format {endpoint.format!r}; known: {', '.join(FORMATS)}"
    if not is_base_url(endpoint.base_url):
        yield (
            f"{path}.base_url",
            f"{endpoint.base_url!r} is not an address such as https://api.example.com/v1",
        )
    if endpoint.preferred_url and not is_base_url(endpoint.preferred_url):
        yield f"{path}.preferred_url", f"{endpoint.preferred_url!r} is not an address"
    for name, text in endpoint.headers.items():
        if not is_header(name, text):
            yield f"{path}.headers", f"HTTP cannot carry {name!r}: {text!r}"
    for name in endpoint.forward_headers:
        if name.lower() != name or name in PRIVATE:
            yield f"{path}.forward_headers", f"{name!r} cannot be forwarded: lower case, and no secrets"


def _of_error_rule(path: str, rule: ErrorRule) -> Iterator[Problem]:
    for field, pattern in (("text", rule.text), ("header", rule.header[1] if rule.header else "")):
        try:
            re.compile(pattern)
        except re.error as error:
            yield f"{path}.{field}", f"{pattern!r} is no regular expression: {error}"
    for source in rule.reset:
        if not RESET_SOURCE.fullmatch(source):
            yield f"{path}.reset", f"{source!r} is none of header:NAME, find:KEY, text, midnight:+8, month"


def _of_quirk(path: str, quirk: Quirk) -> Iterator[Problem]:
    for format in quirk.formats:
        if format not in BODIES:
            yield f"{path}.formats", f"unknown format {format!r}; known: {', '.join(BODIES)}"
    for field, registry in (
        ("messages", quirks.MESSAGE_EDITS),
        ("tools", quirks.TOOL_EDITS),
        ("edits", quirks.BODY_EDITS),
    ):
        for name in getattr(quirk, field):
            if name not in registry:
                yield f"{path}.{field}", f"unknown edit {name!r}; known: {', '.join(registry)}"
    for field, names in (("drop", quirk.drop), ("rename", quirk.rename)):
        for name in quirks.PROTECTED.intersection(names):
            yield f"{path}.{field}", f"{name!r} cannot be taken out of a request"
