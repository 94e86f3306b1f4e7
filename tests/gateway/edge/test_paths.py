from __future__ import annotations

import pytest

from gateway.edge.paths import canonical, format_for


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/", "/v1/chat/completions"),
        ("/v1/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/v1/v1/messages", "/v1/messages"),
        ("/chat/completions", "/v1/chat/completions"),
        ("/responses", "/v1/responses"),
        ("/models", "/v1/models"),
        ("//v1//models", "/v1/models"),
        ("/v1/v1beta/models/x:generateContent", "/v1beta/models/x:generateContent"),
        ("/v1beta/a/b:streamGenerateContent", "/v1beta/models/a/b:streamGenerateContent"),
        ("/v1beta/a/b:countTokens", "/v1beta/models/a/b:countTokens"),
        ("/v1beta/models/a/b:embedContent", "/v1beta/models/a/b:embedContent"),
        ("/v1beta/openai/chat/completions", "/v1beta/openai/chat/completions"),
        ("/v1", "/v1"),
        ("/", None),
        ("/admin/", None),
        ("/api/health", None),
        ("/static/x.css", None),
        ("/v2/chat", None),
    ],
)
def test_every_spelling_of_a_wire_endpoint_has_one_canonical_path(path: str, expected: str | None):
    assert canonical(path) == expected


@pytest.mark.parametrize(
    ("path", "headers", "format"),
    [
        ("/v1/chat/completions", {}, "openai_chat"),
        ("/v1/messages", {}, "anthropic_messages"),
        ("/v1/messages/count_tokens", {}, "anthropic_messages"),
        ("/v1/responses", {}, "openai_responses"),
        ("/v1beta/models", {}, "gemini"),
        ("/v1/models", {}, "openai_chat"),
        ("/v1/models", {"x-goog-api-key": "k"}, "gemini"),
        ("/v1/models", {"anthropic-version": "2023-06-01"}, "anthropic_messages"),
        ("/v1/models/x:generateContent", {"x-goog-api-key": "k"}, "gemini"),
    ],
)
def test_the_path_tells_the_format_and_a_header_where_families_share_it(path, headers, format):
    assert format_for(path, headers) == format
