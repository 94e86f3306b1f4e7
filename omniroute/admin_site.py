"""The admin site: the product's dashboard."""

from __future__ import annotations

from unfold.sites import UnfoldAdminSite


class OmniRouteAdminSite(UnfoldAdminSite):
    """The Django admin with the product's own pages."""
