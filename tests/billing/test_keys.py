from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from billing import config
from billing.keys import create_api_key, hash_key
from billing.models import ApiKey

pytestmark = pytest.mark.django_db


def test_the_key_is_in_no_column():
    made = create_api_key("laptop")
    values = ApiKey.objects.filter(pk=made.record.pk).values_list().get()
    assert made.secret not in str(values)
    assert made.record.key_hash == hash_key(made.secret)


def test_a_key_has_256_random_bits_and_is_recognisable():
    first, second = create_api_key("a"), create_api_key("a")
    assert first.secret != second.secret
    assert len(first.secret.removeprefix("sk-or-")) >= 43
    assert first.record.hint == f"{first.secret[:9]}…{first.secret[-4:]}"


def test_the_hash_depends_on_the_installation_s_secret(settings):
    before = hash_key("sk-or-x")
    settings.API_KEY_SECRET = "another"
    assert hash_key("sk-or-x") != before


def test_allowed_models_are_names_and_patterns():
    made = create_api_key("a", allowed_models=["glm/*", "premium-coding"])
    key = config.load().keys[made.record.key_hash]
    assert key.allows("glm/glm-4.7")
    assert key.allows("Premium-Coding")
    assert not key.allows("premium-coding-2")
    assert not key.allows("openai/gpt-4o")


def test_a_key_is_usable_until_it_expires_or_is_disabled():
    now = datetime.now(UTC)
    for expires, active, usable in (
        (None, True, True),
        (now + timedelta(hours=1), True, True),
        (now - timedelta(seconds=1), True, False),
        (None, False, False),
    ):
        made = create_api_key("a", expires_at=expires, is_active=active)
        assert config.load().keys[made.record.key_hash].is_usable is usable


def test_the_command_prints_the_key_alone(capsys):
    call_command("create_api_key", "script", "--scope", "manage")
    printed = capsys.readouterr().out
    assert printed == printed.strip() + "\n"
    assert ApiKey.objects.get(key_hash=hash_key(printed.strip())).scope == "manage"


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb"])
def test_the_command_refuses_a_name_that_is_none(name: str):
    with pytest.raises(CommandError):
        call_command("create_api_key", name)
