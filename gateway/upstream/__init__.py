"""The HTTP client of the hot path: HTTP/1.1 on asyncio and httptools (docs/decisions.md).

sending     a request, and the answer that the rest of the gateway reads
pool        connections that wait for their next request
dialing     new ones: names, addresses, proxies (`socks`), TLS
connection  one of them: bytes out, bytes in, silence, cancellation
head        what a request begins with
reply       an answer out of bytes
coding      compressed bodies
failures    what went wrong, in words
"""

from gateway.upstream.failures import PROXY_FAILED
from gateway.upstream.sending import Upstream, close_connections, send

__all__ = ["PROXY_FAILED", "Upstream", "close_connections", "send"]
