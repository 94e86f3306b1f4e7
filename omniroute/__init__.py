"""OmniRoute: a self-hosted LLM gateway. This package is the project and its kernel; the apps stand beside it."""

__version__ = "0.1.0"
