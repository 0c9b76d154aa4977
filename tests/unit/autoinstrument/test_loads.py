"""Loads and moves of models: named, timed once, ended well or badly, and never in the way."""

from __future__ import annotations

import traceback

import pytest
from opentelemetry import context

from genotel import guard
from genotel.autoinstrument import loads, placing
from genotel.autoinstrument.loads import LOADED, loading, making
from genotel.autoinstrument.suppression import EVERYTHING

LOADS = "genotel_model_load_duration_seconds_count"


class Model:
    """Be what is loaded."""


def load(place=None, fails=False):
    """Load a model."""
    if fails:
        raise OSError("no such file")
    return Model()


def broken(*_, **__):
    """Be a fault of ours."""
    raise KeyError("ours")


def test_a_load_that_fails_is_the_librarys_error(observed):
    """With its own traceback, to the innermost frame; counted as an error."""
    for wrap in (loading, making):
        function = wrap("place")(load)
        with pytest.raises(OSError, match="no such file") as caught:
            function("org/fails", fails=True)
        assert [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)][-1] == "load"
        assert caught.value.__context__ is None
    assert observed.value(LOADS, error_type="OSError") == 2


def test_a_load_inside_of_a_load_is_a_part_of_it(observed):
    """A pipeline loads its parts; and what is suppressed is not measured."""
    part = loading("place")(load)
    whole = loading("place")(lambda place=None: part("org/part"))
    whole("org/whole")
    token = context.attach(context.set_value(EVERYTHING, True))
    try:
        part("org/quiet")
    finally:
        context.detach(token)
    assert [sample.labels["gen_ai_request_model"] for sample in observed.samples(LOADS)] == ["org/whole"]


def test_models_are_named_by_what_was_given(observed, tmp_path):
    """A path, a name of the hub, a class for anything else; bytes are unnamed where a library takes files only."""
    (tmp_path / "here.gguf").touch()
    given = {str(tmp_path / "here.gguf"): "here.gguf", "org/there": "org/there"}
    for place, name in given.items():
        assert LOADED[loading("place")(load)(place)] == name
    assert LOADED[loading("")(load)(Model)] == "Model"
    sources = {
        sample.labels["gen_ai_request_model"]: sample.labels.get("genotel_load_source")
        for sample in observed.samples(LOADS)
    }
    assert (sources["here.gguf"], sources["org/there"]) == ("disk", "hub")
    model = Model()
    making("place", ("o", "p"), "unnamed")(lambda self, place=None: None)(model, b"bytes")
    assert LOADED[model] == "unnamed"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("is_suppressed", "loads.begin"),
        ("model_load", "loads.begin"),
        ("named", "loads.name"),
        ("note_weights", "loads.end"),
        ("site_for", "loads.end"),
        ("_Unload", "loads.unload"),
    ],
)
def test_a_fault_of_ours_leaves_the_load_alone(observed, forgiving, monkeypatch, name, place):
    """The model is there, the fault is counted, and the next load is one of its own."""
    function = loading("place", ("o", "p"))(load)
    with monkeypatch.context() as patch:
        patch.setattr(loads, name, broken)
        assert isinstance(function("org/faulty"), Model)
    assert guard.internal_errors() == {place: 1}
    assert not loads.is_loading()


@pytest.mark.parametrize(
    ("name", "place"),
    [("is_suppressed", "placing.begin"), ("record_event", "placing.event"), ("note_weights", "placing.event")],
)
def test_a_fault_of_ours_leaves_a_move_alone(observed, forgiving, monkeypatch, name, place):
    """It is made."""
    monkeypatch.setattr(placing, name, broken)
    assert placing.placing("move", lambda model: "moved")(lambda self: "there")(Model()) == "there"
    assert guard.internal_errors() == {place: 1}
