"""Measures the running gateway against direct access to the same upstream. `python -m bench --help`."""
