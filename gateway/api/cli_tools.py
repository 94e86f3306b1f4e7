"""Management API of command-line tools: how they stand, configuring them, and the backups of their settings."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from gateway.cli_tools import backups, writing
from gateway.cli_tools.asking import check_model, check_writes, make_choice
from gateway.cli_tools.backups import Backup
from gateway.cli_tools.by_hand import YOUR_KEY, snippets
from gateway.cli_tools.places import chosen_files, path_of, shown
from gateway.cli_tools.rows import Choice
from gateway.cli_tools.status import Status, all_statuses, status_of
from gateway.cli_tools.tools import TOOLS, get_tool
from gateway.cli_tools.urls import clean_url
from omniroute.schema import CamelModel, Line, ModelName, Secret, StrictModel

router = Router(tags=["CLI tools"], by_alias=True)

_CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")


class ToolSettings(CamelModel):
    """What the tool's files say now."""

    base_url: str
    model: str
    small_model: str
    api_key: str
    """Masked."""


class ToolFile(CamelModel):
    path: str
    exists: bool
    problem: str = ""
    """Why it cannot be read."""


class ToolText(CamelModel):
    title: str
    text: str


class ToolStatus(CamelModel):
    tool: str
    name: str
    automatic: bool
    """Whether it has files that the gateway can write."""
    installed: bool
    runnable: bool
    command: str
    command_path: str
    version: str
    runtime_mode: str
    """`container` or `host`: where the gateway runs."""
    reason: str
    """Why it is not installed, or does not run."""
    has_omni_route: bool
    settings_path: str
    settings: ToolSettings | None
    files: list[ToolFile]


class ToolDetails(ToolStatus):
    by_hand: list[ToolText]
    """What to write where the gateway cannot, for the `model` and `baseUrl` of the question."""


class ToolList(CamelModel):
    tools: list[ToolStatus]
    writes_allowed: bool
    base_url: str


class ToolChoice(StrictModel):
    model: ModelName
    """Of `GET /v1/models`: a combo, an alias, `provider/model`."""
    small_model: Line = ""
    """For titles and the like, where the tool has such jobs; `model` without it."""
    base_url: Line = ""
    """Default: `BASE_URL`."""
    api_key: Secret = ""
    """Empty or masked: the key that is configured; on a gateway that asks for none, a placeholder."""


class ToolChanged(CamelModel):
    success: bool = True
    message: str
    paths: list[str]


class ToolBackupOut(CamelModel):
    id: str
    tool: str
    path: str
    created_at: datetime
    size: int = Field(description="In bytes.")


class ToolBackupList(CamelModel):
    backups: list[ToolBackupOut]


class Restore(StrictModel):
    backup_id: Line


@router.get("/cli-tools", response=ToolList, summary="List the tools")
def list_tools(request: HttpRequest) -> ToolList:
    """Every tool that is known, whether it is installed on the gateway's machine, and what it is configured for."""
    return ToolList(
        tools=[ToolStatus(**_fields(status)) for status in all_statuses(TOOLS.values())],
        writes_allowed=settings.CLI_ALLOW_CONFIG_WRITES,
        base_url=settings.BASE_URL,
    )


@router.get("/cli-tools/backups", response=ToolBackupList, summary="List backups of tools' settings")
def list_backups(request: HttpRequest, tool: str = "") -> ToolBackupList:
    """The newest first; the last ten of each file. 404 for a `tool` that is not known."""
    wanted = get_tool(tool).id if tool else ""
    return ToolBackupList(
        backups=[_backup(each) for each in backups.everything() if not wanted or each.tool == wanted]
    )


@router.post("/cli-tools/backups", response=ToolChanged, summary="Restore a backup")
def restore_backup(request: HttpRequest, body: Restore) -> ToolChanged:
    """What is there now is backed up first. 403 where the gateway must not write, 404 for an unknown id, 409 where the
    file cannot be written."""
    check_writes()
    backup = backups.restore(body.backup_id)
    where = shown(backup.path)
    return ToolChanged(
        message=f"{where} is as it was at {backup.created_at:%Y-%m-%d %H:%M} UTC", paths=[where]
    )


@router.get("/cli-tools/{tool}-settings", response=ToolDetails, summary="How a tool stands")
def get_tool_settings(
    request: HttpRequest,
    tool: str,
    model: ModelName = "my-combo",
    base_url: Annotated[str, Query(alias="baseUrl")] = "",
) -> ToolDetails:
    """Nothing is written, and no key is shown. 404 for a tool that is not known."""
    row = get_tool(tool)
    choice = Choice(clean_url(base_url or settings.BASE_URL), YOUR_KEY, model)
    texts = [ToolText(title=each.title, text=each.text) for each in snippets(row, choice)]
    return ToolDetails(**_fields(status_of(row)), by_hand=texts)


@router.post("/cli-tools/{tool}-settings", response=ToolChanged, summary="Configure a tool for the gateway")
def configure_tool(request: HttpRequest, tool: str, body: ToolChoice) -> ToolChanged:
    """Writes the tool's settings in the home folder of the gateway's user: what else they hold stays, a backup is made.
    400 for an unknown model, or a tool without such files; 403 where the gateway must not write; 409 for a broken file,
    one that cannot be written, or that somebody else changed meanwhile."""
    check_writes()
    row = get_tool(tool)
    choice = make_choice(
        row,
        url=body.base_url or settings.BASE_URL,
        key=body.api_key,
        model=body.model,
        small=body.small_model,
    )
    for name, param in ((choice.model, "model"), (choice.small, "smallModel")):
        if name:
            check_model(name, param)
    paths = [shown(path) for path in writing.configure(row, choice)]
    return ToolChanged(message=f"{row.name} uses {choice.model} of {choice.url} now", paths=paths)


@router.delete("/cli-tools/{tool}-settings", response=ToolChanged, summary="Take a tool's configuration back")
def reset_tool(request: HttpRequest, tool: str) -> ToolChanged:
    """Takes away what the gateway wrote, and nothing else; values that it replaced come back. Errors as above."""
    check_writes()
    row = get_tool(tool)
    paths = [shown(path) for path in writing.reset(row)]
    message = f"{row.name} is as it was before" if paths else f"{row.name} has nothing of the gateway's"
    return ToolChanged(message=message, paths=paths)


def _fields(status: Status) -> dict[str, Any]:
    tool, program = status.tool, status.program
    in_use = ToolSettings(
        base_url=status.url, model=status.model, small_model=status.small, api_key=status.masked_key
    )
    return {
        "tool": tool.id,
        "name": tool.name,
        "automatic": tool.is_automatic,
        "installed": program.is_installed,
        "runnable": program.is_runnable,
        "command": program.command,
        "command_path": program.path,
        "version": program.version,
        "runtime_mode": "container" if any(Path(mark).exists() for mark in _CONTAINER_MARKS) else "host",
        "reason": program.reason,
        "has_omni_route": status.is_configured,
        "settings_path": shown(path_of(chosen_files(tool)[0])) if tool.files else "",
        "settings": in_use if status.url or status.model else None,
        "files": [
            ToolFile(path=state.shown_path, exists=state.exists, problem=state.problem)
            for state in status.files
        ],
    }


def _backup(backup: Backup) -> ToolBackupOut:
    return ToolBackupOut(
        id=backup.id,
        tool=backup.tool,
        path=shown(backup.path),
        created_at=backup.created_at,
        size=backup.size,
    )
