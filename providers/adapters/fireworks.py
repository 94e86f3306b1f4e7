"""Fireworks: OpenAI's shape, but for FLUX images, which have a path, a body and an answer of their own.

Facts: docs.fireworks.ai, "Generate an image with FLUX.1 [schnell] FP8". One image a
request, whatever `n` says (the trait `one_image`).
"""

from __future__ import annotations

import time
from typing import Any

import msgspec

from omniroute.types import Fields
from providers.adapters.base import Adapter, Draft, Rewrite, registry

FLUX = "flux-1-"
ACCOUNT = "accounts/fireworks/models/"
OWN = ("prompt", "aspect_ratio", "guidance_scale", "num_inference_steps", "seed")
"""All that the path reads."""
RATIOS = ("1:1", "21:9", "16:9", "3:2", "5:4", "4:5", "2:3", "9:16", "9:21", "4:3", "3:4")

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Fireworks(Adapter):
    operations = frozenset({"image"})

    def prepare(self, draft: Draft) -> None:
        if draft.inbound.operation != "image" or not is_flux(draft.model):
            return
        model = draft.model if "/" in draft.model else ACCOUNT + draft.model
        draft.url = draft.url.removesuffix("/images/generations") + f"/workflows/{model}/text_to_image"
        fields: Fields = {name: draft.fields[name] for name in OWN if name in draft.fields}
        if "aspect_ratio" not in fields and (ratio := ratio_of(draft.get("size"))):
            fields["aspect_ratio"] = ratio
        draft.fields = fields

    def rewriter(self, format: str, model: str) -> Rewrite | None:
        return as_openai if is_flux(model) else None


def is_flux(model: str) -> bool:
    return model.rpartition("/")[2].startswith(FLUX)


def ratio_of(size: Any) -> str:
    """The nearest that there is to OpenAI's `1792x1024`; "" for `auto` and what is no size."""
    width, _, height = size.partition("x") if isinstance(size, str) else ("", "", "")
    if not all(side.isdecimal() and len(side) < 7 and int(side) for side in (width, height)):
        return ""
    wanted = int(width) / int(height)

    def distance(ratio: str) -> float:
        across, up = map(int, ratio.split(":"))
        there = across / up
        return max(wanted / there, there / wanted)

    return min(RATIOS, key=distance)


def as_openai(body: bytes) -> bytes:
    """`{base64: [...], finishReason}` into OpenAI's `{created, data: [{b64_json}]}`; what is neither stays as it is."""
    try:
        answer = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    found, reason = answer.get("base64"), answer.get("finishReason", "SUCCESS")
    if found is None:
        return body
    if reason != "SUCCESS":
        return msgspec.json.encode(
            {"error": {"message": f"No image was made: {reason}", "code": str(reason).lower()}}
        )
    images = [found] if isinstance(found, str) else found
    data = [{"b64_json": image.rpartition(",")[2]} for image in images if isinstance(image, str)]
    return msgspec.json.encode({"created": int(time.time()), "data": data})


registry.register("fireworks")(Fireworks())
