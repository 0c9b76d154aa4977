"""One new file plus one visible line: a file of a folder of kinds that has no line fails here."""

from __future__ import annotations

import ast
from dataclasses import dataclass

import pytest

from tests.architecture.sources import PACKAGE


@dataclass(frozen=True)
class Folder:
    """A folder of kinds: its table, and the files that are not one of them."""

    table: str
    others: frozenset[str]


# What is not named here is a kind and needs its line; so does the next file that anybody adds.
FOLDERS: dict[str, Folder] = {
    "autoinstrument": Folder(
        "registry.py",
        frozenset(
            {
                "arguments",
                "device_clock",
                "diffusion_progress",
                "diffusion_results",
                "import_hooks",
                "instrumentor",
                "library_call",
                "loads",
                "patching",
                "placing",
                "registry",
                "suppression",
                "taps",
                "token_clock",
            }
        ),
    ),
    "collectors": Folder(
        "registry.py",
        frozenset(
            {
                "bounded",
                "cgroup_folders",
                "child_process",
                "collector",
                # Of engines that a program hands over; `genotel serve` has none.
                "database",
                "exporter",
                "exporter_check",
                "families",
                "framing",
                "gpu_figures",
                "gpu_processes",
                "gpu_reading",
                "gpu_roster",
                "gpu_xids",
                "model_formats",
                "model_names",
                "model_scan",
                "model_stores",
                "model_totals",
                "mounts",
                "nvml",
                "nvml_child",
                "nvml_library",
                "postgresql",
                "proc_files",
                "process_owner",
                "registry",
                "resident_models",
                "scrape",
                "stall_time",
            }
        ),
    ),
    "recommenders": Folder(
        "registry.py",
        frozenset(
            {
                "advice",
                "backtest",
                "cleanup_backtest",
                "clock_policies",
                "demand_policies",
                "plug_ins",
                "policies",
                "preload_backtest",
                "publish",
                "publish_claims",
                "publish_forecasts",
                "publish_memory",
                "publish_series",
                "publish_service",
                "publish_watch",
                "publish_webhook",
                "recommendation",
                "recommender",
                "registry",
                "replay",
                "residency_index",
                "trace",
            }
        ),
    ),
    "dashboards": Folder("registry.py", frozenset({"building", "dashboard", "registry"})),
    "rules": Folder("registry.py", frozenset({"registry", "rule", "site", "writing"})),
    "report": Folder(
        "registry.py",
        frozenset(
            {
                "backtest_html",
                "backtest_json",
                "backtest_text",
                "hand_over",
                "registry",
                "report",
                "sentences",
                "wording",
                "writing",
            }
        ),
    ),
    "cli": Folder("main.py", frozenset({"main", "removal_dialogue", "sources", "watching"})),
}
EXISTING = [name for name in FOLDERS if (PACKAGE / name / FOLDERS[name].table).is_file()]


def unlisted(folder: str, table: str) -> set[str]:
    """Return the kinds of ``folder`` that no value of the module ``table`` (its text) uses.

    An import alone is no line of the table: the name must stand in an assignment of the module.
    """
    kinds = {path.stem for path in (PACKAGE / folder).glob("*.py")} - FOLDERS[folder].others - {"__init__"}
    module = ast.parse(table)
    home = {
        alias.asname or alias.name: alias.name if node.module == f"genotel.{folder}" else node.module.rpartition(".")[2]
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"genotel.{folder}")
        for alias in node.names
    }
    listed = set()
    for statement in module.body:
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
            continue
        for node in ast.walk(statement.value):
            if isinstance(node, ast.Name):
                listed.add(home.get(node.id, ""))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                # A lazy line: "genotel.cli.serve:serve".
                listed.add(node.value.partition(":")[0].removeprefix(f"genotel.{folder}."))
    return kinds - listed


@pytest.mark.parametrize("folder", EXISTING)
def test_every_file_has_its_line(folder: str) -> None:
    """A collector, recommender, format or command that is not in its table would never run."""
    assert unlisted(folder, (PACKAGE / folder / FOLDERS[folder].table).read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize("folder", EXISTING)
def test_a_deleted_line_is_found(folder: str) -> None:
    """Emptying the table leaves every kind unlisted, although the imports are still there."""
    path = PACKAGE / folder / FOLDERS[folder].table
    module = ast.parse(path.read_text(encoding="utf-8"))
    kinds = unlisted(folder, "")
    for statement in module.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            statement.value = ast.Constant(None)
    assert unlisted(folder, ast.unparse(module)) == kinds


@pytest.mark.parametrize("folder", EXISTING)
def test_every_file_that_is_no_kind_exists(folder: str) -> None:
    """A name in the list of others that no file has would excuse the next file of that name."""
    assert FOLDERS[folder].others <= {path.stem for path in (PACKAGE / folder).glob("*.py")}


def test_every_table_is_checked_here() -> None:
    """A folder that gets a registry gets its row above."""
    assert {path.parent.name for path in PACKAGE.glob("*/registry.py")} <= set(FOLDERS)
