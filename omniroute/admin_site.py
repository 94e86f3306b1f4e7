"""The admin site: the product's dashboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from unfold.sites import UnfoldAdminSite

from omniroute.pages import Page, all_pages


class OmniRouteAdminSite(UnfoldAdminSite):
    """The Django admin with the product's own pages (`omniroute.pages`)."""

    index_title = "Home"

    def get_urls(self) -> list[URLPattern | URLResolver]:
        own = [path(page.path, self._page_view(page), name=page.url_name) for page in all_pages()]
        return [*own, *super().get_urls()]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Django's list, with each app's pages after its models."""
        apps = super().get_app_list(request, app_label)
        for app in apps:
            app["models"] += [
                {
                    "name": page.title,
                    "object_name": page.name,
                    "admin_url": reverse(f"{self.name}:{page.url_name}"),
                    "view_only": True,
                    "perms": {"add": False, "change": False, "delete": False, "view": True},
                }
                for page in all_pages()
                if page.app == app["app_label"] and page.is_allowed(request)
            ]
        return apps

    def _page_view(self, page: Page) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest) -> HttpResponse:
            if not page.is_allowed(request):
                raise PermissionDenied
            result = page.view(request)
            if isinstance(result, HttpResponse):
                return result
            request.current_app = self.name
            context = {**self.each_context(request), "title": page.title, **result}
            return TemplateResponse(request, page.template, context)

        return self.admin_view(view)
