"""Which conversation a request belongs to, and where it was answered last."""
