"""Template filters about providers."""
