"""Custom nodes: their addresses and prefixes. Source: docs/protocol-notes.md, Custom nodes."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit, urlunsplit

from providers import catalog

RESERVED_PREFIXES = frozenset(
    (
        *("claude", "claude-code", "cc", "codex", "cx", "gemini-cli", "gc", "github", "gh", "qwen", "qw"),
        *("iflow", "if", "antigravity", "ag", "kiro", "kr", "cursor", "cu", "kilocode", "kc", "cline", "cl"),
        *("deepgram", "dg", "assemblyai", "aai", "combo", "combos"),
    )
)
"""Names of providers that log in by OAuth or transcribe, and what would read like something else."""
_PASTED = re.compile(
    r"/(?:chat/completions|completions|responses|messages(?:/count_tokens)?|embeddings|models(?:/[^/]*)?)$"
)


def normalise_base_url(url: str) -> str:
    """The base of an address that may have been pasted whole: no query, endpoint path or trailing slash.

    `/v1` is neither added nor removed; what is no address stays as it is.
    """
    try:
        scheme, host, path, _, _ = urlsplit(url.strip())
    except ValueError:
        return url
    return urlunsplit((scheme.lower(), host, _PASTED.sub("", path.rstrip("/")).rstrip("/"), "", ""))


def is_local(url: str) -> bool:
    """Whether an address is on this machine or network: loopback, private range, `.local`, bare name."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".local", ".lan", ".internal", ".localhost"))
    return address.is_private or address.is_loopback or address.is_link_local


def prefix_problem(prefix: str) -> str:
    """Why a node may not have this prefix, in a sentence; "" if it may."""
    wanted = prefix.lower()
    for spec in catalog.load().values():
        if wanted in {name.lower() for name in (spec.id, spec.shown_prefix, *spec.aliases)}:
            return f"“{prefix}” already means {spec.name}. Choose another prefix."
    if wanted in RESERVED_PREFIXES:
        return f"“{prefix}” is reserved. Choose another prefix."
    return ""
