"""Models in memory: loaded, unloaded, used."""

from __future__ import annotations

import time

import pytest

import genotel
from genotel import guard
from genotel.instrumentation import instruments
from genotel.instrumentation.models import declare_models, restore_use
from tests.observed import Observed

RESIDENT = "genotel_model_resident"
EVENTS = "genotel_model_events_total"
LOAD = "genotel_model_load_duration_seconds_count"


def test_a_load_is_timed_counted_and_makes_the_model_resident(observed: Observed) -> None:
    """The first one has an increase, since the counter is born before it."""
    with genotel.model_load("/home/ann/sdxl", source="disk"):
        assert observed.value(EVENTS, gen_ai_request_model="sdxl", genotel_event="load") == 0
        assert len(observed.samples(EVENTS)) == 4
        assert observed.samples(RESIDENT) == []
    assert observed.value(LOAD, gen_ai_request_model="sdxl", genotel_load_source="disk") == 1
    assert observed.value(EVENTS, genotel_event="load", genotel_outcome="ok") == 1
    assert observed.value(RESIDENT) == 1
    (event,) = observed.sink.events
    assert (event.model, event.kind, event.outcome, event.source) == ("sdxl", "load", "ok", "disk")
    assert event.duration_seconds is not None


def test_a_failed_load_is_an_error_and_nothing_is_resident(observed: Observed) -> None:
    """The exception passes unchanged."""
    error = OSError("/home/ann/secret")
    with pytest.raises(OSError, match="secret") as caught, genotel.model_load("m"):
        raise error
    assert caught.value is error
    assert error.__context__ is None
    assert observed.value(LOAD, error_type="OSError") == 1
    assert observed.value(EVENTS, genotel_event="load", genotel_outcome="error") == 1
    assert observed.samples(RESIDENT) == []
    assert "secret" not in observed.text() + str(observed.sink.events)


@pytest.mark.parametrize("error", [StopIteration(1), KeyboardInterrupt(), GeneratorExit()])
def test_any_exception_passes_a_load(observed: Observed, error: BaseException) -> None:
    """Also those that ``contextlib`` treats in a special way."""
    with pytest.raises(type(error)) as caught, genotel.model_load("m"):
        raise error
    assert caught.value is error


def test_a_source_that_is_a_path_is_other(observed: Observed) -> None:
    """One word was asked for; a path says too much."""
    with genotel.model_load("m", source="/home/ann/secret.safetensors"):
        pass
    assert observed.value(LOAD, genotel_load_source="other") == 1
    assert observed.sink.events[0].source == "other"


def test_an_unloaded_model_is_not_resident(observed: Observed) -> None:
    """Several copies are counted."""
    for _ in range(2):
        with genotel.model_load("m"):
            pass
    genotel.model_unloaded("m")
    assert observed.value(RESIDENT) == 1
    genotel.model_unloaded("/models/m")
    genotel.model_unloaded("m")
    assert observed.value(RESIDENT) == 0
    assert observed.value(EVENTS, genotel_event="unload") == 3


def test_declared_models_are_born_at_zero(observed: Observed) -> None:
    """Before their first use and load."""
    declare_models("a", "/models/b")
    assert len(observed.samples("genotel_generation_requests_total")) == 10
    assert {sample.labels["gen_ai_request_model"] for sample in observed.samples(EVENTS)} == {"a", "b"}
    assert observed.value(EVENTS) == 0


def test_the_last_use_is_the_latest_that_is_known(observed: Observed) -> None:
    """A restart takes over what the journal knows, and never goes back."""
    name = "genotel_model_last_used_timestamp_seconds"
    declare_models("m")
    assert observed.samples(name) == []
    restore_use("chat", "vllm", "/models/m", 1000.0)
    restore_use("chat", "vllm", "m", 500.0)
    assert observed.value(name) == 1000.0
    assert observed.value("genotel_generation_started_total", gen_ai_operation_name="chat") == 0
    before = time.time()
    with genotel.generation("m"):
        assert observed.value(name) >= before


def test_nothing_is_measured_while_telemetry_is_disabled() -> None:
    """And nothing fails."""
    instruments.disable()
    try:
        with genotel.model_load("m"):
            pass
        genotel.model_unloaded("m")
        genotel.record_event("m", kind="download")
    finally:
        instruments.unbind()


@pytest.mark.usefixtures("forgiving")
def test_faults_are_ours_alone(observed: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A load goes on whatever breaks in here, and is still known to be resident."""

    def fault(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("genotel.instrumentation.models.record_event", fault)
    with genotel.model_load("m"):
        pass
    genotel.model_unloaded("m")
    monkeypatch.setattr("genotel.instrumentation.models.model_name", fault)
    with genotel.model_load("m"):
        pass
    assert guard.internal_errors() == {"models.load": 2, "models.unloaded": 1, "models.begin": 1}
