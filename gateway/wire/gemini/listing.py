"""`:countTokens` and the list of models: shapes without logic."""

from __future__ import annotations

from urllib.parse import quote

from gateway.wire import ir
from gateway.wire.gemini.fields import as_object, get
from gateway.wire.gemini.request import parse_request
from omniroute.errors import UpstreamBroken
from omniroute.types import JSONDict


def model_path(model: str) -> str:
    """`models/...` for a URL: quoted, slashes kept, the prefix once."""
    return "/models/" + quote(model.removeprefix("models/"), safe="/@:-._~")


def count_path(model: str) -> str:
    return f"{model_path(model)}:countTokens"


def parse_count_request(body: JSONDict, model: str) -> ir.Request:
    """Either `contents` alone or a whole request under `generateContentRequest`. Raise `InvalidRequest`."""
    whole = get(body, "generateContentRequest")
    return parse_request(body if whole is None else as_object(whole, "generateContentRequest"), model, False)


def emit_count_request(request: JSONDict, model: str) -> JSONDict:
    """`request` is a generateContent body. Only this form counts tools and the system instruction."""
    return {"generateContentRequest": {**request, "model": f"models/{model.removeprefix('models/')}"}}


def parse_count(body: JSONDict) -> int:
    total = get(body, "totalTokens")
    if not isinstance(total, int):
        raise UpstreamBroken("The provider did not count the tokens")
    return total


def emit_count(tokens: int) -> JSONDict:
    return {"totalTokens": tokens, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}]}


def emit_model(
    model: str, *, name: str = "", input_limit: int | None = None, output_limit: int | None = None
) -> JSONDict:
    described: JSONDict = {
        "name": f"models/{model}",
        "baseModelId": model,
        "version": "001",
        "displayName": name or model,
        "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
    }
    if input_limit is not None:
        described["inputTokenLimit"] = input_limit
    if output_limit is not None:
        described["outputTokenLimit"] = output_limit
    return described


def emit_models(models: list[JSONDict]) -> JSONDict:
    return {"models": models}
