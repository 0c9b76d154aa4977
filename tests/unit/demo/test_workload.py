"""The workload answers requests for real, counts what came of them and ends when told to."""

from __future__ import annotations

import dataclasses
import time
from time import perf_counter

import pytest

from genotel.demo.loaded_models import ModelSize
from genotel.demo.workload import LIVE_MODELS, LiveModel, Workload

TINY = (
    LiveModel("tiny", ModelSize(8, 20), (3,), 3, too_large=0.0),
    LiveModel("wide", ModelSize(8, 20), (2,), 1, too_large=1.0),
)


@pytest.fixture
def workload():
    """Give a workload of tiny models that is stopped at the end."""
    made = Workload(TINY)
    yield made
    made.stop()


def test_a_request_becomes_a_picture(workload):
    """All of its steps are counted, its wait as well, and the picture can be looked at."""
    request = dataclasses.replace(workload.make_request(TINY[0]), prompt="a ring", asked_at=perf_counter() - 2.0)
    workload.answer(request)
    tally = workload.tally.models["tiny"]
    assert (tally.calls, tally.refused, tally.failed, tally.steps, tally.running) == (1, 0, 0, 3, 0)
    assert tally.waited[0] == pytest.approx(2.0, abs=0.5)
    assert (workload.glimpse.model, workload.glimpse.step, workload.glimpse.steps) == ("tiny", 3, 3)
    assert workload.glimpse.picture.shape == (64,)
    assert workload.in_memory == ("tiny",)


def test_too_large_a_canvas_is_refused_after_its_steps(workload):
    """As a decoder runs out of memory at the very end."""
    workload.answer(dataclasses.replace(workload.make_request(TINY[1]), prompt="a disc"))
    tally = workload.tally.models["wide"]
    assert (tally.calls, tally.refused, tally.failed, tally.steps) == (1, 1, 0, 2)


def test_an_unknown_shape_fails_before_its_steps(workload):
    """And is counted apart from the refused ones."""
    workload.answer(dataclasses.replace(workload.make_request(TINY[0]), prompt="a portrait"))
    tally = workload.tally.models["tiny"]
    assert (tally.calls, tally.refused, tally.failed, tally.steps) == (1, 0, 1, 0)


def test_requests_are_the_same_for_a_seed():
    """What is asked does not depend on when."""
    whims = [
        [dataclasses.replace(Workload(seed=seed).make_request(model), asked_at=0.0) for model in LIVE_MODELS]
        for seed in (1, 1, 2)
    ]
    assert whims[0] == whims[1] != whims[2]


def test_it_runs_until_stopped(workload):
    """Requests come by themselves, each model is asked; after the end nothing runs and nothing waits."""
    workload.start()
    deadline = time.monotonic() + 20
    while workload.tally.calls < 8 and time.monotonic() < deadline:
        time.sleep(0.01)
    workload.stop()
    done = workload.tally.calls
    assert done >= 8
    assert all(model.calls for model in workload.tally.models.values())
    assert (workload.tally.running, workload.tally.calls) == (0, done)


def test_a_full_queue_turns_requests_away(monkeypatch):
    """A client that is told to come back later is no reason to hang."""
    monkeypatch.setattr("genotel.demo.workload.WORKERS", 0)
    monkeypatch.setattr("genotel.demo.workload.MAX_WAITING", 5)
    monkeypatch.setattr("genotel.demo.workload._FIRST_GUESS_SECONDS", 1e-4)
    crowded = Workload(TINY)
    crowded.start()
    deadline = time.monotonic() + 20
    while crowded.waiting < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    # Some more arrive meanwhile and are turned away.
    time.sleep(0.05)
    assert crowded.waiting == 5
    crowded.stop()
    assert crowded.tally.calls == 0
