"""The management API of combos, model names and routing."""
