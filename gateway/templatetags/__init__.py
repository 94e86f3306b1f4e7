"""Filters of the gateway's own templates."""
