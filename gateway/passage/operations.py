"""What is asked of models beside answers: embeddings, images, sound, judgements, and shorter conversations.

How the bytes pass is decided per attempt, like everything else. OpenAI's paths and bodies go to every OpenAI-compatible
endpoint as they are; embeddings also pass between OpenAI's and Gemini's shape; conversations are shortened where
OpenAI's newer format is spoken. A provider that has no such thing refuses (400, which puts nothing aside), and the next
target is asked.
"""

from __future__ import annotations

from gateway.passage import passed_on, transcriptions
from gateway.passage.base import Ends, Passage
from gateway.passage.embeddings import GEMINI, OtherEmbeddings, SameEmbeddings
from gateway.passage.images import Images
from omniroute.errors import UpstreamRefused

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
_AS_THEY_ARE: dict[str, type[Passage]] = {
    "image": Images,
    "moderate": passed_on.Moderation,
    "rerank": passed_on.Reranking,
    "speak": passed_on.Speech,
}


def passage(ends: Ends) -> Passage:
    """Raise `UpstreamRefused` where the endpoint has no such thing, `InvalidRequest` for what it cannot be asked."""
    operation, client, provider = ends.inbound.operation, ends.client.name, ends.provider.name
    if operation == "transcribe":
        return transcriptions.passage(ends)
    if operation == "embed":
        if client == provider or {client, provider} <= OPENAI:
            return SameEmbeddings(ends)
        if provider in OPENAI or provider == GEMINI:
            return OtherEmbeddings(ends)
    elif operation == "compact":
        if provider == "openai_responses":
            return passed_on.Compaction(ends)
    elif provider in OPENAI:
        return _AS_THEY_ARE[operation](ends)
    raise UpstreamRefused(
        f"{ends.profile.provider} has no {_SPOKEN[operation]}",
        status=400,
        code="unsupported_operation",
        param="model",
    )
