"""Steps and phases by the bar of a pipeline: odd counts, and faults of ours at every mark."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from genotel import guard
from genotel.autoinstrument.diffusion_progress import DiffusionProgress
from genotel.autoinstrument.library_call import LibraryCall

STEPS = "genotel_generation_steps_total"
STEP_SECONDS = "genotel_generation_step_duration_seconds_count"
PHASES = "genotel_generation_phase_duration_seconds_count"


class Bar:
    """Be a bar as pipelines use it."""

    def __init__(self, iterable=None, total=None):
        self.iterable, self.total, self.n = iterable, total, 0

    def __iter__(self):
        yield from self.iterable

    def update(self, n=1):
        self.n += n
        return "drawn"


def test_several_steps_at_once_share_their_time(observed):
    """None, and fewer than none, are no steps; what the bar gives back is given back."""
    bar = Bar(total=5)
    with LibraryCall(("o", "p", "steps", None)) as call:
        progress = DiffusionProgress(call)
        progress.follow(bar)
        assert [bar.update(n) for n in (3, 0, -1, 2)] == ["drawn"] * 4
        progress.end()
    assert (observed.value(STEPS), observed.value(STEP_SECONDS), bar.n) == (5, 5, 4)
    assert "update" not in vars(bar)


def test_two_bars_are_one_denoising(observed):
    """A pipeline of two stages goes back to denoising after the first bar's end."""
    first, second = Bar(total=1), Bar(total=1)
    with LibraryCall(("o", "p", "stages", None)) as call:
        progress = DiffusionProgress(call)
        for bar in (first, second):
            progress.follow(bar)
            progress.follow(bar)
            bar.update()
        progress.end()
    labels = [sample.labels["genotel_phase"] for sample in observed.samples(PHASES) for _ in range(int(sample.value))]
    assert sorted(labels) == ["decode", "decode", "denoise", "denoise", "encode"]


@pytest.mark.parametrize("is_iterated", [True, False], ids=["iterated", "updated"])
def test_a_fault_at_a_mark_leaves_the_bar_alone(observed, forgiving, is_iterated):
    """The loop goes on as it would; each fault is counted."""
    bar = Bar(range(3)) if is_iterated else Bar(total=3)
    with LibraryCall(("o", "p", "faulty", None)) as call:
        progress = DiffusionProgress(call)
        progress.follow(bar)
        progress._clock = SimpleNamespace()
        if is_iterated:
            assert [*bar] == [0, 1, 2]
        else:
            assert [bar.update() for _ in range(3)] == ["drawn"] * 3
    counted = guard.internal_errors()
    assert counted["diffusion_progress.step"] == 3
    assert counted.get("diffusion_progress.phase", 0) == (1 if is_iterated else 0)
