"""The translator: what becomes of a body between two wire formats, shown step by step. It calls `gateway.wire` and the
pipeline's own parts; nothing here translates."""
