"""Which rows of the resilience travel (`omniroute.portable`). Who may connect is each machine's own matter."""

from __future__ import annotations

from omniroute.portable import portable
from resilience.models import ProviderProfile, RateLimitSettings

portable("profile", "routing", ProviderProfile, key=("name",))
portable("rate-limits", "routing", RateLimitSettings)
