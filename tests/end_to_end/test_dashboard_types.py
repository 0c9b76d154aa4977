"""Grafana's own types take what we ship: the dashboard and each panel's options, in three major versions."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from genotel.dashboards.building import dashboard_file
from genotel.dashboards.registry import DASHBOARDS
from tests.conftest import require

VERSIONS = ("11", "12", "13")
# Panel of ours -> where the types of its options are.
OPTIONS = {"stat": "stat", "timeseries": "timeseries", "heatmap": "heatmap", "table": "table"}
OPTIONS["state-timeline"] = "statetimeline"
# Where 11 and the others keep their types.
RAW = ("dist/esm/raw/composable", "dist/types/raw/composable")


# In JSON a value of an enumeration is its text.
PLAIN = """
type Plain<T> = T extends string ? `${T}` : T extends (infer U)[] ? Plain<U>[]
  : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
"""
# What an annotation asks is its data source's, which the types of the dashboard do not know.
OF_PROMETHEUS = ("expr", "titleFormat", "textFormat", "step", "tagKeys", "useValueForTime")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the types and the compiler, 80 MB in some seconds; without a registry there is nothing to check with."""
    npm = require(shutil.which("npm"), "npm")
    folder = tmp_path_factory.mktemp("types")
    versions = {f"schema{version}": f"npm:@grafana/schema@^{version}" for version in VERSIONS}
    wanted = {"private": True, "dependencies": versions | {"typescript": "^5"}}
    (folder / "package.json").write_text(json.dumps(wanted), encoding="utf-8")
    command = [npm, "install", "--no-audit", "--no-fund", "--silent", "--ignore-scripts"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=90, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm took too long")
    if done.returncode:
        pytest.skip("npm reached no registry")
    return folder


def checked(folder: Path, version: str, boards: list[dict]) -> str:
    """Return what the compiler says of dashboards."""
    lines = [f"import type {{ Dashboard }} from 'schema{version}';"]
    for kind, place in OPTIONS.items():
        package = folder / f"node_modules/schema{version}"
        types = next(path for raw in RAW for path in package.glob(f"{raw}/{place}/panelcfg/x/*types.gen.d.ts"))
        path = f"./{types.relative_to(folder)}".removesuffix(".d.ts")
        lines.append(f"import type * as {kind.replace('-', '')} from '{path}';")
    lines.append(PLAIN)
    for number, board in enumerate(boards):
        for annotation in board["annotations"]["list"]:
            for key in OF_PROMETHEUS:
                annotation.pop(key, None)
        lines.append(f"export const board{number}: Plain<Dashboard> = {json.dumps(board)};")
        for panel in board["panels"]:
            if panel["type"] != "row":
                options = f"Plain<Partial<{panel['type'].replace('-', '')}.Options>>"
                name = f"options{number}_{panel['id']}"
                lines.append(f"export const {name}: {options} = {json.dumps(panel['options'])};")
    (folder / f"check{version}.ts").write_text("\n".join(lines), encoding="utf-8")
    # Inside of the package its own name is that of another version, or of none.
    options: dict[str, object] = {
        "noEmit": True,
        "strict": True,
        "skipLibCheck": True,
        "moduleResolution": "node",
        "baseUrl": ".",
    }
    options["paths"] = {"@grafana/schema": [f"node_modules/schema{version}"]}
    project = {"compilerOptions": options, "files": [f"check{version}.ts"]}
    (folder / f"project{version}.json").write_text(json.dumps(project), encoding="utf-8")
    command = ["node_modules/.bin/tsc", "-p", f"project{version}.json"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False).stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_of_grafana_knows_the_dashboards(packages, version):
    """No key that it does not know, no value of another kind; and a planted one is seen."""
    boards = [json.loads(dashboard_file(board)) for board in DASHBOARDS]
    planted = {"title": "planted", "annotations": {"list": []}, "panels": [], "nonsense": 1}
    said = checked(packages, version, [*boards, planted])
    (line,) = said.splitlines()
    assert "'\"nonsense\"' does not exist in type" in line
