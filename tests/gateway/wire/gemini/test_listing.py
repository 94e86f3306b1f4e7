"""Counting tokens and listing models: shapes."""

from __future__ import annotations

import pytest

from gateway.wire.gemini import listing
from omniroute.errors import InvalidRequest, UpstreamBroken

CONTENTS = [{"role": "user", "parts": [{"text": "Hi"}]}]


def test_a_count_takes_contents_alone_or_a_whole_request():
    whole = {"contents": CONTENTS, "systemInstruction": {"parts": [{"text": "Be brief."}]}}
    alone = listing.parse_count_request({"contents": CONTENTS}, "m")
    wrapped = listing.parse_count_request({"generateContentRequest": {**whole, "model": "models/m"}}, "m")
    assert alone.messages == wrapped.messages
    assert wrapped.system[0].text == "Be brief."
    with pytest.raises(InvalidRequest):
        listing.parse_count_request({"generateContentRequest": "x"}, "m")


def test_a_count_is_read_and_written():
    assert listing.parse_count(listing.emit_count(12)) == 12
    with pytest.raises(UpstreamBroken):
        listing.parse_count({})


def test_a_count_request_names_its_model():
    body = listing.emit_count_request({"contents": CONTENTS}, "gemini-2.5-flash")
    assert body == {"generateContentRequest": {"contents": CONTENTS, "model": "models/gemini-2.5-flash"}}
    assert listing.count_path("models/gemini-2.5-flash") == "/models/gemini-2.5-flash:countTokens"


def test_models_are_listed():
    listed = listing.emit_models(
        [listing.emit_model("gemini-2.5-flash", name="Flash", input_limit=1_048_576, output_limit=65_536)]
    )
    assert listed["models"][0]["name"] == "models/gemini-2.5-flash"
    assert listed["models"][0]["outputTokenLimit"] == 65_536
