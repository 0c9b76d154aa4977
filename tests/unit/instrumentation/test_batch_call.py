"""One measured batch: counted once, by how it ended, with its span where it has one."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanContext, StatusCode, TraceFlags

import genotel
from genotel import guard
from genotel.errors import SettingsError
from genotel.instrumentation import instruments
from genotel.instrumentation.batch_stats import BatchStats
from genotel.instrumentation.late_ends import WAITING, settle_all
from tests.observed import Observed


def counts(observed: Observed, what: str = "batches", name: str = "captions") -> dict[str, int]:
    """Return batches or items by outcome, those above 0."""
    return {
        sample.labels["genotel_outcome"]: int(sample.value)
        for sample in observed.samples(f"genotel_batch_{what}_total", genotel_batch_name=name)
        if sample.value
    }


def test_a_batch_is_timed_and_counted(batches: Observed) -> None:
    """With its items, its wait, and while it runs as active."""
    with genotel.batch("captions", size=8, queue_time=0.5):
        assert batches.value("genotel_batch_active", genotel_batch_name="captions") == 1
        time.sleep(0.01)
    assert (counts(batches), counts(batches, "items")) == ({"ok": 1}, {"ok": 8})
    assert batches.value("genotel_batch_active", genotel_batch_name="captions") == 0
    seconds = batches.value("genotel_batch_duration_seconds_sum", genotel_batch_name="captions")
    assert 0.01 <= seconds < 5
    assert batches.value("genotel_batch_latency_seconds_sum", genotel_batch_name="captions") == pytest.approx(
        seconds + 0.5
    )
    assert batches.value("genotel_batch_queue_duration_seconds_sum", genotel_batch_name="captions") == 0.5
    assert batches.value("genotel_batch_size_sum", genotel_batch_name="captions") == 8


def test_what_is_unknown_is_not_recorded(batches: Observed) -> None:
    """A batch of unknown size is one item; without a wait it has no latency."""
    with genotel.batch("captions"):
        pass
    assert counts(batches, "items") == {"ok": 1}
    for name in ("size", "latency_seconds", "queue_duration_seconds"):
        assert batches.samples(f"genotel_batch_{name}_count", genotel_batch_name="captions") == []


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ValueError("secret"), "error"),
        (MemoryError("secret"), "out_of_memory"),
        (KeyboardInterrupt(), "cancelled"),
        (asyncio.CancelledError(), "cancelled"),
    ],
)
def test_an_exception_passes_unchanged_and_is_the_outcome(
    batches: Observed, error: BaseException, outcome: str
) -> None:
    """Its text goes nowhere."""
    with pytest.raises(type(error)) as caught, genotel.batch("captions", size=4):
        raise error
    assert caught.value is error
    assert (counts(batches), counts(batches, "items")) == ({outcome: 1}, {outcome: 4})
    (span,) = batches.spans
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert "secret" not in span.to_json() + batches.openmetrics()


def test_items_may_be_told_inside(batches: Observed) -> None:
    """How many there are, and how many of them failed; never more than there are."""
    with genotel.batch("captions") as current:
        current.items(8)
        current.fail()
        current.fail(2)
    with genotel.batch("captions", size=2) as current:
        current.fail(100)
    assert counts(batches, "items") == {"ok": 5, "error": 5}
    assert counts(batches) == {"ok": 2}


def test_the_span_is_current_inside_and_tells_of_the_batch(batches: Observed) -> None:
    """It links to the spans of the items."""
    linked = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1))
    with genotel.batch("captions", size=8, queue_time=0.5, links=[linked]):
        inside = trace.get_current_span().get_span_context()
    (span,) = batches.spans
    assert span.context == inside
    assert span.name == "batch captions"
    assert [link.context for link in span.links] == [linked]
    assert dict(span.attributes) == {
        "genotel.batch.name": "captions",
        "genotel.batch.index": 0,
        "genotel.batch.size": 8,
        "genotel.batch.queue.duration": 0.5,
    }


def test_spans_may_be_some_or_none(batches: Observed) -> None:
    """A million batches must not be a million spans."""
    for _ in range(300):
        with genotel.batch("captions", spans="sampled"):
            pass
    with genotel.batch("captions", spans="none"):
        pass
    assert len(batches.spans) == 175
    assert counts(batches) == {"ok": 301}


def test_a_coroutine_s_batch(batches: Observed) -> None:
    """Tasks side by side; each in its own context."""

    async def work(number: int) -> int:
        async with genotel.batch("captions", size=number):
            await asyncio.sleep(0.001)
            return trace.get_current_span().get_span_context().span_id

    async def main() -> list[int]:
        return await asyncio.gather(*(work(number) for number in range(5)))

    assert len(set(asyncio.run(main()))) == 5
    assert (counts(batches), counts(batches, "items")) == ({"ok": 5}, {"ok": 10})


def test_a_generator_that_is_left_abandons_its_batch(batches: Observed) -> None:
    """Closed, or collected as part of a cycle."""

    def work() -> Any:
        with genotel.batch("captions", spans="none"):
            yield 1

    stream = work()
    next(stream)
    stream.close()
    cycle: dict[str, Any] = {"stream": work()}
    cycle["self"] = cycle
    next(cycle["stream"])
    del cycle
    gc.collect()
    settle_all()
    assert counts(batches) == {"abandoned": 2}
    assert not WAITING


def test_a_late_end_is_settled_once(batches: Observed) -> None:
    """Whoever comes first."""
    current = genotel.batch("captions")
    current.__enter__()
    current.settle()
    current.settle()
    current.finish()
    assert counts(batches) == {"abandoned": 1}


def test_the_wait_may_be_told_by_a_timestamp(batches: Observed) -> None:
    """Unix time or monotonic time; the future is no wait; what is no time is unknown."""
    stamps: list[Any] = [time.time() - 100, time.monotonic() - 100, time.monotonic() + 100, "soon"]
    waits = [genotel.batch("captions", enqueued_at=stamp).wait_seconds for stamp in stamps]
    assert waits == [pytest.approx(100, abs=5), pytest.approx(100, abs=5), 0.0, None]
    assert genotel.batch("captions", queue_time=1.0, enqueued_at=time.time()).wait_seconds == 1.0


def test_statistics_take_the_batch_in_and_export_it(batches: Observed) -> None:
    """Under their name, and once."""
    stats = BatchStats(name="engine")
    with genotel.batch("captions", size=8, queue_time=0.25, stats=stats):
        assert batches.value("genotel_batch_active", genotel_batch_name="engine") == 1
    with pytest.raises(ValueError, match="secret"), genotel.batch("captions", size=4, stats=stats):
        raise ValueError("secret")
    assert (stats.batch_sizes, stats.queue_times) == ((8, 4), (0.25, 0.0))
    assert counts(batches, "items", "engine") == {"ok": 8, "error": 4}
    assert counts(batches) == {}
    assert batches.value("genotel_batch_duration_seconds_count", genotel_batch_name="engine") == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: genotel.batch(""), r"^name must be a text that is not empty"),
        (lambda: genotel.batch(spans="some"), r"^spans must be one of each, sampled, none, not 'some'$"),
    ],
)
def test_a_wrong_argument_is_refused_by_its_name(call: Callable[[], object], message: str) -> None:
    """At once."""
    with pytest.raises(SettingsError, match=message):
        call()


@pytest.mark.usefixtures("forgiving")
@pytest.mark.parametrize("size", ["many", object(), [1]])
def test_a_size_that_is_none_is_left_out(batches: Observed, size: Any) -> None:
    """Counted as one item, and as a fault."""
    with genotel.batch("captions", size=size) as current:
        current.fail("all")  # type: ignore[arg-type]  # that is the point
    assert counts(batches, "items") == {"ok": 1}
    assert guard.internal_errors().keys() == {"batch.size", "batch.fail"}


def test_a_size_may_be_anything_that_is_a_number(batches: Observed) -> None:
    """Never below 0."""
    for size in (4.0, -3):
        with genotel.batch("captions", size=size):  # type: ignore[arg-type]  # that is the point
            pass
    assert counts(batches, "items") == {"ok": 4}


@pytest.mark.usefixtures("forgiving")
def test_a_fault_of_ours_costs_only_the_telemetry(batches: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the beginning and at the end."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(batches.tracer_provider.get_tracer("x").__class__, "start_span", fail)
    with genotel.batch("captions"):
        pass
    assert counts(batches) == {"ok": 1}
    monkeypatch.setattr(type(instruments.IN_FORCE.bound.batch), "record_one", fail)
    with genotel.batch("captions"):
        pass
    assert guard.internal_errors() == {"batch.begin": 2, "batch.record": 1}


def test_nothing_is_measured_while_telemetry_is_disabled(batches: Observed) -> None:
    """The block runs."""
    instruments.disable()
    with genotel.batch("captions", size=8) as current:
        current.fail()
    assert batches.samples("genotel_batch_batches_total") == []


def test_a_batch_that_was_begun_before_a_fork_is_the_parent_s(batches: Observed) -> None:
    """The child ends its copy without a trace."""
    with genotel.batch("captions", spans="none"):
        child = os.fork()
    if child == 0:  # pragma: no cover  # another process
        os._exit(len(counts(batches)))
    assert os.waitpid(child, 0)[1] == 0
    assert counts(batches) == {"ok": 1}


def test_threads_measure_side_by_side(batches: Observed) -> None:
    """Nothing is lost."""

    def work() -> None:
        for _ in range(200):
            with genotel.batch("captions", size=2, spans="none"):
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (counts(batches), counts(batches, "items")) == ({"ok": 800}, {"ok": 1600})
