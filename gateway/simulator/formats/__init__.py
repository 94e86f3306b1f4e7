"""One module a wire format: how it asks, how it answers."""
