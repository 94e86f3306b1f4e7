"""What can go wrong on the way to a provider, in the gateway's words.

The provider's address is not a secret; its credentials are never in these texts, since they travel in headers.
"""

from __future__ import annotations

import os
import socket
import ssl

from gateway.upstream.reply import BadReply
from omniroute.errors import UpstreamBroken, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from providers.proxies import Proxy

PROXY_FAILED = "proxy_failed"


class ProxyRefused(OSError):
    """A proxy that will not have the connection."""


def broken(error: BadReply) -> UpstreamBroken:
    return UpstreamBroken(f"The connection to the provider broke: {error}"[:300])


def reset(error: Exception) -> UpstreamBroken:
    return UpstreamBroken(f"The connection to the provider broke: {_cause(error)}")


def unreachable(error: OSError, proxy: Proxy | None) -> UpstreamError:
    """`proxy` is the one at fault, if any."""
    if proxy is not None:
        text = f"No connection through the proxy {proxy.place}: {_cause(error)}"
        return UpstreamUnreachable(text, code=PROXY_FAILED)
    return UpstreamUnreachable(f"The provider cannot be reached: {_cause(error)}")


def too_slow(connect_s: float, proxy: Proxy | None) -> UpstreamError:
    if proxy is not None:
        return UpstreamTimeout(
            f"No connection through the proxy {proxy.place} in {connect_s:g} s", code=PROXY_FAILED
        )
    return UpstreamTimeout(f"The provider did not answer in time: no connection in {connect_s:g} s")


def refused_credentials(proxy: Proxy) -> UpstreamUnreachable:
    return UpstreamUnreachable(f"The proxy {proxy.place} wants other credentials (407)", code=PROXY_FAILED)


def _cause(error: Exception) -> str:
    """What it was: the name, the certificate, TLS, or the connection."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted ({error.verify_message or error.reason})"[:200]
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or error})"[:200]
    if isinstance(error, socket.gaierror):
        return f"its name cannot be resolved ({error.strerror})"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return (str(error) or type(error).__name__)[:200]
