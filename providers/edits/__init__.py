"""Edits of a request body that a table cannot express, as small named functions. `quirks` applies them."""
