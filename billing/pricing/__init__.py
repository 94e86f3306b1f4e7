"""Prices of models, and what an answer cost at them."""
