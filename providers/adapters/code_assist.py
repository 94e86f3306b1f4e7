"""Gemini CLI's Code Assist: Gemini's format in an envelope, for a Google Cloud project.

Source: docs/protocol-notes.md, Gemini CLI.
"""

from __future__ import annotations

from typing import Any

import msgspec

from providers.adapters import code_assist_setup as setup
from providers.adapters.base import Adapter, Draft, Rewrite, registry
from providers.config import AccountConfig
from providers.spec import ProviderSpec

PROJECT = setup.PROJECT
_IDENTITY = ("user-agent", "x-goog-api-client")
_split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class CodeAssist(Adapter):
    inlines_media = True
    counts_tokens = True

    def prepare(self, draft: Draft) -> None:
        base, _, method = draft.url.rpartition("/models/")
        draft.url = base + ":" + method.partition(":")[2]
        if draft.said("user-agent").startswith("GeminiCLI/"):
            draft.forward(*_IDENTITY)
        session = draft.conversation_id("contents", "systemInstruction")
        request = {**draft.fields, "session_id": session}
        request.pop("model", None)
        for name in ("system_instruction", "systemInstruction"):
            instruction = draft.get(name)
            if isinstance(instruction, dict) and "role" not in instruction:
                request[name] = {"role": "user", **instruction}
        project = draft.account.provider_data.get(PROJECT)
        draft.fields = {
            "model": draft.model,
            **({"project": project} if project else {}),
            "user_prompt_id": draft.request_id(),
            "request": request,
        }

    def count_request(self, body: dict[str, Any], model: str) -> tuple[str, dict[str, Any]]:
        """Nothing but contents is counted, so what else the prompt holds goes in as a turn before the others."""
        instruction = body.get("systemInstruction") or body.get("system_instruction")
        parts = instruction.get("parts") if isinstance(instruction, dict) else None
        said = parts if isinstance(parts, list) else []
        if body.get("tools"):
            said = [*said, {"text": msgspec.json.encode(body["tools"]).decode()}]
        contents = body.get("contents")
        turns = contents if isinstance(contents, list) else [contents]
        before = [{"role": "user", "parts": said}] if said else []
        return ":countTokens", {"request": {"model": f"models/{model}", "contents": [*before, *turns]}}

    def rewriter(self, format: str, model: str) -> Rewrite:
        return unwrap

    async def ready(self, account: AccountConfig, spec: ProviderSpec) -> AccountConfig:
        return await setup.ready(account, spec)


def unwrap(data: bytes) -> bytes:
    """What is in `response`; anything else, such as an error, stays as it is."""
    try:
        fields = _split(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return data
    if "response" not in fields:
        return data
    inner = bytes(fields["response"])
    return inner.translate(None, b"\r\n") if b"\n" in inner or b"\r" in inner else inner


registry.register("code_assist")(CodeAssist())
