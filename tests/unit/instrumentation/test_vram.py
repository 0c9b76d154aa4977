"""A call's peak of GPU memory, on an allocator that only counts."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from genotel.instrumentation.vram import device_id, watch_memory


class FakeCuda:
    """Be `torch.cuda` as far as it is asked."""

    def __init__(self, *peaks):
        self.peaks = list(peaks)
        self.resets = 0
        self.started = True

    def is_initialized(self):
        return self.started

    def device_count(self):
        return len(self.peaks)

    def max_memory_allocated(self, index):
        return self.peaks[index]

    def reset_peak_memory_stats(self, index):
        self.resets += 1

    def get_device_properties(self, index):
        return SimpleNamespace(uuid=f"uuid-{index}")


@pytest.fixture
def cuda(monkeypatch):
    """Put a torch with two devices into the program; one of them holds nothing."""
    cuda = FakeCuda(4096, 0)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    return cuda


def test_a_device_that_holds_nothing_is_absent(cuda):
    """Unknown and unused are left out, never 0."""
    watch = watch_memory()
    assert watch.end() == [("GPU-uuid-0", 4096, False)]
    assert cuda.resets == 2


def test_overlapping_calls_are_shared_and_set_nothing_back(cuda):
    """The peak belongs to both, and both say so."""
    first = watch_memory()
    second = watch_memory()
    assert cuda.resets == 2
    assert first.end() == second.end() == [("GPU-uuid-0", 4096, True)]
    assert watch_memory().end() == [("GPU-uuid-0", 4096, False)]
    assert cuda.resets == 4


def test_without_torch_or_cuda_nothing_is_watched(cuda, monkeypatch):
    """Nothing is imported and nothing is started to find out."""
    cuda.started = False
    assert watch_memory() is None
    monkeypatch.delitem(sys.modules, "torch")
    assert watch_memory() is None


def test_a_device_without_a_uuid_goes_by_its_index(cuda, monkeypatch):
    """Older torch knows no UUID."""
    monkeypatch.setattr(cuda, "get_device_properties", lambda index: SimpleNamespace())
    assert device_id(cuda, 1) == "cuda:1"
