"""Which rows of the gateway travel (`omniroute.portable`)."""

from __future__ import annotations

from gateway.models import CacheSettings, GatewaySettings
from omniroute.portable import portable

portable("gateway-settings", "settings", GatewaySettings)
portable("cache-settings", "settings", CacheSettings)
