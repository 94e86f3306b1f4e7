"""Who may import whom: the kernel knows nobody, nothing below the gateway knows the gateway, and nobody
knows himself by way of others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.services import ROOT

KERNEL = "omniroute.kernel"
APPS = ("resilience", "providers", "combos", "billing", "gateway")
COMPOSITION = "omniroute.project"
"""Settings, URLs, ASGI, the admin site, commands: puts everything together."""
COMPOSITION_MODULES = {
    "__main__",
    "admin",
    "admin_site",
    "apps",
    "asgi",
    "checks",
    "env",
    "first_start",
    "management",
    "places",
    "settings",
    "unfold",
    "urls",
}
"""Everything else in `omniroute` is kernel."""
LEAVES = {"pages", "admin"}
"""Modules and packages that Django or the admin site finds by name; nobody else imports them."""

ALLOWED = {
    KERNEL: set(),
    "resilience": {KERNEL},
    "providers": {KERNEL, "resilience"},
    "combos": {KERNEL, "resilience", "providers"},
    "billing": {KERNEL},
    "gateway.wire": {KERNEL},
    "gateway.simulator": set(),
    "gateway": {KERNEL, *APPS, "gateway.wire", "gateway.simulator"},
    COMPOSITION: {KERNEL, *APPS, "gateway.wire", "gateway.simulator"},
}
"""Layer: whom it may import beside itself."""

PURE = {
    "gateway.wire": {
        "django",
        "ninja",
        "httpx",
        "asyncio",
        "socket",
        "requests",
        "urllib.request",
    },
    "gateway.simulator": {"django", "ninja"},
}
"""Layer: what it must not touch."""


def sources() -> list[Path]:
    return [
        path
        for package in ("omniroute", *APPS)
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations" not in path.parts
    ]


def layer(module: str) -> str | None:
    """None for modules that are not the project's."""
    top, _, rest = module.partition(".")
    if top == "omniroute":
        return COMPOSITION if rest.partition(".")[0] in COMPOSITION_MODULES else KERNEL
    if top not in APPS:
        return None
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[:2] in (["gateway", "wire"], ["gateway", "simulator"]) else top


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, module) of every import, those inside of functions and `if TYPE_CHECKING` included."""
    package = module_of(path) if path.name == "__init__.py" else module_of(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join(
                    [*package.split(".")[: len(package.split(".")) - node.level + 1], base]
                ).rstrip(".")
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def breaches(path: Path) -> Iterator[str]:
    module = module_of(path)
    own = layer(module)
    assert own is not None
    for line, imported in imports(path):
        where = f"{path.relative_to(ROOT)}:{line} imports {imported}"
        theirs = layer(imported)
        if theirs is not None and theirs != own and theirs not in ALLOWED[own] and not _is_version(imported):
            yield f"{where}: {own} may not import {theirs}"
        if any(imported == banned or imported.startswith(f"{banned}.") for banned in PURE.get(own, ())):
            yield f"{where}: {own} stays free of it"
        if own != COMPOSITION and _is_leaf(imported) and not _is_leaf(module):
            yield f"{where}: nothing imports admin or pages modules"


def dependencies(path: Path, known: set[str]) -> set[str]:
    """Modules that must be whole before this one can be, type-only and late imports included: what it imports, and
    the packages around that, whose `__init__` runs first, but for those that are around itself, too."""
    module = module_of(path)
    found: set[str] = set()
    for _, imported in imports(path):
        parts = imported.split(".")
        names = [name for end in range(len(parts)) if (name := ".".join(parts[: end + 1])) in known]
        found.update(names[-1:], (name for name in names if not module.startswith(f"{name}.")))
    return found - {module}


def circle(paths: list[Path]) -> list[str]:
    """Modules of which each needs the next, and the last is the first; empty where there are none."""
    known = {module_of(path) for path in paths}
    try:
        TopologicalSorter({module_of(path): dependencies(path, known) for path in paths}).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def _is_leaf(imported: str) -> bool:
    parts = imported.split(".")
    return parts[0] in APPS and len(parts) > 1 and parts[1] in LEAVES


def _is_version(imported: str) -> bool:
    return imported == "omniroute.__version__"


def test_imports_point_one_way():
    assert [breach for path in sources() for breach in breaches(path)] == []


def test_it_finds_breaches(tmp_path, monkeypatch):
    """The walker itself: relative, nested and conditional imports are seen."""
    monkeypatch.setattr("tests.test_layering.ROOT", tmp_path)
    bad = tmp_path / "gateway" / "wire" / "bad.py"
    bad.parent.mkdir(parents=True)
    bad.write_text("def f():\n    from django.conf import settings\n    from ..models import X\n")
    assert [problem.partition(":")[2].partition(" ")[0] for problem in breaches(bad)] == ["2", "3"]
    low = tmp_path / "resilience" / "bad.py"
    low.parent.mkdir()
    low.write_text(
        "import providers.models\nfrom omniroute.settings import PORT\nfrom omniroute import errors\n"
    )
    assert len(list(breaches(low))) == 2


def test_no_modules_import_each_other():
    assert circle(sources()) == []


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("import providers.b", "import providers.a", {"a", "b"}),
        (
            "def f():\n    from providers.b import X",
            "if TYPE_CHECKING:\n    from .a import Y",
            {"a", "b"},
        ),
        ("from providers import b", "from providers import c", set()),
    ],
)
def test_it_finds_circles(tmp_path, monkeypatch, one, other, found):
    monkeypatch.setattr("tests.test_layering.ROOT", tmp_path)
    files = {"__init__": "", "a": one, "b": other, "c": ""}
    paths = [tmp_path / "providers" / f"{name}.py" for name in files]
    paths[0].parent.mkdir()
    for path, text in zip(paths, files.values(), strict=True):
        path.write_text(text)
    assert {module.partition(".")[2] for module in circle(paths)} == found


def test_a_package_comes_before_its_modules(tmp_path, monkeypatch):
    """Whoever imports a module runs its package first, so the package may not need them."""
    monkeypatch.setattr("tests.test_layering.ROOT", tmp_path)
    package = tmp_path / "billing" / "pricing"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from billing.config import Config")
    (package / "rates.py").write_text("")
    (tmp_path / "billing" / "config.py").write_text("from billing.pricing.rates import rate")
    assert set(circle(sorted(tmp_path.rglob("*.py")))) == {"billing.config", "billing.pricing"}


def test_wire_works_without_django():
    import subprocess
    import sys

    code = (
        "import sys, gateway.wire as wire\n"
        "for name in wire.FORMATS:\n"
        "    try: wire.get_format(name)\n"
        "    except ModuleNotFoundError as error:\n"
        "        if not str(error.name).startswith('gateway.wire.'): raise\n"
        "sys.exit('django is loaded' if 'django' in sys.modules else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
