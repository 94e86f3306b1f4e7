"""The profile of each kind of account is a row from the beginning, so that the admin lists it."""

from django.db import migrations

DEFAULTS = {
    "oauth": (5, 60, 8, 3, 60),
    "apikey": (3, 0, 5, 5, 30),
    "local": (2, 5, 3, 2, 15),
}


def create(apps, schema_editor):
    rows = apps.get_model("resilience", "ProviderProfile").objects.using(schema_editor.connection.alias)
    for name, (transient, limited, level, failures, reset) in DEFAULTS.items():
        rows.get_or_create(
            name=name,
            defaults={
                "transient_cooldown_s": transient,
                "rate_limit_cooldown_s": limited,
                "max_backoff_level": level,
                "breaker_failures": failures,
                "breaker_reset_s": reset,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("resilience", "0001_settings_and_state")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
