"""The whole configuration as one immutable value, so that a request asks the database nothing."""

from __future__ import annotations


def watch_models() -> None:
    """Placeholder until the snapshot lands."""
