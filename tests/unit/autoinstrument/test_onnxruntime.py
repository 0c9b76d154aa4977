"""Sessions of onnxruntime, on a stand-in with its signatures."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

import genotel
from genotel import guard
from genotel.autoinstrument import onnxruntime
from genotel.instrumentation.generation import running


@pytest.fixture
def kind(load):
    """Return the class of sessions, measured."""
    genotel.instrument()
    return load("onnxruntime.capi.onnxruntime_inference_collection").InferenceSession


def test_every_way_to_run(observed, kind):
    """Each is one call of that model."""
    session = kind(Path("/secret/tiny.onnx"))
    session.run(None, {})
    session.run_with_iobinding(None)
    session.run_with_ort_values([], {})
    session.run_with_ortvaluevector(None, [], [], [], [], [])
    got = []
    assert running.get() is None
    session.run_async(None, 5, lambda *given: got.append(given), "mine")
    session.thread.join()
    assert got == [([5], "mine", "")]
    assert observed.outcomes("tiny.onnx") == {"ok": 5}
    assert "secret" not in observed.text()


def test_a_run_that_fails_later_is_an_error(observed, kind):
    """The callback is told, and so are we."""
    session = kind(b"bytes")
    got = []
    session.run_async(None, "fail", lambda *given: got.append(given), None)
    session.thread.join()
    assert got[0][2] == "told to"
    assert observed.outcomes("onnx-model") == {"error": 1}


def test_a_run_that_cannot_be_begun_is_an_error(observed, load, monkeypatch):
    """No callback will come."""
    module = load("onnxruntime.capi.onnxruntime_inference_collection")

    def refuse(self, output_names, input_feed, callback, user_data, run_options=None):
        raise ValueError("no such input")

    monkeypatch.setattr(module.Session, "run_async", refuse)
    genotel.instrument()
    with pytest.raises(ValueError, match="no such input"):
        module.InferenceSession("tiny.onnx").run_async(None, {}, None, None)
    assert observed.outcomes("tiny.onnx") == {"error": 1}


def test_a_session_is_resident_until_it_is_gone(observed, kind):
    """Made from a file or from memory. A name of its own: sessions of other tests may end any time."""
    session = kind("resident.onnx")
    assert observed.value("genotel_model_resident", gen_ai_request_model="resident.onnx") == 1
    del session
    gc.collect()
    assert observed.value("genotel_model_resident", gen_ai_request_model="resident.onnx") == 0


def test_suppressed(observed, kind):
    """Neither the load nor a run is counted."""
    from opentelemetry import context

    token = context.attach(context.set_value("suppress_instrumentation", True))
    try:
        session = kind("suppressed.onnx")
        session.run_async(None, 5, lambda *_: None, None)
        session.thread.join()
    finally:
        context.detach(token)
    assert observed.started() == 0
    named = [sample.labels["gen_ai_request_model"] for sample in observed.samples("genotel_model_resident")]
    assert "suppressed.onnx" not in named


@pytest.mark.parametrize("name", ["is_suppressed", "call_around", "_what", "LibraryCall"])
def test_a_fault_of_ours_changes_nothing(observed, forgiving, kind, monkeypatch, name):
    """The run is made, the fault is counted."""

    def broken(*_, **__):
        raise KeyError("ours")

    session = kind("tiny.onnx")
    with monkeypatch.context() as patch:
        patch.setattr(onnxruntime, name, broken)
        assert session.run(None, 5) == [5]
    assert guard.internal_errors() == {"onnxruntime.begin": 1}


@pytest.mark.parametrize("name", ["_ending", "_begin"])
def test_a_fault_of_ours_leaves_a_run_in_a_thread_alone(observed, forgiving, kind, monkeypatch, name):
    """The user's own callback is called, with what it would have got."""

    def broken(*_):
        raise KeyError("ours")

    got = []
    session = kind("/srv/tiny.onnx")
    with monkeypatch.context() as patch:
        patch.setattr(onnxruntime, name, broken)
        session.run_async(None, {"x": 1}, lambda *given: got.append(given), "mine")
        session.thread.join()
    assert got == [([{"x": 1}], "mine", "")]
    assert guard.internal_errors() == {"onnxruntime.run_async": 1}


def test_a_fault_at_the_end_of_a_run_in_a_thread_is_swallowed(observed, forgiving, kind, monkeypatch):
    """The callback comes all the same."""

    def broken(*_):
        raise KeyError("ours")

    got = []
    session = kind("/srv/tiny.onnx")
    with monkeypatch.context() as patch:
        patch.setattr(onnxruntime.LibraryCall, "fail", broken)
        session.run_async(None, "fail", lambda *given: got.append(given), "mine")
        session.thread.join()
    assert [given[1:] for given in got] == [("mine", "told to")]
    assert guard.internal_errors() == {"onnxruntime.end": 1}
