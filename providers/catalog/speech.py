"""Vendors that transcribe and do nothing else. Source: docs/protocol-notes.md, Speech."""

from __future__ import annotations

from providers.catalog.models import of_kind
from providers.spec import Endpoint, ErrorRule, ProviderSpec, Validation

DEEPGRAM = ProviderSpec(
    id="deepgram",
    name="Deepgram",
    aliases=("dg",),
    tier="api_key",
    cost_note="Pay per minute of sound",
    signup_url="https://console.deepgram.com",
    key_hint="40 hex digits",
    endpoints=(Endpoint(format="deepgram", base_url="https://api.deepgram.com/v1", auth="token"),),
    models=of_kind(
        "transcription", "nova-3 nova-3-medical nova-2 enhanced base whisper-large whisper-medium"
    ),
    validation=Validation(probe="/projects"),
    models_path="",
)
ASSEMBLYAI = ProviderSpec(
    id="assemblyai",
    name="AssemblyAI",
    aliases=("aai",),
    tier="api_key",
    cost_note="Pay per hour of sound",
    signup_url="https://www.assemblyai.com/dashboard",
    key_hint="32 hex digits",
    endpoints=(
        Endpoint(format="assemblyai", base_url="https://api.assemblyai.com/v2", auth="key", region="us"),
        Endpoint(format="assemblyai", base_url="https://api.eu.assemblyai.com/v2", auth="key", region="eu"),
    ),
    models=of_kind("transcription", "universal-3-5-pro universal-3-pro universal-2"),
    model_aliases={"best": "universal-3-pro", "universal": "universal-2", "nano": "universal-2"},
    errors=(ErrorRule(means="quota", statuses=(400, 402), text="balance|insufficient funds"),),
    validation=Validation(probe="/transcript?limit=1"),
    models_path="",
)
