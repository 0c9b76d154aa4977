"""The watch: what its page shows from run to run, what it remembers, and what it makes of trouble."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from genotel import guard
from genotel.errors import InputError, ServerError, SettingsError
from genotel.history.usage import UsageHistory
from genotel.recommenders import publish_watch
from genotel.recommenders.publish_webhook import Webhook
from histories import EPOCH, history
from tests.watching import DAY, Told, advised, days, of, shown, watcher


def test_what_became_of_advice_is_counted_when_its_horizon_has_passed() -> None:
    """A month later: right about the dead model, with its bytes; and how well it was known."""
    told = Told(days(60), now=EPOCH + 60 * DAY)
    watching = watcher(told)
    watching.run()
    told.known, told.now = days(95), EPOCH + 95 * DAY
    watching.run()
    values = shown(watching)
    kind = {"genotel_kind": "cleanup"}
    assert values[of("genotel_advice_results_total", genotel_result="right", **kind)] == 1
    assert values[of("genotel_advice_results_total", genotel_result="wrong", **kind)] == 0
    assert values[of("genotel_advice_realised_size_bytes_total", **kind)] == 7e9
    claimed = values[of("genotel_recommender_claimed", **kind)]
    assert values[of("genotel_recommender_brier", **kind)] == pytest.approx((1 - claimed) ** 2)
    assert values[of("genotel_recommender_right", **kind)] == 1.0
    # It stood all the time.
    since = of("genotel_advice_since_timestamp_seconds", gen_ai_request_model="dead", **kind)
    assert values[since] == EPOCH + 60 * DAY


@pytest.mark.parametrize(
    ("later", "result"), [(days(91, revived=True), "wrong"), (days(95, hidden=(70,)), "expired"), (days(89), None)]
)
def test_advice_may_turn_out_wrong_or_expire(later: UsageHistory, result: str | None) -> None:
    """A use within the horizon; a day that nobody watched; or the time is not over."""
    told = Told(days(60), now=EPOCH + 60 * DAY)
    watching = watcher(told)
    watching.run()
    told.known = history({"busy": range(95), "dead": [0, 1, 2, 3, 80]}, days=95) if result == "wrong" else later
    watching.run()
    values = shown(watching)
    for name in ("right", "wrong", "expired"):
        key = of("genotel_advice_results_total", genotel_kind="cleanup", genotel_result=name)
        assert values[key] == (1 if name == result else 0)
    if result != "wrong":
        assert of("genotel_recommender_brier", genotel_kind="cleanup") not in values


def test_forecasts_are_scored_as_time_goes_by() -> None:
    """Error, that of the day before, hits of the band: by horizon, once there is one."""
    told = Told(history({"busy": range(60), "odd": [1, 5, 9]}, days=60), now=EPOCH + 60 * DAY)
    watching = watcher(told)
    # The day's forecast is put down every sixth hour of the clock: 23:59 is none.
    watching.run()
    assert watching.memory is not None
    assert {forecast.horizon for forecast in watching.memory.forecasts} == {"1h"}
    told.known = history({"busy": range(61), "odd": [1, 5, 9]}, days=61)
    watching.run()
    values = shown(watching)
    assert values[of("genotel_forecast_coverage", genotel_horizon="1h")] == 1.0
    assert values[of("genotel_forecast_error", genotel_horizon="1h")] < 0.1
    assert values[of("genotel_forecast_naive_error", genotel_horizon="1h")] == 0.0
    assert of("genotel_forecast_error", genotel_horizon="1d") not in values


def test_a_memory_survives_a_restart(tmp_path: Path) -> None:
    """Another process judges what this one claimed, and counters go on where they were."""
    told = Told(days(60), now=EPOCH + 60 * DAY)
    file = tmp_path / "advice.json"
    watcher(told, file).run()
    told.known, told.now = days(95), EPOCH + 95 * DAY
    for _ in range(2):
        again = watcher(told, file)
        again.run()
        key = of("genotel_advice_results_total", genotel_kind="cleanup", genotel_result="right")
        assert shown(again)[key] == 1


def test_trouble_keeps_the_last_advice_with_its_age_and_is_said_once() -> None:
    """And when it is over, that is said too."""
    told = Told(days(60), now=EPOCH + 60 * DAY)
    watching = watcher(told)
    watching.run()
    told.known, told.now = ServerError("http://x: nothing answers there"), EPOCH + 60 * DAY + 7200
    assert not watching.run()
    assert not watching.run()
    values = shown(watching)
    assert advised(values) == {"cleanup": {"dead"}, "preload": {"busy"}}
    assert values[of("genotel_recommender_last_run_timestamp_seconds")] == EPOCH + 60 * DAY
    assert values[of("genotel_recommender_runs_total", genotel_result="error")] == 2
    told.known = days(60)
    assert watching.run()
    assert told.said == ["http://x: nothing answers there", "the history can be read again"]


def test_a_fault_of_ours_costs_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted, said by its type only, and the watch goes on."""
    told = Told(days(60), now=EPOCH + 60 * DAY)
    watching = watcher(told)
    watching.run()

    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret")

    seen: list[BaseException] = []
    monkeypatch.setattr(publish_watch, "advise", broken)
    monkeypatch.setattr(guard, "report", lambda place, error: seen.append(error))
    told.known = days(61)
    assert not watching.run()
    assert told.said == ["the advice could not be worked out (ZeroDivisionError)"]
    assert advised(shown(watching))
    assert len(seen) == 1


@pytest.mark.parametrize("fault", [SettingsError("wrong"), InputError("no such file", file="events.csv")])
def test_a_mistake_of_the_user_s_ends_the_watch(fault: Exception) -> None:
    """At the first look: the next run would fail too."""
    with pytest.raises(type(fault)):
        watcher(Told(fault)).run()


def test_a_file_that_is_gone_for_a_while_does_not_end_the_watch() -> None:
    """It could be read before; nor does a server that is not there yet."""
    told = Told(days(60), now=EPOCH + 60 * DAY)
    watching = watcher(told)
    watching.run()
    told.known = InputError("no such file", file="events.csv")
    assert not watching.run()
    late = Told(ServerError("nothing answers there"))
    assert not watcher(late).run()


def test_a_memory_that_cannot_be_written_is_said_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is worth more than its memory."""
    seen: list[str] = []
    monkeypatch.setattr(guard, "report", lambda place, error: seen.append(place))
    told = Told(days(60), now=EPOCH + 60 * DAY)
    watching = watcher(told, tmp_path / "no" / "advice.json")
    assert watching.run()
    assert watching.run()
    assert seen == ["recommenders.memory"] * 2
    (said,) = told.said
    assert "the memory of advice cannot be written" in said
    assert advised(shown(watching))


def test_a_source_that_breaks_costs_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it raises is counted and said by its type only."""
    seen: list[str] = []
    monkeypatch.setattr(guard, "report", lambda place, error: seen.append(place))
    told = Told(ZeroDivisionError("secret"))
    assert not watcher(told).run()
    assert seen == ["recommenders.history"]
    assert told.said == ["the history could not be read (ZeroDivisionError)"]


def test_the_webhook_is_told_and_the_memory_knows(tmp_path: Path) -> None:
    """After a restart it is not told again."""
    (tmp_path / "secret").write_text("s")
    sent: list[list[str]] = []
    results: list[str] = []

    def post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, float | None]:
        sent.append([entry["model"] for entry in json.loads(body)["recommendations"]])
        return 200, None

    for _ in range(2):
        told = Told(days(60), now=EPOCH + 60 * DAY)
        webhook = Webhook("http://x/", tmp_path / "secret", {}, results.append, post)
        watching = watcher(told, tmp_path / "advice.json", webhook=webhook)
        watching.run()
        webhook.wait(10.0)
        watching.close()
    assert [sorted(entry) for entry in sent] == [["busy", "dead"]]
    assert results == ["delivered"]
    assert of("genotel_recommender_deliveries_total", genotel_result="failed") in shown(watching)


def test_the_end_leaves_a_memory_alone_that_a_look_has_in_its_hands(tmp_path: Path) -> None:
    """What it learned so far is half of it; the file stays as the look before left it."""
    (tmp_path / "secret").write_text("s")
    begun, go_on = threading.Event(), threading.Event()
    told = Told(days(60), now=EPOCH + 60 * DAY)
    webhook = Webhook("http://x/", tmp_path / "secret", {}, post=lambda url, body, headers: (204, None))
    watching = watcher(told, tmp_path / "advice.json", webhook=webhook)
    watching.run()
    webhook.wait(10.0)
    before = (tmp_path / "advice.json").read_bytes()

    def slow() -> UsageHistory:
        begun.set()
        go_on.wait(10.0)
        return days(61)

    told.load_usage = slow  # type: ignore[method-assign]  # another look
    looking = threading.Thread(target=watching.run)
    looking.start()
    try:
        assert begun.wait(10.0)
        watching.close()
        assert (tmp_path / "advice.json").read_bytes() == before
    finally:
        go_on.set()
        looking.join()
