"""Each file is one room: short, well named, documented, ours."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import PACKAGE, ROOT, SOURCES, name_of, project_files, tree_of

each_source = pytest.mark.parametrize("path", SOURCES, ids=name_of)

# Past this a file has a second responsibility; 100 to 300 lines is the rule.
MOST_LINES = 350
# Names that say nothing of what is inside, so that everything ends up inside.
EMPTY_NAMES = frozenset({"util", "utils", "helper", "helpers", "common", "misc", "base", "core", "manager", "managers"})
# First words that describe where an imperative tells ("Return", not "Returns"), or name a thing.
NO_IMPERATIVE = re.compile(r"^(The|A|An|This|These|It|[A-Z][a-z]*s(?<!ss))$")


@each_source
def test_a_file_is_short(path: Path) -> None:
    """The largest file is what rots, so the greatest length is capped, not the mean."""
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= MOST_LINES


@each_source
def test_a_name_says_what_is_inside(path: Path) -> None:
    """No room is called after being useful."""
    assert not EMPTY_NAMES.intersection(part.removesuffix(".py") for part in path.relative_to(PACKAGE).parts)
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ClassDef):
            assert not re.search(r"(Manager|Helper|Utils?|Misc)$", node.name), node.name


@each_source
def test_a_file_says_what_it_is_for(path: Path) -> None:
    """Every module has a docstring; that of a folder tells how to add the next one."""
    assert ast.get_docstring(tree_of(path))


def _public(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not child.name.startswith("_"):
            yield child
            if isinstance(child, ast.ClassDef):
                yield from _public(child)
        elif isinstance(child, ast.If | ast.Try):
            yield from _public(child)


@each_source
def test_public_names_are_documented_by_an_imperative_sentence(path: Path) -> None:
    """``Return the page.``: one sentence, a capital, a verb, a period, before any details."""
    wrong = []
    for node in _public(tree_of(path)):
        # What an overload or a property's setter does is said where it is implemented.
        decorators = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
        if decorators & {"overload", "setter", "override"}:
            continue
        first = (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")
        word = first.split(" ")[0].strip(",.:;`")
        if not (first.endswith(".") and word[:1].isupper()) or NO_IMPERATIVE.match(word):
            wrong.append(f"{path}:{node.lineno}: {node.name}: {first!r}")
    assert wrong == []


def test_no_todo_without_an_issue() -> None:
    """What is to be done is an issue; a note in the code may only point at one."""
    mark = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b(?!.*#\d)")
    assert _matches(mark) == []


def test_nothing_names_a_machine_or_a_package_host() -> None:
    """The tree is the same for everyone: no path of a developer's machine, no registry's address."""
    paths = [str(ROOT), "/" + "home/runner/", "/" + "Users/"]
    hosts = [r"pypi\." + "org", "pythonhosted" + r"\.org", r"deb\." + r"debian\.org", r"registry\." + "npmjs"]
    # A checkout right below / ("/app") is a path that examples of containers may well name.
    pattern = "|".join([re.escape(path) for path in paths if path.count("/") > 1] + hosts)
    assert _matches(re.compile(pattern)) == []


def test_nothing_of_others_is_copied_in() -> None:
    """Dependencies are installed, never vendored; every source has our licence and no other's header."""
    folders = {part for path in project_files() for part in path.relative_to(ROOT).parts[:-1]}
    assert not folders & {"vendor", "vendored", "_vendor", "third_party", "node_modules"}
    assert [path for path in project_files() if path.name.endswith((".min.js", ".min.css", ".whl", ".so"))] == []
    assert _matches(re.compile(r"(?i)copyright (\(c\)|©|\d{4})"), below=ROOT / "src") == []


def _matches(pattern: re.Pattern[str], below: Path = ROOT) -> list[str]:
    found = []
    for path in project_files():
        if not path.is_relative_to(below):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture, a compressed trace
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
            for number, line in enumerate(text.splitlines(), 1)
            if pattern.search(line)
        ]
    return found
