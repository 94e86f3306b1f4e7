"""The house rules that a program can check: sizes, names, words."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from functools import cache
from pathlib import Path

from tests.services import ROOT

MAX_FILE = 320
MAX_FUNCTION = 45
LARGE_FILES: dict[str, str] = {}
"""Path: why it may be longer. Tables may."""
LONG_FUNCTIONS: dict[str, str] = {}
"""`path:function`: why it may be longer."""
FOREIGN = ("tests/",)
VAGUE_MODULES = {"utils", "util", "helpers", "helper", "misc", "common", "stuff"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
PRIVATE = re.compile(
    r"/(?:work|root|home)/\w|worktree|pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)", re.IGNORECASE
)
"""Paths of somebody's machine, and package registries."""
WE = re.compile(r"\b[Ww]e\b")


def tracked() -> list[Path]:
    """Files under version control, or, outside of a clone, all that look like it."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and not {".venv", ".git"} & set(path.parts)]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


TEXT = (".py", ".md", ".html", ".js", ".css", ".toml", ".yaml", ".yml", ".txt", ".example", "")
FILES = [path for path in tracked() if path.suffix in TEXT and path != Path(__file__)]
CODE = [path for path in FILES if path.suffix == ".py" and "/migrations/" not in name(path)]
OWN_CODE = [path for path in CODE if not name(path).startswith(FOREIGN)]


@cache
def text(path: Path) -> str:
    return path.read_text(errors="replace")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(text(path))


def functions(path: Path) -> dict[str, int]:
    """Lines of each, by `path:function`."""
    return {
        f"{name(path)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def prose(source: str) -> list[tuple[int, str]]:
    """(line, text) of every comment and every string that stands alone."""
    found = [
        (token.start[0], token.string)
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    ]
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            found.append((node.lineno, node.value.value))
    return found


def test_files_are_short():
    sizes = {name(path): text(path).count("\n") for path in OWN_CODE}
    assert {file: size for file, size in sizes.items() if size > MAX_FILE and file not in LARGE_FILES} == {}
    assert [file for file in LARGE_FILES if sizes.get(file, 0) <= MAX_FILE] == [], (
        "an excuse outlived its use"
    )


def test_functions_are_short():
    sizes = {function: size for path in OWN_CODE for function, size in functions(path).items()}
    long = {function: size for function, size in sizes.items() if size > MAX_FUNCTION}
    assert {function: size for function, size in long.items() if function not in LONG_FUNCTIONS} == {}
    assert [one for one in LONG_FUNCTIONS if one not in long] == [], "an excuse outlived its use"


def test_module_names_say_something():
    assert [name(path) for path in OWN_CODE if path.stem in VAGUE_MODULES] == []


def test_modules_say_what_they_hold():
    silent = [
        name(path)
        for path in OWN_CODE
        if not ast.get_docstring(tree(path))
        and len(tree(path).body) > 5
        and path.name not in ("apps.py", "manage.py")
    ]
    assert silent == []


def test_no_word_of_unfinished_work_or_of_somebodys_machine():
    found = [
        f"{name(path)}: {match[0]}"
        for path in FILES
        for rule in (UNFINISHED, PRIVATE)
        for match in rule.finditer(text(path))
    ]
    assert found == []


def test_comments_speak_of_the_code_not_of_its_authors():
    spoken = [
        f"{name(path)}:{line}: {said.strip()[:80]}"
        for path in OWN_CODE
        if WE.search(text(path))
        for line, said in prose(text(path))
        if WE.search(said)
    ]
    assert spoken == []


def test_migrations_change_the_database_that_they_are_given():
    moving = [path for path in FILES if "/migrations/" in name(path) and "RunPython(" in text(path)]
    assert [name(path) for path in moving if "schema_editor.connection" not in text(path)] == []


def test_the_rules_catch_what_they_are_for():
    assert UNFINISHED.search("# TODO: later")
    assert PRIVATE.search("see /root/x")
    assert WE.search("# we do it")
    assert not WE.search("# however it went")
    assert prose('"""One."""\nx = "two"  # three\n') == [(2, "# three"), (1, "One.")]
