"""Which rows of the combos travel (`omniroute.portable`)."""

from __future__ import annotations

from combos.models import Combo, FallbackChain, ModelAlias, ProviderRouting, RoutingSettings
from omniroute.portable import portable

portable("combo", "combos", Combo, key=("name",), children={"targets": ("model", "weight", "is_active")})
portable("alias", "combos", ModelAlias, key=("pattern",))
portable("chain", "combos", FallbackChain, key=("name",), children={"entries": ("target", "is_active")})
portable("routing", "routing", RoutingSettings)
portable("provider-rule", "routing", ProviderRouting, key=("provider",))
