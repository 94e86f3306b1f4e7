"""Stand-ins for the vendors that one signs in to: real servers, built from docs/protocol-notes.md, Subscriptions.

One module per vendor. `running(Claude())` serves it from a thread; `overlay` is the overlay file that makes the gateway
ask it. Tokens are strict: a code works once, a refresh token that rotates works once, and using it again kills the
whole family.
"""
