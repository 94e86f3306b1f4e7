"""API keys, usage and prices."""
