"""Keeps the audit log: logins, what is saved in the admin, and what is called or commanded that changes something."""

from __future__ import annotations

import getpass
import os
from typing import Any, TypeVar

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import post_save
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from omniroute.models import AuditEntry

R = TypeVar("R", bound=HttpResponseBase)

KEPT = 10_000
"""Entries; older ones are deleted."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
_DONE = {ADDITION: "added", CHANGE: "changed", DELETION: "deleted"}
_BATCH = 500
_FOUND = 302
"""The status after a form that was in order."""


def note(
    action: str, *, actor: str, target: str = "", details: str = "", request: HttpRequest | None = None
) -> None:
    address = request.META.get("REMOTE_ADDR", "") if request else ""
    AuditEntry.objects.create(
        actor=actor[:200],
        address=address[:45],
        action=action[:60],
        target=target[:300],
        details=details[:1000],
    )


def note_command(action: str, *, target: str = "", details: str = "") -> None:
    """Done by somebody with a shell on this machine."""
    try:
        who = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        who = str(os.getuid())
    note(action, actor=f"command line: {who}", target=target, details=details)


def only_asked(response: R) -> R:
    """Mark the answer to a POST that changed nothing: a question too long for an address."""
    response.only_asked = True  # type: ignore[attr-defined]
    return response


def of_page(request: HttpRequest, response: HttpResponse) -> None:
    """What was done on a page of the admin, unless the admin's own log tells it (`_saved`)."""
    match, user = request.resolver_match, request.user
    if request.method != "POST" or response.status_code >= 400 or match is None or not user.is_staff:
        return
    if getattr(response, "only_asked", False):
        return
    name = match.url_name or ""
    done = (
        request.POST.get("action", "") if name.endswith("_changelist") and "_save" not in request.POST else ""
    )
    if (name.endswith("_changelist") and not done) or name.endswith(("_add", "_change", "_delete", "logout")):
        return
    if name == "password_change" and response.status_code != _FOUND:
        return
    rows = ", ".join(request.POST.getlist("_selected_action"))
    note(
        done.replace("_", " ") or "used",
        actor=user.get_username(),
        target=request.path,
        details=rows,
        request=request,
    )


def watch() -> None:
    user_logged_in.connect(_logged_in, dispatch_uid="audit-login")
    user_logged_out.connect(_logged_out, dispatch_uid="audit-logout")
    user_login_failed.connect(_failed, dispatch_uid="audit-failed-login")
    post_save.connect(_saved, sender=LogEntry, dispatch_uid="audit-admin")


def prune() -> int:
    """How many entries were deleted."""
    last = AuditEntry.objects.order_by("-id").values_list("id", flat=True)[KEPT:].first()
    deleted = 0
    while last is not None:
        ids = list(
            AuditEntry.objects.filter(id__lte=last).order_by("id").values_list("id", flat=True)[:_BATCH]
        )
        if not ids:
            break
        deleted += AuditEntry.objects.filter(id__in=ids).delete()[0]
    return deleted


def _logged_in(sender: Any, request: HttpRequest | None = None, user: Any = None, **_: Any) -> None:
    note("logged in", actor=user.get_username(), request=request)


def _logged_out(sender: Any, request: HttpRequest | None = None, user: Any = None, **_: Any) -> None:
    if user is not None:
        note("logged out", actor=user.get_username(), request=request)


def _failed(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    note("failed to log in", actor=str(credentials.get("username") or ""), request=request)


def _saved(sender: Any, instance: LogEntry, created: bool, raw: bool = False, **_: Any) -> None:
    if not created or raw:
        return
    kind = instance.content_type.name if instance.content_type else ""
    note(
        _DONE.get(instance.action_flag, "did"),
        actor=instance.user.get_username(),
        target=f"{kind} {instance.object_repr}".strip(),
        details=instance.get_change_message() if instance.action_flag == CHANGE else "",
    )
