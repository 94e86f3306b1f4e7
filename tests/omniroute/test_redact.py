from __future__ import annotations

from omniroute.redact import MASK, redact, redact_url, restore

STORED = {
    "refreshToken": "r",
    "organization": "o",
    "nested": {"api_key": "k", "x": 1},
    "list": [{"password": "p"}],
}


def test_what_sounds_secret_is_masked_at_any_depth():
    assert redact(STORED) == {
        "refreshToken": MASK,
        "organization": "o",
        "nested": {"api_key": MASK, "x": 1},
        "list": [{"password": MASK}],
    }


def test_a_masked_value_that_comes_back_keeps_the_stored_one():
    shown = redact(STORED)
    shown["organization"] = "other"
    shown["newToken"] = MASK
    restored = restore(shown, STORED)
    assert restored["refreshToken"] == "r"
    assert restored["organization"] == "other"
    assert restored["nested"] == {"api_key": "k", "x": 1}
    assert "newToken" not in restored


def test_an_address_loses_its_user_and_password():
    assert redact_url("https://user:pw@host:8443/v1?x=1") == f"https://{MASK}@host:8443/v1?x=1"
    assert redact_url("https://host/v1") == "https://host/v1"
