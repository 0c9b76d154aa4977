"""Whose memory it is; and that nothing is kept of who is gone."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from genotel.collectors.families import FamilyTable
from genotel.collectors.gpu_processes import ProcessMemory, pids_of
from genotel.collectors.gpu_reading import GpuInstance, GpuMemory, GpuReading
from genotel.collectors.proc_files import ProcFiles
from genotel.collectors.process_owner import Owner, ProcessOwners
from genotel.semconv import gpu_metrics as m

PROCESSES = st.lists(st.tuples(st.integers(1, 50), st.none() | st.integers(0, 1000)), max_size=20)


def _nobody(_pid):
    return ""


@given(processes=PROCESSES, used=st.integers(0, 20_000), with_pids=st.booleans())
def test_the_parts_add_up(processes, used, with_pids):
    """Programs and the rest make what is used, or more where the figures are not of one instant."""
    memory = ProcessMemory(lambda pid: Owner(f"program{pid % 3}"), _nobody, with_pids=with_pids)
    rows = [*memory.readings("GPU-1", GpuMemory(50_000, used, None, processes))]
    known = sum(size for _, size in processes if size is not None)
    parts = sum(value for spec, _, value in rows if spec is m.PROCESS_MEMORY)
    [rest] = [value for spec, _, value in rows if spec is m.MEMORY_UNATTRIBUTED]
    assert parts == known
    assert parts + rest == max(used, known)
    assert len({labels for _, labels, _ in rows}) == len(rows)


def test_without_a_list_of_processes_the_rest_is_unknown():
    """Not all of it: that would be a figure that nobody has seen."""
    assert [*ProcessMemory(lambda _: Owner(), _nobody).readings("GPU-1", GpuMemory(10, 5, None, None))] == []


def test_the_model_is_a_label_where_it_is_known():
    """A process that tells what it has loaded."""
    memory = ProcessMemory(lambda _: Owner("python3", "abc", ""), {7: "sdxl"}.__getitem__)
    [first, _] = memory.readings("GPU-1", GpuMemory(10, 5, None, [(7, 3)]))
    assert first == (m.PROCESS_MEMORY, ("GPU-1", "python3", "abc", "", "sdxl", ""), 3)


def test_processes_of_a_gpu_are_those_of_its_parts_too():
    """So that they are remembered while they are there."""
    part = GpuInstance("MIG-1", "", "", GpuMemory(1, 1, None, [(8, 1)]))
    reading = GpuReading(0, "GPU-1", "", memory=GpuMemory(1, 1, None, [(7, 1)]), instances=[part])
    assert [*pids_of(reading)] == [7, 8]
    assert [*pids_of(GpuReading(0, "GPU-1", ""))] == []


def test_twenty_thousand_processes_leave_nothing_behind(tmp_path):
    """Ten at a time over two thousand pages: the live ones are there, and memory stays what it was."""
    owners = ProcessOwners(ProcFiles(str(tmp_path)))
    table = FamilyTable()
    memory = ProcessMemory(owners.of, _nobody, with_pids=True)

    def page(first):
        live = [(pid, 1000) for pid in range(first, first + 10)]
        owners.keep_only(pid for pid, _ in live)
        blocks = table.blocks(memory.readings("GPU-1", GpuMemory(10**6, 10**5, None, live)))
        [rows] = [block.rows for block in blocks if block.family.name == m.PROCESS_MEMORY.family]
        assert [series.labels for series, _ in rows] == [
            f'hw_id="GPU-1",otel_scope_name="genotel",process_pid="{pid}"' for pid, _ in live
        ]

    for first in range(1, 2000, 10):
        page(first)
    before = sys.getallocatedblocks()
    for first in range(2001, 20_001, 10):
        page(first)
    assert sys.getallocatedblocks() < before + 1000
