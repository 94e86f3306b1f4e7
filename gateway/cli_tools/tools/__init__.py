"""The tools, a row each. Adding one is adding a row here, and a section to docs/clients.md; tests/clients runs what
can be run."""

from __future__ import annotations

from gateway.cli_tools.rows import Tool
from gateway.cli_tools.tools import agents, assistants, by_hand, vendors
from omniroute.errors import NotFound

TOOLS: dict[str, Tool] = {
    row.id: row
    for module in (vendors, agents, assistants, by_hand)
    for row in vars(module).values()
    if isinstance(row, Tool)
}
"""By id; those that can be configured first."""
_NAMES = {name: row for row in TOOLS.values() for name in (row.id, *row.also)}


def get_tool(name: str) -> Tool:
    """By its id, or another name of it. Raise `NotFound`."""
    try:
        return _NAMES[name.lower()]
    except KeyError:
        raise NotFound(f"There is no tool {name[:60]!r}. Known: {', '.join(TOOLS)}", param="tool") from None
