"""A machine made of files, and readings by name."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from genotel.collectors.collector import Reading
from genotel.collectors.proc_files import ProcFiles

FIXTURES = Path(__file__).parents[2] / "fixtures"

Values = dict[tuple[str, ...], float]


@pytest.fixture
def machine() -> ProcFiles:
    """Return the fixture machine, to read only."""
    return ProcFiles(str(FIXTURES / "proc"), str(FIXTURES / "sys"))


@pytest.fixture
def changing_machine(tmp_path: Path) -> tuple[ProcFiles, Path]:
    """Return a copy of the fixture machine and its /proc, to change."""
    shutil.copytree(FIXTURES / "proc", tmp_path / "proc")
    shutil.copytree(FIXTURES / "sys", tmp_path / "sys")
    return ProcFiles(str(tmp_path / "proc"), str(tmp_path / "sys")), tmp_path / "proc"


@pytest.fixture
def no_machine(tmp_path: Path) -> ProcFiles:
    """Return a machine without /proc and /sys."""
    return ProcFiles(str(tmp_path / "proc"), str(tmp_path / "sys"))


@pytest.fixture
def by_name() -> Callable[[Iterable[Reading]], Values]:
    """Return readings as ``{(metric name, *label values): value}``, each there once."""

    def collected(readings: Iterable[Reading]) -> Values:
        values: Values = {}
        for spec, labels, value in readings:
            assert (spec.name, *labels) not in values
            values[spec.name, *labels] = value
        return values

    return collected
