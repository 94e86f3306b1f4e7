from __future__ import annotations

import pytest

from gateway import snapshot
from gateway.models import GatewaySettings
from tests.management import ManagementClient, api  # noqa: F401

PROMPT, THINKING = "/api/settings/system-prompt", "/api/settings/thinking-budget"
OFF = {"enabled": False, "prompt": ""}
DEFAULT = {"mode": "passthrough", "customBudget": 10240, "effortLevel": "medium"}


def test_both_policies_are_off_at_first(api: ManagementClient) -> None:  # noqa: F811
    assert api.ok("GET", PROMPT) == OFF
    assert api.ok("GET", THINKING) == DEFAULT
    assert not snapshot.load().policies.active


def test_the_system_prompt_is_kept_as_it_is_written(api: ManagementClient) -> None:  # noqa: F811
    prompt = {"enabled": True, "prompt": "  First line.\n\tSecond line. ☕"}
    assert api.ok("PUT", PROMPT, prompt) == prompt
    assert api.ok("GET", PROMPT) == prompt
    assert snapshot.load().policies.system_prompt == "First line.\n\tSecond line. ☕"


def test_a_prompt_that_is_switched_off_is_remembered(api: ManagementClient) -> None:  # noqa: F811
    api.ok("PUT", PROMPT, {"enabled": True, "prompt": "Hi"})
    assert api.ok("PUT", PROMPT, {"enabled": False}) == {"enabled": False, "prompt": "Hi"}
    assert snapshot.load().policies.system_prompt == ""


def test_the_thinking_budget_changes_field_by_field(api: ManagementClient) -> None:  # noqa: F811
    assert api.ok("PUT", THINKING, {"mode": "custom", "customBudget": 0}) == {
        **DEFAULT,
        "mode": "custom",
        "customBudget": 0,
    }
    assert api.ok("PUT", THINKING, {"mode": "adaptive", "effortLevel": "high", "customBudget": 131_072}) == {
        "mode": "adaptive",
        "customBudget": 131_072,
        "effortLevel": "high",
    }
    policy = snapshot.load().policies.thinking
    assert (policy.mode, policy.budget, policy.effort) == ("adaptive", 131_072, "high")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (PROMPT, {"enabled": "yes"}, "enabled"),
        (PROMPT, {"enabled": 1}, "enabled"),
        (PROMPT, {"prompt": 7}, "prompt"),
        (PROMPT, {"prompt": None}, "prompt"),
        (PROMPT, {"prompt": "x" * 100_001}, "prompt"),
        (PROMPT, {"promt": "x"}, "promt"),
        (THINKING, {"mode": "max"}, "mode"),
        (THINKING, {"mode": None}, "mode"),
        (THINKING, {"customBudget": -1}, "customBudget"),
        (THINKING, {"customBudget": 131_073}, "customBudget"),
        (THINKING, {"customBudget": 1.5}, "customBudget"),
        (THINKING, {"customBudget": "5"}, "customBudget"),
        (THINKING, {"customBudget": True}, "customBudget"),
        (THINKING, {"effortLevel": "xhigh"}, "effortLevel"),
        (THINKING, {"mode": "auto", "effort": "low"}, "effort"),
    ],
)
def test_what_is_wrong_is_refused_and_changes_nothing(
    api: ManagementClient,  # noqa: F811
    path: str,
    body: dict[str, object],
    field: str,
) -> None:
    assert api.error("PUT", path, body) == (400, field)
    assert api.ok("GET", path) == (OFF if path == PROMPT else DEFAULT)


def test_the_general_settings_show_and_change_them_too(api: ManagementClient) -> None:  # noqa: F811
    changed = api.ok("PATCH", "/api/settings", {"systemPrompt": "a\nb", "thinkingMode": "auto"})
    assert (changed["systemPrompt"], changed["thinkingMode"]) == ("a\nb", "auto")
    assert api.error("PATCH", "/api/settings", {"thinkingMode": "max"}) == (400, "thinkingMode")
    assert api.error("PATCH", "/api/settings", {"thinkingBudget": 131_073}) == (400, "thinkingBudget")
    assert GatewaySettings.load().system_prompt == "a\nb"


@pytest.mark.django_db
def test_the_admin_has_a_form_for_them(admin_client) -> None:
    page = admin_client.get("/admin/gateway/aisettings/1/change/", follow=True)
    assert page.status_code == 200
    text = page.content.decode()
    assert '<textarea name="system_prompt"' in text
    assert all(f'name="{name}"' in text for name in ("thinking_mode", "thinking_budget", "thinking_effort"))
