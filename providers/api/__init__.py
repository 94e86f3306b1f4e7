"""The management API of providers, accounts and models."""
