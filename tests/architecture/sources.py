"""The tree as data: its files, its syntax trees, and the strings that are not documentation."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "genotel"
SOURCES = tuple(sorted(PACKAGE.rglob("*.py")))
# Made by tools, not by us.
NOT_OURS = frozenset({"__pycache__", "build", "dist", "htmlcov"})


def name_of(path: Path) -> str:
    """Return a file's path below the package, for messages and for the ids of tests."""
    return path.relative_to(PACKAGE).as_posix()


def module_of(path: Path) -> str:
    """Return the dotted name of a file of the package."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def strings_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and value of every string (f-strings in parts), docstrings left out."""
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.lineno, node.value


def project_files() -> Iterator[Path]:
    """Yield every text file that is ours: no hidden folder (but .ci), nothing that a tool made."""
    for top in sorted(ROOT.iterdir()):
        if top.name.startswith(".") and top.name not in {".ci", ".gitignore"}:
            continue
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            parts = path.relative_to(ROOT).parts
            if path.is_file() and not NOT_OURS.intersection(parts) and not any(p.endswith(".egg-info") for p in parts):
                yield path
