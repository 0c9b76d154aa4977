"""What every collector of the table keeps to, whatever it reads."""

from __future__ import annotations

import inspect
import math
import threading
from pathlib import Path

import pytest

from genotel.collectors.collector import Closable, NoData
from genotel.collectors.gpu_nvidia import GpuNvidiaCollector
from genotel.collectors.journal import JournalCollector
from genotel.collectors.model_inventory import ModelInventoryCollector
from genotel.collectors.model_stores import Store
from genotel.collectors.proc_files import ProcFiles
from genotel.collectors.registry import COLLECTORS, collectors_named
from genotel.collectors.scrape import Scrape
from genotel.journal.rows import CallRow
from genotel.journal.writer import JournalWriter
from genotel.semconv import attributes as a
from genotel.semconv import self_metrics
from genotel.semconv.metrics import CATALOGUE
from genotel.semconv.spec import Kind
from genotel.settings import load_settings
from tests.fake_nvml import STATE_VARIABLE, FakeDriver

FIXTURES = Path(__file__).parents[1] / "fixtures"
MACHINE = ProcFiles(str(FIXTURES / "proc"), str(FIXTURES / "sys"))
NO_MACHINE = ProcFiles("/nowhere/proc", "/nowhere/sys")

each_collector = pytest.mark.parametrize("name", COLLECTORS)


# Labels that are left out where they say nothing: to Prometheus an empty label is none.
OPTIONAL = {a.GPU_BUS, a.HARDWARE_PARENT, a.GPU_PROFILE, a.PROCESS_NAME, a.CONTAINER_ID, a.SYSTEMD_UNIT, a.MODEL}
OPTIONAL |= {a.PROCESS_ID}


def _nvidia(files, driver, folder):
    return GpuNvidiaCollector(files, lambda: driver.library if files is MACHINE else None)


def _journal(files, driver, folder):
    collector = JournalCollector()
    if files is MACHINE:
        writer = JournalWriter(folder / "journal.db")
        writer.finish(1, CallRow(1.7e9, "sdxl", "generate_content", "diffusers", outcome="ok", duration_seconds=1.0))
        writer.close()
        collector.configure(load_settings({"journal": folder / "journal.db"}, environ={}))
    return collector


def _inventory(files, driver, folder):
    cache = folder / "hub" / "models--org--model" / "blobs"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "abc").write_bytes(b"x" * 100)
    there = [Store("huggingface", str(folder / "hub"), "hub")] if files is MACHINE else []
    return ModelInventoryCollector(files, lambda _: there)


# Collectors whose source is not below /proc and /sys -> how to make one for a machine.
ELSEWHERE = {"gpu_nvidia": _nvidia, "journal": _journal, "model_inventory": _inventory}


@pytest.fixture
def make(monkeypatch, tmp_path):
    """Return a maker of collectors that are closed after the test."""
    made = []

    # A busy machine takes its time to start a process.
    monkeypatch.setattr("genotel.collectors.gpu_nvidia._FIRST_SECONDS", 20)
    monkeypatch.setattr("genotel.collectors.model_inventory._FIRST_SECONDS", 20)

    def make(name, files=None):
        if files is None:
            made.append(COLLECTORS[name]())
        elif name in ELSEWHERE:
            monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
            driver = FakeDriver(tmp_path / "state", "devices = 2\ngpu.0.procs = 1:1000")
            made.append(ELSEWHERE[name](files, driver, tmp_path))
        else:
            made.append(COLLECTORS[name](files))
        return made[-1]

    yield make
    for collector in made:
        if isinstance(collector, Closable):
            collector.close()


@each_collector
def test_file_flag_and_label_are_one_name(name, make):
    """``cpu.py``, ``--collectors cpu`` and ``genotel_collector="cpu"``."""
    collector = make(name)
    assert collector.name == name
    assert Path(inspect.getfile(type(collector))).stem == name
    [flagged] = collectors_named([name])
    assert type(flagged) is type(collector)


@each_collector
def test_making_one_reads_nothing(name, make):
    """Its source may be missing; that shows at the first scrape."""
    before = threading.active_count()
    make(name, NO_MACHINE)
    assert threading.active_count() == before


@each_collector
def test_a_missing_source_is_no_data(name, make):
    """No exception reaches the page; the page says neither success nor failure, nor any value."""
    collector = make(name, NO_MACHINE)
    with pytest.raises(NoData):
        list(collector.collect())
    scrape = Scrape([make(name, NO_MACHINE)])
    names = {block.family.name for block in scrape.blocks()}
    assert names == {self_metrics.COLLECTOR_DURATION.family, self_metrics.COLLECTOR_TIMEOUTS.family}
    scrape.close()


@each_collector
def test_readings_are_of_the_catalogue(name, make):
    """Each with as many labels as its spec says, each series once, every value finite."""
    seen = set()
    for spec, labels, value in make(name, MACHINE).collect():
        assert spec in CATALOGUE
        assert isinstance(labels, tuple)
        assert len(labels) == len(spec.labels)
        named = [label for key, label in zip(spec.labels, labels, strict=True) if key not in OPTIONAL]
        assert all(isinstance(label, str) for label in labels)
        assert all(named)
        assert math.isfinite(value)
        assert (spec.name, labels) not in seen
        seen.add((spec.name, labels))
    assert seen


@each_collector
def test_ratios_are_shares_and_amounts_are_not_negative(name, make):
    """Unit 1 is 0 to 1; nothing here counts below nothing."""
    for spec, _, value in make(name, MACHINE).collect():
        assert value >= 0
        if spec.unit == "1":
            assert value <= 1


@each_collector
@pytest.mark.parametrize("files", [MACHINE, None], ids=["fixture", "here"])
def test_counters_never_go_back(name, files, make):
    """Two scrapes of one source: what counts, counts up."""
    collector = make(name, files)
    runs = []
    for _ in range(2):
        try:
            readings = list(collector.collect())
        except NoData:
            pytest.skip("nothing to measure here")
        runs.append({(spec.name, labels): value for spec, labels, value in readings if spec.kind is Kind.COUNTER})
    for key in runs[0].keys() & runs[1].keys():
        assert runs[1][key] >= runs[0][key], key


def test_no_series_is_of_two_collectors(make):
    """It would be on the page twice; only vendors of GPUs share their metrics, with cards of their own."""
    owners = {}
    for name in COLLECTORS:
        kind = "gpu" if name.startswith("gpu_") else name
        for spec, labels, _ in make(name, MACHINE).collect():
            assert owners.setdefault((spec.name, labels), name) == name
            assert owners.setdefault(spec.name, kind) == kind
