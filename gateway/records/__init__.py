"""What is kept and told of requests: usage rows, the request log, timings, live events."""
