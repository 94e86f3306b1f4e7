"""Who to call, and as whom."""
