from __future__ import annotations

import json

import pytest

from providers.adapters.fireworks import as_openai, is_flux, ratio_of


@pytest.mark.parametrize(
    ("size", "ratio"),
    [
        ("1024x1024", "1:1"),
        ("1792x1024", "16:9"),
        ("1024x1536", "2:3"),
        ("auto", ""),
        (None, ""),
        ("0x5", ""),
        ("²x³", ""),
        ("9" * 5000 + "x1", ""),
    ],
)
def test_a_size_becomes_the_nearest_ratio(size, ratio):
    assert ratio_of(size) == ratio


def test_only_flux_has_a_path_of_its_own():
    assert is_flux("accounts/fireworks/models/flux-1-dev-fp8")
    assert not is_flux("accounts/fireworks/models/gpt-oss-120b")


def test_images_become_openai_s():
    answer = json.loads(
        as_openai(b'{"base64":["data:image/png;base64,QQ==","Qg=="],"finishReason":"SUCCESS"}')
    )
    assert answer["data"] == [{"b64_json": "QQ=="}, {"b64_json": "Qg=="}]
    for other in (b"{", b'{"error":{"message":"no"}}', b'{"created":1,"data":[]}'):
        assert as_openai(other) == other
