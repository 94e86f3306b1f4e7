"""How the bytes of one attempt pass between its client and its provider: what is sent, and what is made of the answer.

Not here: the formats themselves (`gateway.wire`), which attempt is made, and the connection (`gateway.upstream`).
"""
