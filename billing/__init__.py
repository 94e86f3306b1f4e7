"""API keys and their budgets, prices, and what was used. Requests are not known here: `gateway.records` tells."""
