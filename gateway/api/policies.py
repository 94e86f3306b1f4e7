"""Management API of the request-wide policies, in OmniRoute's shapes (docs/api.md)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Router
from pydantic import Field, StrictBool, StrictInt, StringConstraints

from gateway.models import MAX_SYSTEM_PROMPT, GatewaySettings
from gateway.policies.thinking import MAX_BUDGET
from omniroute.schema import CamelModel, StrictModel

router = Router(tags=["Settings"], by_alias=True)

Mode = Literal["passthrough", "auto", "custom", "adaptive"]
Effort = Literal["none", "low", "medium", "high"]


class SystemPrompt(CamelModel):
    enabled: bool
    prompt: str


class SystemPromptChange(StrictModel):
    enabled: StrictBool = False
    prompt: Annotated[str, StringConstraints(max_length=MAX_SYSTEM_PROMPT)] = ""


class ThinkingBudget(CamelModel):
    mode: str
    custom_budget: int
    effort_level: str


class ThinkingBudgetChange(StrictModel):
    mode: Mode = "passthrough"
    custom_budget: Annotated[StrictInt, Field(ge=0, le=MAX_BUDGET)] = 0
    effort_level: Effort = "medium"


@router.get("/settings/system-prompt", response=SystemPrompt)
def get_system_prompt(request: HttpRequest) -> SystemPrompt:
    """The text that is appended to the instructions of every request."""
    row = GatewaySettings.load()
    return SystemPrompt(enabled=row.system_prompt_enabled, prompt=row.system_prompt)


@router.put("/settings/system-prompt", response=SystemPrompt)
def put_system_prompt(request: HttpRequest, body: SystemPromptChange) -> SystemPrompt:
    """Only the fields that are present change."""
    names = {"enabled": "system_prompt_enabled", "prompt": "system_prompt"}
    _save(body.model_dump(exclude_unset=True), names)
    return get_system_prompt(request)


@router.get("/settings/thinking-budget", response=ThinkingBudget)
def get_thinking_budget(request: HttpRequest) -> ThinkingBudget:
    """How much models may think, whatever the client asks for."""
    row = GatewaySettings.load()
    return ThinkingBudget(
        mode=row.thinking_mode, custom_budget=row.thinking_budget, effort_level=row.thinking_effort
    )


@router.put("/settings/thinking-budget", response=ThinkingBudget)
def put_thinking_budget(request: HttpRequest, body: ThinkingBudgetChange) -> ThinkingBudget:
    """Only the fields that are present change."""
    names = {"mode": "thinking_mode", "custom_budget": "thinking_budget", "effort_level": "thinking_effort"}
    _save(body.model_dump(exclude_unset=True), names)
    return get_thinking_budget(request)


def _save(changes: dict[str, Any], names: dict[str, str]) -> None:
    row = GatewaySettings.load()
    for name, value in changes.items():
        setattr(row, names[name], value)
    row.full_clean()
    row.save()
