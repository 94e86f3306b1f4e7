"""The admin's own pages: a function each, in its app's `pages.py`, found at start.

    @page("health", title="Provider health", section="Providers")
    def health(request: HttpRequest) -> JSONDict:
        return {"states": ...}

The function returns the context of `templates/admin/<app>/<name>.html`, which extends `admin/base_site.html`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from omniroute.types import JSONDict

PageView = Callable[..., JSONDict | HttpResponseBase]
"""Takes the request, and what its route captures."""


@dataclass(frozen=True, slots=True)
class Page:
    app: str
    name: str
    """With a slash for a page below another one."""
    title: str
    section: str
    """The title of the sidebar's group that lists the page; "": no group does."""
    view: PageView
    icon: str = "article"
    permission: str = ""
    """Such as `providers.view_account`; "": every admin user."""
    route: str = ""
    """Behind the name, such as `<str:provider>/`: for pages that no group lists."""

    @property
    def path(self) -> str:
        return f"{self.app}/{self.name}/{self.route}"

    @property
    def url_name(self) -> str:
        return f"{self.app}_{self.name}".replace("/", "_")

    @property
    def template(self) -> str:
        return f"admin/{self.app}/{self.name}.html"

    def is_allowed(self, request: HttpRequest) -> bool:
        return not self.permission or request.user.has_perm(self.permission)


_pages: dict[str, Page] = {}


def page(
    name: str, *, title: str, section: str, icon: str = "article", permission: str = "", route: str = ""
) -> Callable[[PageView], PageView]:
    """Register the function as a page of the app that it is defined in. Raise `ValueError` for a name taken."""

    def register(view: PageView) -> PageView:
        app = view.__module__.partition(".")[0]
        item = Page(app, name, title, section, view, icon, permission, route)
        if item.path in _pages:
            raise ValueError(f"page {item.path!r} is registered twice")
        _pages[item.path] = item
        return view

    return register


def all_pages() -> list[Page]:
    return list(_pages.values())


def pages_of(section: str) -> list[Page]:
    return [item for item in _pages.values() if item.section == section]
