"""System & storage: where the data is, the backups of it, and what is done with them."""

from __future__ import annotations

import shutil
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from gateway.api.backups import database_place
from gateway.backups import shelf, taking, transfer
from gateway.backups.checking import Found, told
from gateway.backups.models import BackupSettings
from gateway.backups.taking import Outcome
from gateway.backups.writing import database_bytes
from omniroute.errors import GatewayError
from omniroute.model_admin import SingletonAdmin
from omniroute.pages import page
from omniroute.types import JSONDict

PERMISSION = "gateway.change_backupsettings"
_ENGINES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_SHOWN_NOTES = 30


@admin.register(BackupSettings)
class BackupSettingsAdmin(SingletonAdmin):
    fieldsets = (
        ("Daily backup", {"fields": ("backup_daily", "backup_history")}),
        ("How long backups are kept", {"fields": ("keep_backups", "keep_backups_days")}),
    )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if gone := shelf.prune():
            messages.info(request, f"{len(gone)} backup{'' if len(gone) == 1 else 's'} deleted.")


@page("storage", title="Backups", section="System & storage", permission=PERMISSION)
def storage(request: HttpRequest) -> JSONDict | HttpResponse:
    """The list; by POST one of its buttons."""
    if request.method == "POST":
        act = {"create": _create, "restore": _restore, "delete": _delete}.get(request.POST.get("do", ""))
        if act is not None:
            _told(request, lambda: act(request))
        return _back()
    backups = shelf.backups()
    return {
        "engine": _ENGINES.get(connection.vendor, connection.vendor),
        "place": database_place(),
        "size": database_bytes(),
        "data_dir": settings.DATA_DIR,
        "free": shutil.disk_usage(settings.DATA_DIR).free,
        "backups": [(backup, shelf.accounts_in(backup)) for backup in backups],
        "last": backups[0] if backups else None,
        "kept": BackupSettings.load(),
        "is_administrator": request.user.is_superuser,
    }


@page("backup", title="Download", section="", permission=PERMISSION, route="<str:id>/")
def download(request: HttpRequest, id: str) -> HttpResponseBase:
    _only_administrators(request)
    try:
        backup = shelf.find(id)
    except GatewayError as error:
        messages.error(request, error.message)
        return _back()
    return transfer.download(backup.path, backup.id, "application/octet-stream")


@page("import", title="Import a database", section="", permission=PERMISSION)
def import_database(request: HttpRequest) -> JSONDict | HttpResponse:
    """An upload is looked at first (`?upload`), and taken over when that is confirmed."""
    _only_administrators(request)
    if request.method == "POST":
        if request.POST.get("do") == "import":
            _told(request, lambda: _import(request))
            return _back()
        return _upload(request)
    try:
        path = transfer.kept_upload(request.GET.get("upload", ""))
        with taking.opened(path) as found:
            return {**_preview(found), "upload": request.GET["upload"]}
    except GatewayError as error:
        messages.error(request, error.message)
        return _back()


def _preview(found: Found) -> JSONDict:
    return {
        "is_ours": found.is_ours,
        "made": found.meta.get("created_at", "")[:16].replace("T", " "),
        "made_by": found.meta.get("version", ""),
        "counts": [(name[:1].upper() + name[1:], count) for name, count in found.counts.items()],
        "notes": found.notes,
        "has_history": found.has_history,
        "is_older_version": bool(found.missing),
    }


def _upload(request: HttpRequest) -> HttpResponse:
    try:
        with transfer.temporary() as folder:
            path, name = transfer.receive(request, folder)
            with taking.opened(path, name):
                pass
            upload = transfer.keep_upload(path, name)
    except GatewayError as error:
        messages.error(request, f"{error.message}. Nothing was changed.")
        return _back()
    return HttpResponseRedirect(f"{reverse('admin:gateway_import')}?upload={upload}")


def _import(request: HttpRequest) -> None:
    path = transfer.kept_upload(request.POST.get("upload", ""))
    with taking.opened(path) as found:
        _tell(request, taking.take(found, history=request.POST.get("history") != "keep"))
    path.unlink(missing_ok=True)


def _create(request: HttpRequest) -> None:
    if (wait := shelf.wait_s()) > 0:
        messages.warning(request, f"The last backup is just made. Try again in {wait:.0f} s.")
        return
    made = shelf.make("manual")
    assert made is not None
    shelf.prune()
    messages.success(request, f"The backup {made.id} is made.")


def _restore(request: HttpRequest) -> None:
    _tell(request, taking.restore(shelf.find(request.POST.get("id", ""))))


def _delete(request: HttpRequest) -> None:
    backup = shelf.find(request.POST.get("id", ""))
    backup.path.unlink(missing_ok=True)
    messages.success(request, f"The backup {backup.id} is deleted.")


def _tell(request: HttpRequest, outcome: Outcome) -> None:
    messages.success(
        request, f"Taken over: {told(outcome.counts)}. What was there before is in {outcome.saved.id}."
    )
    if outcome.notes:
        shown = outcome.notes[:_SHOWN_NOTES]
        if more := len(outcome.notes) - len(shown):
            shown = (*shown, f"{more} more were left out.")
        lines = format_html_join("", "<li>{}</li>", ((note,) for note in shown))
        messages.warning(request, format_html('To know, and to do:<ul class="or-notes">{}</ul>', lines))


def _told(request: HttpRequest, act: Any) -> None:
    _only_administrators(request)
    try:
        act()
    except GatewayError as error:
        messages.error(request, f"{error.message}. Nothing was changed.")


def _only_administrators(request: HttpRequest) -> None:
    """A backup holds everything, and restoring one changes everything."""
    if not request.user.is_superuser:
        raise PermissionDenied


def _back() -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:gateway_storage"))
