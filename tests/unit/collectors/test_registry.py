"""The table of collectors."""

from __future__ import annotations

from pathlib import Path

import pytest

import genotel.collectors
from genotel.collectors.registry import COLLECTORS, ON_REQUEST, collectors_named
from genotel.errors import SettingsError

# Files of the folder that are not a collector.
OTHERS = {
    "__init__",
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


def test_every_collector_file_is_in_the_table():
    """A new file without its line fails here."""
    files = {path.stem for path in Path(genotel.collectors.__file__).parent.glob("*.py")}
    assert files - OTHERS == {*COLLECTORS, *ON_REQUEST}


def test_all_is_every_collector_in_the_order_of_the_table():
    """With other names beside it too."""
    assert [collector.name for collector in collectors_named(["all"])] == list(COLLECTORS)
    assert [collector.name for collector in collectors_named(["cpu", "all"])] == list(COLLECTORS)


def test_names_are_taken_once_in_the_order_of_the_table():
    """The order of asking does not change the page."""
    names = [collector.name for collector in collectors_named(["process", "cpu", "process"])]
    assert names == ["cpu", "process"]


def test_nothing_is_nothing():
    """No name, or the word for it."""
    assert collectors_named([]) == collectors_named(["none"]) == []


def test_unknown_names_are_refused_with_the_known_ones():
    """Every mistake at once."""
    with pytest.raises(
        SettingsError, match=r"no collector named discs, gpus; known are cpu, memory, disk, .*all, none"
    ):
        collectors_named(["gpus", "cpu", "discs"])
