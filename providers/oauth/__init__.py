"""Signing in at providers that know no API keys: flows, tokens, their renewal, import from the vendors' programs."""
