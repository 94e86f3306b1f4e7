"""Answers that are given again instead of being asked for. `flow.of` is the pipeline's one question."""
