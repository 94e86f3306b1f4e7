"""Images, which OpenAI-compatible providers make; several of them also where a provider makes one at a time."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from gateway.passage.base import Whole, WholeAnswer
from gateway.wire import json, priced
from gateway.wire.embeddings import error_of
from omniroute.errors import InvalidRequest, UpstreamBroken
from omniroute.types import Fields, JSONDict, UpstreamRequest, Usage

MOST_IMAGES = 10
"""Of one request, as at OpenAI."""
USD_PER_TICK = Decimal("1e-10")
"""xAI's `cost_in_usd_ticks`."""


class Images(WholeAnswer):
    """OpenAI's `images/generations`, as it is."""

    body_format = "openai_images"
    path = "/images/generations"

    @property
    def copies(self) -> int:
        """Raise `InvalidRequest`."""
        if not self.profile.one_image:
            return 1
        count = json.field(dict(self.inbound.fields), "n")
        if count is None:
            return 1
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_IMAGES:
            raise InvalidRequest(f"'n' must be a number from 1 to {MOST_IMAGES}", param="n")
        return count

    def fields(self) -> Fields:
        if json.field(dict(self.inbound.fields), "stream"):
            raise InvalidRequest("Images are not streamed here", param="stream")
        fields: Fields = {**self.inbound.fields, "model": self.profile.model}
        if self.copies > 1:
            del fields["n"]
        return fields

    def copy(self, request: UpstreamRequest, number: int) -> UpstreamRequest:
        """With the next seed: the same one would draw the same image again."""
        body = json.loads(request.body)
        seed = body.get("seed")
        if isinstance(seed, bool) or not isinstance(seed, int):
            return request
        return replace(request, body=json.dumps({**body, "seed": seed + number}))

    def joined(self, parts: list[Whole]) -> Whole:
        values = [json.loads(part.body) for part in parts]
        images = [image for value in values for image in value["data"]]
        usages = [part.usage for part in parts if part.usage is not None]
        return Whole(json.dumps({**values[0], "data": images}), _sum(usages) if usages else None)

    def whole(self, body: bytes) -> Whole:
        body = self.unwrapped(body)
        value, said = error_of(body)
        if said:
            raise UpstreamBroken(said)
        if not value.get("data") or not isinstance(value["data"], list):
            raise UpstreamBroken("The provider's answer has no image")
        return Whole(body, _image_usage(value))


def _image_usage(value: JSONDict) -> Usage:
    """Images are counted, and tokens where the vendor counts them: gpt-image does, and xAI tells its price."""
    usage = value.get("usage")
    known: JSONDict = usage if isinstance(usage, dict) else {}
    asked, made = _count(known.get("input_tokens")), _count(known.get("output_tokens"))
    ticks = _count(known.get("cost_in_usd_ticks"))
    return Usage(
        input_tokens=asked,
        output_tokens=made,
        cost=ticks * USD_PER_TICK if ticks else None,
        priced_apart=priced.apart(
            input_image_tokens=_images_among(known.get("input_tokens_details"), 0),
            output_image_tokens=_images_among(known.get("output_tokens_details"), made),
            output_images=len(value["data"]),
        ),
    )


def _sum(usages: list[Usage]) -> Usage:
    """Of requests for one image each."""
    apart: dict[str, int | float] = {}
    for name, quantity in (pair for usage in usages for pair in usage.priced_apart):
        apart[name] = apart.get(name, 0) + quantity
    costs = [usage.cost for usage in usages if usage.cost is not None]
    return Usage(
        input_tokens=sum(usage.input_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        cost=sum(costs, Decimal(0)) if costs else None,
        priced_apart=tuple(apart.items()),
    )


def _images_among(details: object, otherwise: int) -> int:
    """Tokens of images, where the vendor tells them from text."""
    return _count(details.get("image_tokens")) if isinstance(details, dict) else otherwise


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
