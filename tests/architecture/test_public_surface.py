"""What users import: complete, light, and the same for people, programs and type checkers."""

from __future__ import annotations

import ast
import dataclasses
import json
import subprocess
import sys

import genotel
from tests.architecture.sources import PACKAGE, tree_of

# Runs in a program of its own. What was loaded before is Python's (and coverage's, in our tests).
PROBE = """
import json, sys, threading
before, seen = set(sys.modules), []
sys.addaudithook(lambda event, given: seen.append((event, str(given[0]) if given else "")))
import genotel
print(json.dumps({
    "modules": sorted(set(sys.modules) - before),
    "threads": threading.active_count(),
    "events": sorted({event for event, _ in seen}),
    "opened": sorted({file for event, file in seen if event == "open"}),
}))
"""


def _probe() -> dict[str, list[str]]:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, timeout=60)
    seen: dict[str, list[str]] = json.loads(done.stdout)
    return seen


def test_importing_genotel_loads_nothing_but_itself() -> None:
    """No third-party module and nothing else of ours; benchmarks/import_time.py has the milliseconds."""
    loaded = [name for name in _probe()["modules"] if name.partition(".")[0] not in sys.stdlib_module_names]
    assert loaded == ["genotel"]


def test_importing_genotel_imports_not_even_typing() -> None:
    """The standard library's own weight counts too: ``typing`` alone would be nine tenths of the import."""
    at_import = [
        node for node in tree_of(PACKAGE / "__init__.py").body if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert [ast.unparse(node) for node in at_import] == ["from __future__ import annotations"]


def test_importing_genotel_starts_reads_and_opens_nothing() -> None:
    """No thread, no socket, no program, no file but Python's own modules."""
    seen = _probe()
    assert seen["threads"] == 1
    assert [event for event in seen["events"] if event.startswith(("socket.", "subprocess.", "os.fork"))] == []
    assert [file for file in seen["opened"] if not file.endswith((".py", ".pyc")) and ".pyc." not in file] == []


def test_all_is_what_can_be_imported() -> None:
    """Every public name resolves, and nothing is public that is not listed."""
    for name in genotel.__all__:
        assert getattr(genotel, name) is not None, name
    assert sorted(genotel.__all__) == sorted(genotel._HOME)
    assert set(genotel.__all__) <= set(dir(genotel))


def test_the_promised_names_are_there() -> None:
    """What README and other people's programs call; a name that leaves breaks them."""
    assert set(genotel.__all__) >= {
        *("configure", "shutdown", "measure", "generation", "current_generation", "experiment", "record_event"),
        *("EventKind", "model_load", "model_unloaded", "instrument", "uninstrument"),
        *("recommend", "arecommend", "usage_statistics", "ausage_statistics", "Journal", "Events", "Recommendation"),
    }
    call = {"step", "phase", "outputs", "tokens", "score"}
    assert call <= set(dir(genotel.Generation))
    assert {"url", "shutdown", "__enter__", "__exit__"} <= set(dir(genotel.Handle))
    assert {field.name for field in dataclasses.fields(genotel.Recommendation)} >= {
        *("model", "kind", "priority", "confidence", "saving", "reason_code", "evidence", "next_use"),
    }


def test_no_module_bears_the_name_of_a_public_function() -> None:
    """``genotel.recommend`` must not become a module once somebody imports one of that name."""
    rooms = {path.stem for path in PACKAGE.iterdir()}
    assert rooms & set(genotel.__all__) == set()


def test_type_checkers_see_the_same_names() -> None:
    """The imports under TYPE_CHECKING are the lazy table, name for name and home for home."""
    block = next(node for node in tree_of(PACKAGE / "__init__.py").body if isinstance(node, ast.If))
    seen = {
        alias.asname or alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == genotel._HOME


def test_an_unknown_name_is_an_attribute_error() -> None:
    """``hasattr`` and typing mistakes behave as with any module."""
    assert not hasattr(genotel, "no_such_name")
