"""What is asked of models beside answers: embeddings, images, sound, judgements, and shorter conversations.

How the bytes pass is decided per attempt, like everything else. OpenAI's paths and bodies go to every OpenAI-compatible
endpoint as they are; embeddings also pass between OpenAI's and Gemini's shape; conversations are shortened where
OpenAI's newer format is spoken. A provider that has no such thing refuses (400, which puts nothing aside), and the next
target is asked.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import NoReturn

from gateway.passage import passed_on, transcriptions
from gateway.passage.base import Passage, Reader, Whole, as_upstream_error
from gateway.wire import embeddings, json, priced
from gateway.wire.base import ModelProfile, WireFormat
from gateway.wire.gemini.listing import model_path
from omniroute.errors import InvalidRequest, UpstreamBroken, UpstreamRefused
from omniroute.types import Fields, InboundRequest, JSONDict, UpstreamRequest, Usage

_SPOKEN = {
    "embed": "embeddings",
    "image": "images at this endpoint",
    "compact": "compaction of conversations",
    "moderate": "moderation",
    "rerank": "reranking",
    "speak": "speech",
}
NAMES = frozenset({*_SPOKEN, "transcribe"})
OPENAI = frozenset({"openai_chat", "openai_responses"})
"""Formats of endpoints beside which OpenAI's other paths are."""
GEMINI = "gemini"
BATCH = ":batchEmbedContents"
MOST_IMAGES = 10
"""Of one request, as at OpenAI."""
USD_PER_TICK = Decimal("1e-10")
"""xAI's `cost_in_usd_ticks`."""


def passage(
    inbound: InboundRequest, client: WireFormat, provider: WireFormat, profile: ModelProfile
) -> Passage:
    """Raise `UpstreamRefused` where the endpoint has no such thing, `InvalidRequest` for what it cannot be asked."""
    if inbound.operation == "transcribe":
        return transcriptions.passage(inbound, client, provider, profile)
    if inbound.operation == "embed":
        if client.name == provider.name or {client.name, provider.name} <= OPENAI:
            return SameEmbeddings(inbound, client, provider, profile)
        if provider.name in OPENAI or provider.name == GEMINI:
            return OtherEmbeddings(inbound, client, provider, profile)
    elif inbound.operation == "compact":
        if provider.name == "openai_responses":
            return Compaction(inbound, client, provider, profile)
    elif provider.name in OPENAI:
        return _AS_THEY_ARE[inbound.operation](inbound, client, provider, profile)
    raise UpstreamRefused(
        f"{profile.provider} has no {_SPOKEN[inbound.operation]}",
        status=400,
        code="unsupported_operation",
        param="model",
    )


class _Whole(Passage):
    """Answers come as a whole."""

    def reader(self) -> Reader:
        self._no_stream()

    def _no_stream(self) -> NoReturn:
        raise UpstreamBroken("The provider sent a stream, which nobody asked for")


class SameEmbeddings(_Whole):
    """The client's own body; only the model is another."""

    @property
    def body_format(self) -> str:
        return "gemini_embeddings" if self.provider.name == GEMINI else "openai_embeddings"

    @property
    def path(self) -> str:
        if self.provider.name != GEMINI:
            return "/embeddings"
        method = BATCH if self.inbound.path.endswith(BATCH) else ":embedContent"
        return model_path(self.profile.model) + method

    def fields(self) -> Fields:
        fields: Fields = dict(self.inbound.fields)
        model = self.profile.model
        if self.provider.name != GEMINI:
            return {**fields, "model": model}
        if "model" in fields:
            fields["model"] = f"models/{model}"
        requests = json.items(fields.get("requests"))
        if requests is not None:
            items = map(json.value, requests)
            fields["requests"] = [
                {**item, "model": f"models/{model}"} if isinstance(item, dict) else item for item in items
            ]
        return fields

    def whole(self, body: bytes) -> Whole:
        value, said = embeddings.error_of(body)
        if said:
            raise UpstreamBroken(said)
        if not (value.get("data") or value.get("embedding") or value.get("embeddings")):
            raise UpstreamBroken("The provider's answer has no embeddings")
        return Whole(body, embeddings.openai_usage(value) or self._estimate())

    def _estimate(self) -> Usage | None:
        """Gemini counts nothing."""
        if self.provider.name != GEMINI:
            return None
        wish = embeddings.parse_gemini(json.decode_all(dict(self.inbound.fields)), self.path.endswith(BATCH))
        return Usage(input_tokens=embeddings.estimate_texts(wish.texts), estimated=True)


class OtherEmbeddings(_Whole):
    """Between OpenAI's shape and Gemini's."""

    def __init__(
        self, inbound: InboundRequest, client: WireFormat, provider: WireFormat, profile: ModelProfile
    ) -> None:
        super().__init__(inbound, client, provider, profile)
        body = json.decode_all(dict(inbound.fields))
        if client.name == GEMINI:
            self.wish = embeddings.parse_gemini(body, inbound.path.endswith(BATCH))
        else:
            self.wish = embeddings.parse_openai(body)

    @property
    def body_format(self) -> str:
        return "gemini_embeddings" if self.provider.name == GEMINI else "openai_embeddings"

    @property
    def path(self) -> str:
        return model_path(self.profile.model) + BATCH if self.provider.name == GEMINI else "/embeddings"

    def fields(self) -> Fields:
        emit = embeddings.emit_gemini if self.provider.name == GEMINI else embeddings.emit_openai
        return emit(self.wish, self.profile.model)

    def whole(self, body: bytes) -> Whole:
        value, said = embeddings.error_of(body)
        if said:
            raise UpstreamBroken(said)
        if self.provider.name == GEMINI:
            answer = embeddings.parse_gemini_answer(value, self.wish)
            shown = embeddings.emit_openai_answer(answer, self.wish, self.profile.model)
        else:
            answer = embeddings.parse_openai_answer(value, self.wish)
            shown = embeddings.emit_gemini_answer(answer, self.wish)
        return Whole(json.dumps(shown), answer.usage)


class Images(_Whole):
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
        value, said = embeddings.error_of(body)
        if said:
            raise UpstreamBroken(said)
        if not value.get("data"):
            raise UpstreamBroken("The provider's answer has no image")
        return Whole(body, _image_usage(value))


class Compaction(_Whole):
    """A conversation in OpenAI's newer format into a shorter one, as Codex asks for it. Never a stream."""

    path = "/responses/compact"
    only_streams = False

    def fields(self) -> Fields:
        fields: Fields = {**self.inbound.fields, "model": self.profile.model}
        return {name: value for name, value in fields.items() if name not in ("stream", "stream_options")}

    def whole(self, body: bytes) -> Whole:
        found = self.provider.inspect(body)
        if found.error is not None:
            raise as_upstream_error(found.error)
        return Whole(body, found.usage)


_AS_THEY_ARE: dict[str, type[Passage]] = {
    "image": Images,
    "moderate": passed_on.Moderation,
    "rerank": passed_on.Reranking,
    "speak": passed_on.Speech,
}


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
            output_images=len(value["data"]) if isinstance(value["data"], list) else 1,
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
