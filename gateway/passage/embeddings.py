"""Embeddings: as they are between equal formats, else between OpenAI's shape and Gemini's."""

from __future__ import annotations

from gateway.passage.base import Ends, Whole, WholeAnswer
from gateway.wire import embeddings, json
from gateway.wire.gemini.listing import model_path
from omniroute.errors import UpstreamBroken
from omniroute.types import Fields, Usage

GEMINI = "gemini"
BATCH = ":batchEmbedContents"


class _Embeddings(WholeAnswer):
    @property
    def body_format(self) -> str:
        return "gemini_embeddings" if self.provider.name == GEMINI else "openai_embeddings"


class SameEmbeddings(_Embeddings):
    """The client's own body; only the model is another."""

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


class OtherEmbeddings(_Embeddings):
    """Between OpenAI's shape and Gemini's."""

    def __init__(self, ends: Ends) -> None:
        super().__init__(ends)
        body = json.decode_all(dict(self.inbound.fields))
        if self.client.name == GEMINI:
            self.wish = embeddings.parse_gemini(body, self.inbound.path.endswith(BATCH))
        else:
            self.wish = embeddings.parse_openai(body)

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
