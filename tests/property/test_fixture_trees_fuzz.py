"""Whatever the kernel's files hold, the page is made, and parses: no crash, no hang, nothing that is not a number."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as parse_text

from genotel.collectors.cgroup import CgroupCollector
from genotel.collectors.cpu import CpuCollector
from genotel.collectors.disk import DiskCollector
from genotel.collectors.gpu_amd import GpuAmdCollector
from genotel.collectors.memory import MemoryCollector
from genotel.collectors.model_stores import Store
from genotel.collectors.network import NetworkCollector
from genotel.collectors.pressure import PressureCollector
from genotel.collectors.proc_files import ProcFiles
from genotel.collectors.process import ProcessCollector
from genotel.collectors.process_owner import owner_from
from genotel.collectors.scrape import Scrape
from genotel.collectors.system import SystemCollector
from genotel.exposition.page import Page
from genotel.exposition.text_format import TEXT_0_0_4
from tests.model_trees import ollama_model

FIXTURES = Path(__file__).parents[1] / "fixtures"
FILES = sorted(
    str(path.relative_to(FIXTURES))
    for tree in ("proc", "sys")
    for path in (FIXTURES / tree).rglob("*")
    if path.is_file()
)
MAKERS = (
    CpuCollector,
    MemoryCollector,
    DiskCollector,
    NetworkCollector,
    SystemCollector,
    ProcessCollector,
    PressureCollector,
    CgroupCollector,
    GpuAmdCollector,
)
# What stands in such files, in any order, and things that never do.
PIECES = st.sampled_from(
    [
        b"0",
        b"1",
        b"-1",
        b"max",
        b" ",
        b"\n",
        b":",
        b"some",
        b"total=",
        b"18446744073709551616",
        b"/",
        b"..",
        b"\\040",
        b"Mhz",
    ]
)
TEXTS = st.lists(PIECES | st.binary(max_size=5), max_size=30).map(b"".join)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """Return a machine of files to spoil, and the collectors that read it."""
    home = tmp_path_factory.mktemp("machine")
    for tree in ("proc", "sys"):
        shutil.copytree(FIXTURES / tree, home / tree)
    scrape = Scrape([make(ProcFiles(str(home / "proc"), str(home / "sys"))) for make in MAKERS])
    yield home, Page([scrape])
    scrape.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoiled=st.dictionaries(st.sampled_from(FILES), TEXTS, min_size=1, max_size=4))
def test_a_page_is_made_of_any_files(machine, spoiled):
    """Each collector reads what it can, fails alone, and is there again when its files are."""
    home, page = machine
    for name, text in spoiled.items():
        (home / name).write_bytes(text)
    try:
        values = [sample.value for family in parse_text(page.render(TEXT_0_0_4).decode()) for sample in family.samples]
    finally:
        for name in spoiled:
            shutil.copyfile(FIXTURES / name, home / name)
    assert all(math.isfinite(value) for value in values)


@given(name=st.text(max_size=40), groups=st.text(max_size=80))
def test_an_owner_is_made_of_any_text(name, groups):
    """A program calls itself what it likes."""
    owner = owner_from(name, groups)
    assert len(owner.name) <= 32
    assert not set(owner.name) & set(" \t\n")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.binary(max_size=60)
    | st.sampled_from([b'{"config":{"digest":5},"layers":[]}', b'{"config":[],"layers":"x"}'])
)
def test_a_walk_survives_any_manifest(tmp_path, text):
    """It is a file that another program writes."""
    from genotel.collectors.model_scan import Walk

    manifest = tmp_path / "manifests" / "registry.ollama.ai" / "library" / "a" / "latest"
    if not manifest.exists():
        ollama_model(tmp_path, "registry.ollama.ai/library/a:latest", {"x": 1})
    manifest.write_bytes(text)
    walk, store = Walk(lambda: None), Store("here", str(tmp_path), "ollama")
    assert [model for unit in walk.units(store) for model in walk.models(store, unit)] == []
