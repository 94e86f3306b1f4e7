"""Pointing command-line tools at the gateway: what each tool reads (`rows`), how it is written and taken back."""
