"""The wire endpoints, under their canonical paths. `gateway.edge.paths` maps the other spellings to these."""

from __future__ import annotations

from django.urls import path

from gateway.endpoints import wire_api

urlpatterns = [path("", wire_api.urls)]
