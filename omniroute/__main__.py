"""The `omniroute` command, which is `manage.py` under another name."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omniroute.settings")
    try:
        _run()
    except KeyboardInterrupt:
        sys.exit(130)


def _run() -> None:
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        settings.DATA_DIR  # noqa: B018  (the first look reads the environment)
    except ImproperlyConfigured as error:
        sys.exit(f"omniroute: {error}")
    execute_from_command_line(["omniroute", *sys.argv[1:]])


if __name__ == "__main__":
    main()
