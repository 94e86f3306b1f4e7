"""What may go wrong with a sync, in words for people."""

from __future__ import annotations

from omniroute.errors import GatewayError


class SyncError(GatewayError):
    """The sync did not happen; what is here stays as it is, and in use."""

    status = 502
    code = "sync_failed"
