"""The composition root of everything that Django's own handler serves. Wire endpoints: `gateway.urls`."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from gateway.api.peer import peer_api, verify_pattern
from gateway.api.root import api
from providers.oauth.callback import callback

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    path("sync/", peer_api.urls),
    verify_pattern,
    path("callback", callback, name="sign_in_callback"),
    path("oauth2callback", callback),
    path("auth/callback", callback),
]

handler400 = "gateway.api.errors.bad_request"
handler404 = "gateway.api.errors.page_not_found"
handler500 = "gateway.api.errors.server_error"
