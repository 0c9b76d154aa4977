"""What the page of advice shows, and what it leaves out."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from genotel.history.usage import UsageHistory, empty_history
from genotel.recommenders.advice import Advice
from genotel.recommenders.publish import Run
from genotel.recommenders.publish_forecasts import Forecast
from genotel.recommenders.publish_memory import Memory
from genotel.recommenders.publish_webhook import Webhook
from genotel.recommenders.recommendation import Priority, Reason, Recommendation, Saving
from genotel.semconv.advice_metrics import ADVICE_METRICS
from genotel.semconv.spec import label_name
from histories import EPOCH, history
from tests.watching import DAY, Told, advised, days, of, shown, watcher


def test_a_run_shows_its_advice_and_its_forecasts() -> None:
    """Models by kind, figures as values, counts of what stands and of what is withheld."""
    told = Told(days(60), now=EPOCH + 60 * DAY)
    watching = watcher(told)
    assert not watching.page.is_ready
    assert watching.run()
    assert watching.page.is_ready
    values = shown(watching)
    assert advised(values) == {"cleanup": {"dead"}, "preload": {"busy"}}
    about = {"genotel_kind": "cleanup", "gen_ai_request_model": "dead"}
    assert values[of("genotel_advice_saving_size_bytes", **about)] == 7e9
    assert values[of("genotel_advice_since_timestamp_seconds", **about)] == EPOCH + 60 * DAY
    assert 0.5 <= values[of("genotel_advice_confidence", **about)] <= 1.0
    assert of("genotel_advice_saving_time_per_day_seconds", **about) not in values
    standing = {key: value for key, value in values.items() if key[0] == "genotel_advice_standing"}
    assert len(standing) == 6
    assert sum(standing.values()) == 2
    assert values[of("genotel_advice_withheld", genotel_kind="cleanup", genotel_reason="in_use")] == 1
    bands = {"gen_ai_request_model": "busy", "genotel_horizon": "1d"}
    assert values[of("genotel_forecast_requests", genotel_band="upper", **bands)] == 1
    assert values[of("genotel_forecast_target_timestamp_seconds", genotel_horizon="1h")] == EPOCH + 60 * DAY + 3600
    assert values[of("genotel_recommender_last_run_timestamp_seconds")] == EPOCH + 60 * DAY
    assert values[of("genotel_recommender_history_observed")] == 1.0
    assert values[of("genotel_recommender_runs_total", genotel_result="ok")] == 1


def test_what_is_too_old_is_absent() -> None:
    """Forecasts when their hour has passed, advice after a day; counters and the time of the last run stay."""
    told = Told(days(60), now=EPOCH + 60 * DAY)
    watching = watcher(told)
    watching.run()
    told.now += 3700
    names = {name for name, _ in shown(watching)}
    assert of("genotel_forecast_target_timestamp_seconds", genotel_horizon="1h") not in shown(watching)
    assert of("genotel_forecast_target_timestamp_seconds", genotel_horizon="1d") in shown(watching)
    assert "genotel_advice_open" in names
    told.now += DAY
    names = {name for name, _ in shown(watching)}
    assert not {
        name for name in names if name.startswith(("genotel_forecast", "genotel_advice_open", "genotel_advice_st"))
    }
    assert {"genotel_recommender_last_run_timestamp_seconds", "genotel_advice_results_total"} <= names


def test_advice_that_no_longer_stands_disappears() -> None:
    """Absent, not 0."""
    told = Told(days(60), now=EPOCH + 60 * DAY)
    watching = watcher(told)
    watching.run()
    told.known = days(61, revived=True)
    watching.run()
    assert "cleanup" not in advised(shown(watching))


def test_a_history_without_anything_is_shown_as_such() -> None:
    """No window, no advice, no forecast; and no NaN."""
    watching = watcher(Told(empty_history("nothing")))
    assert watching.run()
    values = shown(watching)
    assert advised(values) == {}
    assert values[of("genotel_recommender_history_models")] == 0
    assert of("genotel_recommender_history_span_seconds") not in values


def test_models_have_series_of_their_own_up_to_a_limit() -> None:
    """The most urgent and best first; the counts tell of all."""
    names = {f"m{k:03d}": [k % 20] for k in range(300)}
    told = Told(history({**names, "busy": range(120)}, days=120), now=EPOCH + 120 * DAY)
    watching = watcher(told, most=10)
    watching.run()
    values = shown(watching)
    assert {kind: len(models) for kind, models in advised(values).items()} == {"cleanup": 10, "preload": 1}
    standing = sum(value for (name, labels), value in values.items() if name == "genotel_advice_standing")
    assert standing > 100
    forecast = {labels for name, labels in values if name == "genotel_forecast_probability"}
    assert len(forecast) == 20


def test_a_history_that_was_kept_is_not_worked_on_again() -> None:
    """The page goes on telling of when it was read."""
    told = Told(days(60), now=EPOCH + 60 * DAY)
    watching = watcher(told)
    watching.run()
    told.now += 300
    watching.run()
    values = shown(watching)
    assert values[of("genotel_recommender_last_run_timestamp_seconds")] == EPOCH + 60 * DAY
    assert values[of("genotel_recommender_runs_total", genotel_result="ok")] == 2


def test_of_several_things_about_one_model_the_most_urgent_is_shown() -> None:
    """One cause must not save its seconds twice; the counts tell of every piece."""
    told = Told(days(60), now=EPOCH + 60 * DAY)
    watching = watcher(told)
    page, memory = watching.page, Memory()
    slow = advice("preload", Priority.LOW, 5.0)
    fails = advice("preload", Priority.HIGH, None)
    both = Advice("a store", None, (slow, fails), (), methods={"preload": "so"})
    page.show(Run(at=told.now, seconds=1.0, advice=both), memory)
    values = shown(watching)
    about = {"genotel_kind": "preload", "gen_ai_request_model": "sdxl"}
    assert values[of("genotel_advice_priority", **about)] == 3
    assert of("genotel_advice_saving_time_per_day_seconds", **about) not in values
    standing = {
        dict(labels)["genotel_priority"]: v for (name, labels), v in values.items() if name.endswith("standing")
    }
    assert standing == {"low": 1, "medium": 0, "high": 1}


def advice(kind: str, priority: Priority, seconds: float | None) -> Recommendation:
    """Return advice about a model that saves some seconds a day."""
    return Recommendation(
        model="sdxl",
        kind=kind,
        priority=priority,
        confidence=0.9,
        reason_code=Reason.USED_OFTEN,
        reason="So.",
        evidence={},
        saving=Saving(seconds_per_day=seconds),
    )


def test_every_metric_of_advice_is_on_the_page_one_day(tmp_path: Path) -> None:
    """What the catalogue promises and dashboards ask for is emitted, and nothing else."""
    (tmp_path / "secret").write_text("s")
    told = Told(days(60), now=EPOCH + 60 * DAY)
    webhook = Webhook("http://x/", tmp_path / "secret", {}, post=lambda url, body, headers: (204, None))
    watching = watcher(told, webhook=webhook)
    watching.run()
    assert watching.memory is not None
    # The day's forecast is put down every sixth hour; this one was made at 23:59.
    day = Forecast("1d", int(told.now // 3600) - 30, ("busy",), (0.5,), (1.0,), (0.0,), (1.0,), (1.0,))
    watching.memory.remember_forecast(day)
    told.known, told.now = days(95), EPOCH + 95 * DAY
    webhook.on_result = watching.page.count_delivery
    watching.run()
    webhook.wait(10.0)
    told.known, told.now = slow(days(96)), EPOCH + 96 * DAY
    watching.run()
    values = shown(watching)
    names = {re.sub("_(bucket|sum|count)$", "", name) for name, _ in values}
    assert names == {spec.prometheus_name for spec in ADVICE_METRICS}
    for spec in ADVICE_METRICS:
        for key, closed in spec.closed:
            label = label_name(key)
            seen = {dict(labels).get(label) for name, labels in values if name.startswith(spec.prometheus_name)}
            assert seen == {*closed}, (spec.name, key)


def slow(known: UsageHistory) -> UsageHistory:
    """Return a history in which every call loaded its model for twenty seconds."""
    loads = np.ones_like(known.hourly.loads)
    seconds = np.full(len(loads), 20.0)
    return replace(known, hourly=replace(known.hourly, loads=loads, timed_loads=loads, load_seconds=seconds))
