"""Which address of a provider an attempt goes to."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from urllib.parse import urlsplit

from providers.spec import Endpoint, ProviderSpec, matches


@lru_cache(maxsize=4096)
def choose_endpoint(
    spec: ProviderSpec,
    *,
    variant: str = "",
    region: str = "",
    model: str = "",
    client_format: str = "",
    base_url: str = "",
) -> Endpoint:
    """The endpoint for an account's `variant` and `region`, for `model`, if possible in the client's format.

    An empty or unknown variant or region means the provider's first. `base_url` is the account's own
    address, see `rebase`. Pure and cached: asked for every attempt.
    """
    endpoints = of_account(spec, variant=variant, region=region)
    if base_url:
        endpoints = rebase(endpoints, base_url)
    if model:
        endpoints = tuple(each for each in endpoints if matches(each.models, model)) or endpoints
    return next((each for each in endpoints if each.format == client_format), endpoints[0])


def of_account(spec: ProviderSpec, *, variant: str = "", region: str = "") -> tuple[Endpoint, ...]:
    """The endpoints that an account with these choices can use, the provider's own addresses."""
    endpoints = spec.endpoints
    if len(endpoints) == 1:
        return endpoints
    variants, regions = spec.variants, spec.regions
    variant = variant if variant in variants or not variants else variants[0]
    region = region if region in regions or not regions else regions[0]
    chosen = [each for each in endpoints if each.variant in ("", variant) and each.region in ("", region)]
    return tuple(chosen) or endpoints


def rebase(endpoints: tuple[Endpoint, ...], base_url: str) -> tuple[Endpoint, ...]:
    """The endpoints at another address.

    A mere host (`http://localhost:9000`) replaces the host: every endpoint keeps its own path. An address
    with a path is taken as it is, and stands for the endpoints whose path it ends with (the longest such
    path counts), else for those that share the path of the first; the others are left out, since nobody
    knows where they would be.
    """
    base_url = base_url.rstrip("/")
    path = urlsplit(base_url).path
    if not path:
        return tuple(replace(each, base_url=base_url + _path(each), preferred_url="") for each in endpoints)
    fitting = [_path(each) for each in endpoints if _path(each) and path.endswith(_path(each))]
    meant = max(fitting, key=len) if fitting else _path(endpoints[0])
    return tuple(
        replace(each, base_url=base_url, preferred_url="") for each in endpoints if _path(each) == meant
    )


def _path(endpoint: Endpoint) -> str:
    return urlsplit(endpoint.base_url).path.rstrip("/")
