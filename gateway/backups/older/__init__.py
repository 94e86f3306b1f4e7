"""Takes over `storage.sqlite` of the older OmniRoute: its rows become rows of this product.

What this product would not accept from a person either is left out, and the report says so.
"""
