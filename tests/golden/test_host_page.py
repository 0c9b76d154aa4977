"""The whole page of the fixture machine, line by line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from genotel.clock import Clock
from genotel.collectors.cgroup import CgroupCollector
from genotel.collectors.cpu import CpuCollector
from genotel.collectors.disk import DiskCollector
from genotel.collectors.gpu_amd import GpuAmdCollector
from genotel.collectors.memory import MemoryCollector
from genotel.collectors.network import NetworkCollector
from genotel.collectors.pressure import PressureCollector
from genotel.collectors.proc_files import ProcFiles
from genotel.collectors.process import ProcessCollector
from genotel.collectors.registry import COLLECTORS
from genotel.collectors.scrape import Scrape
from genotel.collectors.system import SystemCollector
from genotel.exposition.openmetrics import OPENMETRICS_1_0_0
from genotel.exposition.page import Page
from genotel.exposition.text_format import TEXT_0_0_4

# Collectors whose source is no file of /proc or /sys.
ELSEWHERE = {"gpu_nvidia", "model_inventory", "journal"}

FIXTURES = Path(__file__).parents[1] / "fixtures"


def _statvfs(place):
    return os.statvfs_result((4096, 4096, 1000 * len(place), 400 * len(place), 300 * len(place), 0, 0, 0, 0, 255))


@pytest.fixture
def scrape():
    """Return a scrape of the fixture machine at a stopped clock, on a system of 100 Hz and 4 KiB pages."""
    files = ProcFiles(str(FIXTURES / "proc"), str(FIXTURES / "sys"))
    made = Scrape(
        [
            CpuCollector(files, ticks_per_second=100),
            MemoryCollector(files, page_bytes=4096),
            DiskCollector(files, _statvfs),
            NetworkCollector(files),
            SystemCollector(files),
            ProcessCollector(files, ticks_per_second=100, page_bytes=4096),
            PressureCollector(files),
            CgroupCollector(files),
            GpuAmdCollector(files, clock=Clock(monotonic=lambda: 5.0)),
        ],
        clock=Clock(wall=lambda: 1_700_000_000.5, monotonic=lambda: 5.0),
    )
    yield made
    made.close()


def test_the_fixture_machine_has_every_collector(scrape):
    """A new collector gets its files in the fixture machine and its lines in the golden pages."""
    page = Page([scrape]).render(TEXT_0_0_4).decode()
    assert all(f'genotel_collector_success{{genotel_collector="{name}"' in page for name in {*COLLECTORS} - ELSEWHERE)


@pytest.mark.parametrize(
    ("format", "file"), [(TEXT_0_0_4, "host_page.txt"), (OPENMETRICS_1_0_0, "host_page.openmetrics")]
)
def test_the_page_of_the_fixture_machine(scrape, format, file):
    """Run with UPDATE_GOLDEN=1 to write it again, and read what changed before it is committed."""
    golden = Path(__file__).parent / file
    page = Page([scrape]).render(format)
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_bytes(page)
    assert page.decode().splitlines() == golden.read_text(encoding="utf-8").splitlines()
