"""The admin site: the product's dashboard."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from omniroute import audit
from omniroute.errors import ClientError
from omniroute.pages import Page, all_pages
from omniroute.places import place_of
from resilience.lockout import lockouts


class LoginForm(AuthenticationForm):
    """Refuses an address that failed too often without looking at its password."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "Wrong username or password. Upper and lower case matter in both.",
    }
    blocked_s: int | None = None

    def clean(self) -> dict[str, Any]:
        address = self.request.META.get("REMOTE_ADDR", "")
        try:
            lockouts.attempt(f"login:{address}", "failed logins")
        except ClientError as error:
            self.blocked_s = math.ceil(error.retry_after or 1)
            minutes = math.ceil(self.blocked_s / 60)
            wait = f"Try again in {minutes} minute{'' if minutes == 1 else 's'}."
            raise ValidationError(f"{error.message}. {wait}", code=error.code) from None
        values: dict[str, Any] = super().clean()
        lockouts.forgive(f"login:{address}")
        return values


class OmniRouteAdminSite(UnfoldAdminSite):
    """The Django admin with the product's own pages (`omniroute.pages`)."""

    index_title = "Home"
    login_form = LoginForm

    def get_urls(self) -> list[URLPattern | URLResolver]:
        own = [path(page.path, self._page_view(page), name=page.url_name) for page in all_pages()]
        return [*own, *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Beside Django's: `request.place`, where the templates find what the menu calls this page, and its tabs."""
        place = place_of(request.path)
        request.place = place  # type: ignore[attr-defined]
        context: dict[str, Any] = super().each_context(request)
        return {**context, "place_tabs": list(place.tabs(request)) if place else []}

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """Django's, and the audit log hears of it."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def audited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            response: HttpResponse = inner(request, *args, **kwargs)
            audit.of_page(request, response)
            return response

        return audited

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
                if page.section and page.app == app["app_label"] and page.is_allowed(request)
            ]
        return apps

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().login(request, extra_context)
        form = (getattr(response, "context_data", None) or {}).get("form")
        if isinstance(form, LoginForm) and form.blocked_s:
            response.status_code = 429
            response["Retry-After"] = str(form.blocked_s)
        return response

    def _page_view(self, page: Page) -> Callable[..., HttpResponseBase]:
        def view(request: HttpRequest, **captured: str) -> HttpResponseBase:
            if not page.is_allowed(request):
                raise PermissionDenied
            result = page.view(request, **captured)
            if isinstance(result, HttpResponseBase):
                return result
            request.current_app = self.name
            context = {**self.each_context(request), "title": page.title, **result}
            request.page_title = context["title"]  # type: ignore[attr-defined]  # for the heading
            return TemplateResponse(request, page.template, context)

        return self.admin_view(view)
