"""The management API of client keys and budgets."""
