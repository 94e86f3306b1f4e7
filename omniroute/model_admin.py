"""What the apps' admins share."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin

from omniroute.forms import RowForm


class FormContextAdmin(ModelAdmin):
    """Its form's template gets `form_context` beside what Django gives it."""

    def form_context(self) -> dict[str, Any]:
        return {}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        context = {**(extra_context or {}), **self.form_context()}
        return super().changeform_view(request, object_id, form_url, context)


class ReadOnlyAdmin(FormContextAdmin):
    """Rows that the gateway writes: to look at, not to touch."""

    def form_context(self) -> dict[str, Any]:
        """Without a history, which such rows never have."""
        return {"show_history": False}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class SingletonAdmin(FormContextAdmin):
    """The form of an `omniroute.singleton.Singleton`: there is no list, so the entry in the navigation opens it."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect_to_change(self, "1")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row, or its defaults before the first save."""
        return self.model.load()

    def form_context(self) -> dict[str, Any]:
        """One button is enough: after saving, one is at the form again."""
        return {"show_save_and_continue": False}

    def response_change(self, request: HttpRequest, obj: Model) -> HttpResponse:
        """Django's sentence is about one row of many."""
        messages.success(request, f"{obj} saved.")
        return self.response_post_save_change(request, obj)

    def response_post_save_change(self, request: HttpRequest, obj: Model) -> HttpResponse:
        """There is no list to go back to."""
        return HttpResponseRedirect(request.path)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ListEditingAdmin(FormContextAdmin):
    """For `list_editable` on models whose `clean` looks at more than the edited fields."""

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        return super().get_changelist_form(request, **{"form": RowForm, **kwargs})


POST_ATTRS = {"data-post": "Testing…"}
"""Makes `admin.js` send a detail action's link as a POST with the CSRF token: an action that does something must not
be a link that any page can point at."""


def redirect_to_change(admin: ModelAdmin, object_id: str) -> HttpResponseRedirect:
    options = admin.model._meta
    return HttpResponseRedirect(
        reverse(f"admin:{options.app_label}_{options.model_name}_change", args=(object_id,))
    )


def object_or_none(admin: ModelAdmin, request: HttpRequest, object_id: str) -> Any:
    """The row, or None after telling the user that it is gone."""
    row = admin.get_object(request, object_id)
    if row is None:
        messages.error(request, f"This {admin.model._meta.verbose_name} does not exist any more.")
    return row


def refuse_get(admin: ModelAdmin, request: HttpRequest, object_id: str) -> HttpResponse | None:
    """What to answer when the action was not asked for by POST; None when it was."""
    return None if request.method == "POST" else redirect_to_change(admin, object_id)
