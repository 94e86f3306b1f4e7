"""Cloud sync in the admin: begin, see how it goes, end. And the copies that are kept here for others."""

from __future__ import annotations

from typing import Any

from django.conf import settings as django_settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.views.decorators.debug import sensitive_post_parameters
from unfold.admin import ModelAdmin
from unfold.decorators import display

from gateway.models import SyncRun, SyncSettings, SyncSpace
from gateway.sync import control
from gateway.sync.envelope import MIN_PASSPHRASE
from gateway.sync.errors import SyncError
from gateway.sync.flow import address
from gateway.sync.groups import ALL, GROUPS
from omniroute.net import is_loopback
from omniroute.pages import page
from omniroute.types import JSONDict

CONFIRMATION = "share"
"""What is typed below the list of what leaves the machine."""
SHOWN_RUNS = 12
CAN_GO_ON = ("copy_gone", "older_copy", "other_copy")
"""Refusals that an operator may overrule."""


@page("sync", title="Devices and state", section="Cloud sync", permission="gateway.change_syncsettings")
@sensitive_post_parameters("passphrase", "passphrase_again", "api_key")
def sync_page(request: HttpRequest) -> JSONDict | HttpResponse:
    values: JSONDict = {}
    if request.method == "POST":
        try:
            messages.success(request, _act(request))
            return HttpResponseRedirect(request.path)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            values = {
                name: request.POST.get(name, "") for name in ("url", "space", "device_name", "interval")
            }
            values["groups"] = request.POST.getlist("groups")
        except SyncError as error:
            messages.error(request, f"{error.message}.")
            if request.POST.get("action") != "enable":
                return HttpResponseRedirect(request.path)
            values = {
                name: request.POST.get(name, "") for name in ("url", "space", "device_name", "interval")
            }
            values["groups"] = request.POST.getlist("groups")
    return _context(values)


def _act(request: HttpRequest) -> str:
    """What was done. Raise `ValidationError` or `SyncError`."""
    action, form = request.POST.get("action", ""), request.POST
    if action == "enable":
        _check(request)
        run = control.enable(_wish(request, form.get("passphrase", "")))
        return f"Cloud sync is on. {_told(run)}"
    if action == "sync":
        return _told(control.sync_now(accept_older="accept" in form))
    if action == "change":
        wish = _wish(request, "")
        control.change(wish.groups, wish.interval_minutes, wish.device_name)
        return "Saved. It holds from the next sync on."
    if action == "disable":
        control.disable(delete_remote="delete" in form)
        return "Cloud sync is off. The configuration stays here."
    raise ValidationError("Choose one of the buttons.")


def _check(request: HttpRequest) -> None:
    form = request.POST
    if form.get("passphrase", "") != form.get("passphrase_again", ""):
        raise ValidationError("The two passphrases differ.")
    if form.get("confirmation", "").strip().lower() != CONFIRMATION:
        raise ValidationError(f"Type “{CONFIRMATION}” to confirm what leaves this machine.")


def _wish(request: HttpRequest, passphrase: str) -> control.Wish:
    form = request.POST
    groups = tuple(group for group in ALL if group in form.getlist("groups"))
    if not groups:
        raise ValidationError("Choose what is shared.")
    minutes = form.get("interval", "")
    if not (minutes.isascii() and minutes.isdigit() and 1 <= int(minutes[:6]) <= 1440):
        raise ValidationError("The interval is 1 to 1440 minutes.")
    return control.Wish(
        url=form.get("url", "")[:500],
        api_key=form.get("api_key", "")[:500],
        passphrase=passphrase,
        space=form.get("space", "")[:60],
        device_name=form.get("device_name", "")[:100],
        groups=groups,
        interval_minutes=int(minutes),
    )


def _told(run: SyncRun) -> str:
    if not (run.sent or run.taken or run.refused):
        return "Everything is the same here and there."
    refused = f" {len(run.refused)} could not be taken." if run.refused else ""
    return f"Sent {len(run.sent)}, took {len(run.taken)}.{refused}"


def _context(values: JSONDict) -> JSONDict:
    row = SyncSettings.load()
    url = address(row)
    chosen = values.get("groups") or row.groups or list(ALL)
    return {
        "row": row,
        "url": url,
        "from_environment": bool(django_settings.CLOUD_URL),
        "is_open": url.startswith("http://") and not is_loopback(url[7:].partition("/")[0].partition(":")[0]),
        "values": {
            "url": url,
            "space": row.space,
            "device_name": row.device_name,
            "interval": row.interval_minutes,
            **{name: text for name, text in values.items() if text},
        },
        "groups": [(group, group.id in chosen) for group in GROUPS],
        "devices": control.devices(row),
        "runs": SyncRun.objects.all()[:SHOWN_RUNS],
        "can_go_on": row.error_code in CAN_GO_ON,
        "spaces": SyncSpace.objects.defer("envelope").select_related("owner").count(),
        "min_passphrase": MIN_PASSPHRASE,
        "confirmation": CONFIRMATION,
        "base_url": django_settings.BASE_URL,
    }


@admin.register(SyncSpace)
class SyncSpaceAdmin(ModelAdmin):
    """Copies of others: to hand over to another key, or to delete."""

    list_display = ("name", "owner", "version", "size", "updated_at")
    fields = ("owner", "version", "size", "updated_at", "created_at")
    readonly_fields = ("version", "size", "updated_at", "created_at")
    list_select_related = ("owner",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @display(description="Size")
    def size(self, row: SyncSpace) -> Any:
        return filesizeformat(len(row.envelope))
