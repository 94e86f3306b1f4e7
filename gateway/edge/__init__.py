"""Where requests come in and answers go out: paths, addresses, keys, bodies, responses and the ASGI handler.

Not here: what becomes of a request (`gateway.pipeline`), and the endpoints themselves (`gateway.endpoints`).
"""
