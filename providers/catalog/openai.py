"""OpenAI. Both of its formats are native; some models live on only one of them."""

from __future__ import annotations

from providers.catalog.models import chat, of_kind
from providers.spec import Endpoint, ProviderSpec, Quirk

ONLY_RESPONSES = ("*-codex*", "codex-*", "*-pro", "*-pro-*", "*-deep-research*", "computer-use*")
_BASE = "https://api.openai.com/v1"
_SAMPLING = (
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "logit_bias",
)
_ALWAYS_THINKING = ("o1", "o1-*", "o3", "o3-*", "o4-*", "gpt-5", "gpt-5-*", "*-codex*", "!*-chat*")
_SOMETIMES_THINKING = ("gpt-5.*", "gpt-6*", "!*-codex*", "!*-chat*")
_THINKING = (*_ALWAYS_THINKING, "gpt-5.*", "gpt-6*")
_O_EFFORTS = {"none": "low", "minimal": "low", "xhigh": "high", "max": "high"}
_GPT5_EFFORTS = {"none": "minimal", "xhigh": "high", "max": "high"}
_GPT51_EFFORTS = {"minimal": "low", "xhigh": "high", "max": "high"}
_EFFORTS = (
    (("o1", "o1-pro*", "o1-2*", "o3", "o3-*", "o4-*"), _O_EFFORTS),
    (("gpt-5", "gpt-5-mini*", "gpt-5-nano*", "gpt-5-2*"), _GPT5_EFFORTS),
    (("gpt-5.1", "gpt-5.1-2*"), _GPT51_EFFORTS),
    (("gpt-5.[2-9]*", "gpt-6*"), {"minimal": "low", "max": "xhigh"}),
)

SPEC = ProviderSpec(
    id="openai",
    name="OpenAI",
    vendor="openai",
    tier="api_key",
    cost_note="Pay per use",
    signup_url="https://platform.openai.com/api-keys",
    key_hint="sk-proj-…",
    endpoints=(
        Endpoint(
            format="openai_chat", base_url=_BASE, models=("*", *(f"!{glob}" for glob in ONLY_RESPONSES))
        ),
        Endpoint(format="openai_responses", base_url=_BASE),
    ),
    models=(
        *chat(
            "gpt-6.1-sol gpt-6.1-terra gpt-6-astra gpt-6-sol gpt-6-luna gpt-5.6-sol gpt-5.6-terra"
            " gpt-5.6-luna gpt-5.5 gpt-5.5-pro gpt-5.4 gpt-5.4-mini gpt-5.4-nano gpt-5.4-pro gpt-5.3-codex"
            " gpt-5.2 gpt-5.2-codex gpt-5.2-pro gpt-5.1 gpt-5.1-codex gpt-5.1-codex-max gpt-5.1-codex-mini"
            " gpt-5 gpt-5-mini gpt-5-nano gpt-5-codex gpt-5-pro gpt-5-chat-latest gpt-4.1 gpt-4.1-mini"
            " gpt-4.1-nano gpt-4o gpt-4o-mini gpt-4-turbo o4-mini o3 o3-pro o3-mini o1 o1-pro o1-mini"
        ),
        *of_kind("embedding", "text-embedding-3-small text-embedding-3-large text-embedding-ada-002"),
        *of_kind("image", "gpt-image-2 gpt-image-1.5 gpt-image-1 gpt-image-1-mini dall-e-3 dall-e-2"),
        *of_kind("transcription", "gpt-4o-transcribe gpt-4o-mini-transcribe whisper-1"),
    ),
    quirks=(
        Quirk(models=_THINKING, rename={"max_tokens": "max_completion_tokens"}),
        Quirk(models=_ALWAYS_THINKING, drop=_SAMPLING),
        Quirk(
            models=_ALWAYS_THINKING,
            formats=("openai_responses",),
            drop=("temperature", "top_p", "top_logprobs"),
        ),
        Quirk(models=_SOMETIMES_THINKING, edits=("sampling_without_effort",)),
        Quirk(models=("o3", "o3-*", "o4-*", "gpt-5*", "gpt-6*", "!o3-mini*", "!*-chat*"), drop=("stop",)),
        *(Quirk(models=globs, map_values={"reasoning_effort": efforts}) for globs, efforts in _EFFORTS),
        *(
            Quirk(models=globs, formats=("openai_responses",), map_values={"reasoning.effort": efforts})
            for globs, efforts in _EFFORTS
        ),
        Quirk(
            models=("gpt-3.5*", "gpt-4*", "chatgpt-*", "o1-mini*", "o1-preview*"), drop=("reasoning_effort",)
        ),
        Quirk(models=("gpt-3.5*", "gpt-4*", "chatgpt-*"), formats=("openai_responses",), drop=("reasoning",)),
        Quirk(models=("o1-mini*", "o1-preview*"), messages=("system_to_user",)),
        Quirk(messages=("strip_reasoning",)),
        Quirk(models=("gpt-image-*",), formats=("openai_images",), drop=("response_format",)),
        Quirk(models=("dall-e-3*",), traits={"one_image": True}),
    ),
)
