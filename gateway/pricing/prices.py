"""The built-in prices of a provider as the catalog knows it."""

from __future__ import annotations

from decimal import Decimal

from billing.models import Price
from billing.pricing import dataset
from billing.pricing.fields import columns_of
from providers.spec import ProviderSpec

MAX_MODELS = 5000


def defaults(spec: ProviderSpec) -> dict[str, dict[str, Decimal]]:
    """Model -> prices (columns of `Price`), by name: what the data set lists, and what it knows of the catalog's."""
    seller = spec.pricing_id or spec.id, spec.endpoints[0].base_url if spec.endpoints else ""
    known = dict(dataset.models(*seller))
    for model in spec.models:
        if model.id not in known and (price := dataset.today(*seller, model.upstream_id or model.id)):
            known[model.id] = price
    return {model: columns_of(price) for model, price in sorted(known.items())[:MAX_MODELS]}


def inherited(spec: ProviderSpec, model: str) -> Price:
    """A price of one's own, not saved yet. It begins with the built-in ones, so that changing one keeps the others."""
    row = Price(provider=spec.id, model=model, input=None, output=None)
    for column, value in defaults(spec).get(model, {}).items():
        setattr(row, column, int(value) if column == "long_start" else value)
    return row
