"""Counts are numbers under a lock, and they add up at every moment."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from genotel.instrumentation import accumulators
from genotel.instrumentation.accumulators import CallKey, call_totals, count_event, model_totals
from genotel.instrumentation.caps import LIMITS


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Begin and end with no numbers."""
    accumulators.reset()
    yield
    accumulators.reset()


def key(model: str, **more: str) -> CallKey:
    """Return a label set."""
    return CallKey("generate_content", "self_hosted", model, **more)


def test_a_label_set_is_born_once_and_at_zero() -> None:
    """Every outcome has its number from then on."""
    totals = call_totals(key("m"))
    assert call_totals(key("m")) is totals
    assert (totals.started, totals.finished, totals.active) == (0, [0, 0, 0, 0, 0], 0)
    assert totals.attributes == {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "self_hosted",
        "gen_ai.request.model": "m",
    }


def test_experiment_and_variant_are_labels_while_they_are_set() -> None:
    """And only then."""
    totals = call_totals(key("m", experiment="e", variant="B"))
    assert totals.attributes["genotel.experiment"] == "e"
    assert totals.attributes["genotel.variant"] == "B"
    assert totals is not call_totals(key("m"))


def test_one_scrape_shows_one_moment() -> None:
    """What happens between two metrics of a scrape shows at the next one."""
    totals = call_totals(key("m"))
    assert totals.shown == (0, [0, 0, 0, 0, 0])
    totals.counts[-1] += 1
    assert totals.show() == [0, 0, 0, 0, 0]
    totals.counts[0] += 1
    assert totals.shown == (1, [0, 0, 0, 0, 0])
    assert totals.show() == [1, 0, 0, 0, 0]


def test_models_over_the_cap_are_counted_together() -> None:
    """A user id as a model's name must not make a series each."""
    limit = LIMITS["model"][0]
    for number in range(limit + 50):
        call_totals(key(f"m{number}")).counts[-1] += 1
        model_totals(f"m{number}").last_used = float(number)
    assert len(accumulators.all_calls()) == len(accumulators.all_models()) == limit + 1
    other = call_totals(key("one more"))
    assert (other.attributes["gen_ai.request.model"], other.started, other.folded) == ("other", 50, True)
    assert model_totals("one more") is model_totals("other")
    assert accumulators.all_dropped() == {"genotel.generation.requests": 50}


def test_label_sets_are_bounded_in_all(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The product of the caps is no bound."""
    monkeypatch.setattr(accumulators, "MAX_LABEL_SETS", 10)
    for number in range(20):
        call_totals(key("m", experiment=f"e{number // 5}", variant=f"v{number % 5}")).counts[-1] += 1
    assert len(accumulators.all_calls()) == 11
    assert accumulators.all_dropped() == {"genotel.generation.requests": 10}
    assert len(caplog.records) == 1


def test_a_user_who_calls_a_model_other_drops_nothing() -> None:
    """Only what was folded counts as dropped."""
    call_totals(key("other")).counts[-1] += 1
    assert accumulators.all_dropped() == {}


def test_phases_errors_and_outputs_have_ready_made_labels() -> None:
    """The same dict each time, so the hot path builds none."""
    totals = call_totals(key("m"))
    assert totals.phase_attributes("decode") is totals.phase_attributes("decode")
    assert totals.error_attributes("E") is totals.error_attributes("E")
    assert totals.phase_attributes("decode")["genotel.phase"] == "decode"
    assert totals.error_attributes("E")["error.type"] == "E"


def test_phases_over_the_cap_share_one() -> None:
    """And each measurement is counted."""
    totals = call_totals(key("m"))
    for number in range(LIMITS["phase"][0]):
        totals.phase_attributes(f"p{number}")
    assert totals.phase_attributes("new") is totals.phase_attributes("newer")
    assert accumulators.all_dropped() == {"genotel.generation.phase.duration": 2}


def test_outputs_add_up_by_kind() -> None:
    """Over the cap they count as other."""
    totals = call_totals(key("m"))
    totals.add_outputs("video", 1, 16, 100, 0.5)
    totals.add_outputs("video", 2, 32, 200, 1.0)
    made = totals.outputs["video"]
    assert (made.outputs, made.frames, made.pixels, made.seconds) == (3, 48, 300, 1.5)
    for number in range(60):
        totals.add_outputs(f"kind {number}", 1, 0, 0, 0.0)
    assert len(totals.outputs) == LIMITS["output_type"][0] + 1
    assert totals.outputs["other"].outputs == 11


def test_parameters_are_bounded_by_label_set_and_in_all() -> None:
    """Values over either cap count as other."""
    totals = call_totals(key("m"))
    for number in range(accumulators.MAX_PARAMETER_VALUES + 20):
        totals.add_parameter("steps", str(number))
        totals.add_parameter("steps", "0")
    assert len(totals.parameters) == accumulators.MAX_PARAMETER_VALUES + 1
    assert totals.parameters["steps", "other"] == [20]
    for model in range(20):
        for number in range(50):
            call_totals(key(f"m{model}")).add_parameter("steps", f"{model}x{number}")
    values = {value for each in accumulators.all_calls() for _, value in each.parameters}
    assert len(values) == LIMITS["parameter_value"][0] + 1
    assert sum(cell[0] for each in accumulators.all_calls() for cell in each.parameters.values()) == 240 + 1000


def test_events_are_born_at_zero_with_both_outcomes() -> None:
    """The first failure of a download must have an increase."""
    count_event("m", "download", "error")
    count_event("m", "download", "error")
    assert accumulators.events_of(model_totals("m")) == [("download", "ok", 0), ("download", "error", 2)]
    accumulators.bear_events("n", "load")
    assert accumulators.events_of(model_totals("n")) == [("load", "ok", 0), ("load", "error", 0)]


def test_words_for_events_are_bounded() -> None:
    """Any word of the user's may be used, within reason."""
    for number in range(60):
        count_event("m", f"kind {number}", "ok")
    assert sum(count for _, _, count in accumulators.events_of(model_totals("m"))) == 60
    assert ("other", "ok", 10) in accumulators.events_of(model_totals("m"))
    assert accumulators.all_dropped() == {"genotel.model.events": 10}


def test_events_of_models_over_the_cap_are_counted_as_dropped() -> None:
    """They are of no model that could be named."""
    for number in range(LIMITS["model"][0]):
        model_totals(f"m{number}")
    count_event("new", "load", "ok")
    assert accumulators.all_dropped() == {"genotel.model.events": 1}


def test_resident_copies_are_never_below_zero() -> None:
    """An unload that we saw of a load that we did not."""
    accumulators.set_resident("m", -1)
    assert model_totals("m").resident == 0
    accumulators.set_resident("m", 2)
    accumulators.set_resident("m", -1)
    assert model_totals("m").resident == 1


def test_threads_lose_no_count() -> None:
    """Started, finished and outputs under contention."""
    totals = call_totals(key("m"))
    seen: list[int] = []

    def work() -> None:
        for _ in range(2_000):
            with totals.lock:
                totals.counts[-1] += 1
            seen.append(totals.active)
            totals.add_outputs("image", 1, 0, 0, 0.0)
            totals.add_parameter("steps", "1")
            count_event("m", "load", "ok")
            with totals.lock:
                totals.counts[0] += 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (totals.started, totals.finished[0], totals.active) == (8_000, 8_000, 0)
    assert (totals.outputs["image"].outputs, totals.parameters["steps", "1"]) == (8_000, [8_000])
    assert accumulators.events_of(model_totals("m"))[0] == ("load", "ok", 8_000)
    assert 1 <= min(seen) <= max(seen) <= 4


def test_a_signal_handler_may_come_in_anywhere() -> None:
    """SIGTERM flushes: it reads what the interrupted thread was about to change."""
    totals = call_totals(key("m"))
    seen: list[int] = []

    def handler(*_: object) -> None:
        seen.append(totals.active + len(accumulators.all_calls()) + len(accumulators.all_dropped()))

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with totals.lock, accumulators._lock:
            signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert seen == [1]


def test_forgotten_numbers_know_it() -> None:
    """A call that was begun before a fork is its parent's."""
    totals = call_totals(key("m"))
    accumulators.reset()
    assert totals.stale
    assert call_totals(key("m")) is not totals
    assert not call_totals(key("m")).stale
