"""The figures as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from bench.measure import Figure

LIBRARIES = ("django", "uvicorn", "msgspec", "httptools", "uvloop")


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def table(figures: list[Figure]) -> str:
    rows = [("", "unit", "gateway", "direct", "goal", "")]
    for figure in figures:
        over = figure.goal is not None and (figure.gateway is None or figure.gateway > figure.goal)
        remarks = [f"{figure.errors} errors"] * bool(figure.errors) + ["over the goal"] * over
        values = (
            _number(figure.gateway),
            _number(figure.direct),
            f"<= {figure.goal:g}" if figure.goal else "-",
        )
        rows.append((figure.name, figure.unit, *values, ", ".join(remarks)))
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    lines = [_line(row, widths) for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    cells = [
        cell.ljust(width) if column < 2 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join([*cells[:5], row[5]]).rstrip()


def machine_line(rows: int) -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    system = f"Python {platform.python_version()}, {platform.machine()}"
    return f"{system}, {libraries}; {rows:,} usage rows beforehand"


def write_json(path: Path, figures: list[Figure], rows: int) -> None:
    body = {"machine": machine_line(rows), "rows": rows, "figures": [asdict(figure) for figure in figures]}
    path.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n")
