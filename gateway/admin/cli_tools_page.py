"""Command-line tools in the admin: a card for each, and a page that configures it or shows how to do it by hand."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from billing.keys import create_api_key
from combos.queries import combo_names
from gateway.cli_tools import backups, by_hand, writing
from gateway.cli_tools.asking import check_model, check_writes, make_choice
from gateway.cli_tools.places import shown
from gateway.cli_tools.rows import Choice, Tool
from gateway.cli_tools.status import all_statuses, status_of
from gateway.cli_tools.tools import TOOLS, get_tool
from gateway.cli_tools.urls import clean_url
from omniroute.errors import ClientError, NotFound
from omniroute.pages import page
from omniroute.types import JSONDict
from providers.choices import model_ids
from providers.config import load_specs


@page("cli-tools", title="CLI tools", section="Tools", icon="terminal", permission="billing.view_apikey")
def cli_tools(request: HttpRequest) -> JSONDict:
    statuses = all_statuses(TOOLS.values())
    automatic = [status for status in statuses if status.tool.is_automatic]
    return {
        "groups": [
            (
                "On this machine",
                [status for status in automatic if status.program.is_installed or status.has_entries],
            ),
            ("Not found here", [s for s in automatic if not (s.program.is_installed or s.has_entries)]),
            ("By hand", [status for status in statuses if not status.tool.is_automatic]),
        ],
        "may_write": _may_write(request),
        "address": visited(request),
    }


@page("cli-tools/tool", title="CLI tool", section="", route="<str:tool>/", permission="billing.view_apikey")
def cli_tool(request: HttpRequest, tool: str) -> JSONDict | HttpResponse:
    try:
        row = get_tool(tool)
    except NotFound as error:
        raise Http404(error.message) from None
    form = _form(request)
    if "by-hand" in request.GET:
        return render(request, "admin/gateway/cli-tools/by_hand.html", _by_hand(row, form))
    new_key = ""
    if request.method == "POST":
        do = request.POST.get("do")
        if do == "key":
            new_key = _make_key(request, row)
        elif done := _carry_out(request, row, form, do):
            return done
    status = status_of(row)
    if request.method != "POST":
        form = {**form, "model": form["model"] or status.model, "small": form["small"] or status.small}
    suggestions = [*combo_names(), *model_ids(load_specs(), ("chat",))]
    return {
        "title": row.name,
        "status": status,
        "form": form,
        "suggestions": suggestions,
        "suggested": suggestions[0] if suggestions else "",
        "has_small": "$small" in repr((row.files, row.exports)),
        "may_write": _may_write(request),
        "may_make_key": request.user.has_perm("billing.add_apikey"),
        "new_key": new_key,
        "backups": [(each, shown(each.path)) for each in backups.everything() if each.tool == row.id],
        **_by_hand(row, form, new_key),
    }


def visited(request: HttpRequest) -> str:
    """The gateway's address as whoever looks at the page reaches it."""
    return clean_url(request.build_absolute_uri("/"))


def _form(request: HttpRequest) -> dict[str, str]:
    given = request.POST if request.method == "POST" else request.GET
    return {
        "url": given.get("url", "").strip() or visited(request),
        "model": given.get("model", "").strip(),
        "small": given.get("small", "").strip(),
    }


def _by_hand(row: Tool, form: dict[str, str], key: str = "") -> JSONDict:
    try:
        url = clean_url(form["url"])
    except ClientError as error:
        return {"tool": row, "by_hand_problem": error.message}
    choice = Choice(url, key or by_hand.YOUR_KEY, form["model"] or "my-combo", form["small"])
    return {
        "tool": row,
        "snippets": by_hand.snippets(row, choice),
        "command": by_hand.command(row, choice) if row.is_automatic else "",
        "your_key": by_hand.YOUR_KEY,
    }


def _make_key(request: HttpRequest, row: Tool) -> str:
    if not request.user.has_perm("billing.add_apikey"):
        raise PermissionDenied
    return create_api_key(row.name).secret


def _may_write(request: HttpRequest) -> bool:
    """Like the management API: administrators alone reach into the machine."""
    try:
        check_writes()
    except ClientError:
        return False
    return bool(getattr(request.user, "is_superuser", False))


def _carry_out(request: HttpRequest, row: Tool, form: dict[str, str], do: str | None) -> HttpResponse | None:
    """None where it failed: the page says why, and keeps what was entered."""
    if not _may_write(request):
        raise PermissionDenied
    try:
        if do == "reset":
            paths = writing.reset(row)
            said = (
                f"{row.name} is as it was before." if paths else f"{row.name} has nothing of the gateway's."
            )
        elif do == "restore":
            backup = backups.restore(request.POST.get("backup", ""))
            said = f"{shown(backup.path)} is as it was at {backup.created_at:%Y-%m-%d %H:%M:%S} UTC."
        else:
            said = _configure(row, form, request.POST.get("key", "").strip())
    except ClientError as error:
        messages.error(request, error.message)
        return None
    messages.success(request, said)
    return HttpResponseRedirect(reverse("admin:gateway_cli-tools_tool", args=[row.id]))


def _configure(row: Tool, form: dict[str, str], key: str) -> str:
    choice = make_choice(row, url=form["url"], key=key, model=form["model"], small=form["small"])
    check_model(choice.model)
    if choice.small:
        check_model(choice.small, "smallModel")
    paths = writing.configure(row, choice)
    return f"{row.name} uses {choice.model} now: {', '.join(shown(path) for path in paths)}."
