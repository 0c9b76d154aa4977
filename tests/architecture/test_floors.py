"""The contracts name every room that exists, and each of them catches the fault that it is for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.sources import PACKAGE, ROOT

# DESIGN.md §2, by tower; faces and the door join both and are on neither.
EMITTING = (
    "autoinstrument",
    "collectors",
    "instrumentation",
    "database_watch",
    "launch",
    "startup",
    "telemetry",
    "testing",
    "zero_code",
)
READING = ("analysis", "dashboards", "history", "prometheus_api", "promql", "recommenders", "report", "rules")
COMMON = ("clock", "errors", "exposition", "guard", "journal", "semconv", "settings", "spool", "version")

CONTRACTS: dict[str, dict[str, Any]] = {
    contract["id"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
}


def _existing(rooms: tuple[str, ...]) -> set[str]:
    files = {room: [PACKAGE / room / "__init__.py", PACKAGE / f"{room}.py"] for room in rooms}
    return {f"genotel.{room}" for room in rooms if any(file.is_file() for file in files[room])}


def test_the_contracts_of_the_emitting_tower_name_every_room() -> None:
    """A new room of either tower must be written into the contract, or its imports are free."""
    contract = CONTRACTS["emitting-tower"]
    assert set(contract["source_modules"]) == _existing((*EMITTING, *COMMON))
    assert {"numpy", *_existing(READING)} <= set(contract["forbidden_modules"])


def test_the_contract_of_the_reading_tower_names_every_room() -> None:
    """As for the emitting tower, the other way round."""
    contract = CONTRACTS["reading-tower"]
    assert set(contract["source_modules"]) == _existing(READING)
    assert set(contract["forbidden_modules"]) == _existing(EMITTING)


def test_the_contract_of_the_common_ground_names_every_room() -> None:
    """Both towers stand on it, so it must not bring one's weight to the other."""
    contract = CONTRACTS["common-ground"]
    assert set(contract["source_modules"]) == _existing(COMMON)
    assert {"numpy", "opentelemetry"} <= set(contract["forbidden_modules"])


# Contract, file, line to put at its end.
FAULTS = {
    "an upward import": ("floors", "exposition/series.py", "from genotel.cli import main"),
    "an upward import for types only": (
        "floors",
        "semconv/spec.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from genotel.settings import Settings",
    ),
    "an upward import inside a function": ("floors", "guard.py", "def late() -> None:\n    import genotel.telemetry"),
    "a room without a floor": ("floors", "utils.py", '"""Everything."""'),
    "a cycle inside a room": ("cycles", "semconv/buckets.py", "import genotel.semconv.metrics"),
    "numpy in the emitting tower": ("emitting-tower", "instrumentation/generation.py", "import numpy"),
    "an HTTP client in the emitting tower": ("emitting-tower", "telemetry/reader.py", "import urllib3"),
    "the reading tower in the emitting one": ("emitting-tower", "collectors/cpu.py", "import genotel.history"),
    "the emitting tower in the reading one": (
        "reading-tower",
        "recommenders/cleanup.py",
        "import genotel.instrumentation",
    ),
    "OpenTelemetry in the journal": ("common-ground", "journal/rows.py", "from opentelemetry.sdk import trace"),
    "numpy in the words": ("common-ground", "semconv/buckets.py", "import numpy"),
    "a collector that knows another": ("collectors", "collectors/cpu.py", "import genotel.collectors.memory"),
    "a collector that knows the table": ("collectors", "collectors/cpu.py", "import genotel.collectors.registry"),
    "the driver in the exporter": ("nvml", "collectors/cpu.py", "import genotel.collectors.nvml"),
    "pynvml in the exporter": ("pynvml", "collectors/cpu.py", "import pynvml"),
    "a library that knows another": ("libraries", "autoinstrument/vllm.py", "import genotel.autoinstrument.diffusers"),
    "a recommender that knows the table": (
        "recommenders",
        "recommenders/cleanup.py",
        "import genotel.recommenders.registry",
    ),
    "a dashboard that knows another": ("dashboards", "dashboards/host.py", "import genotel.dashboards.slo"),
    "Grafana's SDK in a dashboard": ("grafana-sdk", "dashboards/host.py", "import grafana_foundation_sdk"),
    "a group of rules that knows another": ("rules", "rules/host.py", "import genotel.rules.slo"),
    "a format that knows another": ("report-formats", "report/json.py", "import genotel.report.table"),
    "a command that knows another": ("commands", "cli/serve.py", "import genotel.cli.recommend"),
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the package and its contracts to a folder of our own."""
    folder = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copytree(PACKAGE, folder / "src" / "genotel", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _is_kept(tree: Path, contract: str) -> bool:
    # The linter analyses what Python would import, so the copy must come first on its path.
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "lint-imports"),
            "--no-logo",
            "--cache-dir",
            str(tree / "cache"),
            "--contract",
            contract,
        ],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    return done.returncode == 0


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_breaks_its_contract(tree: Path, fault: str) -> None:
    """The contract is kept before the fault is planted and broken after."""
    contract, file, line = FAULTS[fault]
    path = tree / "src" / "genotel" / file
    before = path.read_text(encoding="utf-8") if path.exists() else None
    assert _is_kept(tree, contract)
    path.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")
    try:
        assert not _is_kept(tree, contract)
    finally:
        path.unlink() if before is None else path.write_text(before, encoding="utf-8")


def test_the_order_of_floors_is_that_of_the_design() -> None:
    """Every room has its floor; nothing is placed twice."""
    layers = CONTRACTS["floors"]["layers"]
    rooms = [room.strip(" ()") for layer in layers for room in layer.split("|")]
    assert len(set(rooms)) == len(rooms)
    assert {*EMITTING, *READING, *COMMON} < set(rooms)
    assert CONTRACTS["floors"]["exhaustive"] is True
