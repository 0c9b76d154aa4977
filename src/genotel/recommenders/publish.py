"""Advice, forecasts and their accuracy as metrics: what the page of a watching recommender shows.

What is too old to stand behind is absent, not 0. Models have series of their own up to a limit; how much
advice stands in all, and why there is none, is counted beside them.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.exposition.series import Block
from genotel.history.kept import KEPT_HISTORIES, KeptHistories
from genotel.prometheus_api.query_times import QUERY_TIMES, QueryTimes
from genotel.recommenders.advice import Advice
from genotel.recommenders.publish_forecasts import Forecast
from genotel.recommenders.publish_memory import Memory
from genotel.recommenders.publish_series import HistogramReading, Reading, SeriesTable
from genotel.recommenders.recommendation import Recommendation
from genotel.semconv import advice_metrics as m
from genotel.semconv import attributes as a

# The kinds whose claims can be judged, so that their results are born at 0: by what a right one saves.
_SAVES_BYTES, _SAVES_SECONDS = ("cleanup",), ("preload",)


@dataclass(frozen=True, slots=True)
class Run:
    """Hold what one successful run found.

    Attributes:
        at: Unix time at which it ended.
        seconds: how long it took.
        advice: what it advises.
        forecasts: what it expects.
        next_uses: Unix time of the next use by model.
    """

    at: float
    seconds: float
    advice: Advice
    forecasts: tuple[Forecast, ...] = ()
    next_uses: tuple[tuple[str, float], ...] = ()


class AdvicePage:
    """Be a source of a page: the last run, while it is young enough, and what is known of all before.

    Args:
        most: how many models of a kind have series of their own, the best advice first.
        keep_seconds: how long a run is shown after which none succeeded.
        has_webhook: whether there are deliveries to count.
        kept, times: what counts the histories that were asked for, and the questions to servers.
    """

    def __init__(
        self,
        *,
        most: int,
        keep_seconds: float,
        has_webhook: bool = False,
        clock: Clock = SYSTEM_CLOCK,
        kept: KeptHistories = KEPT_HISTORIES,
        times: QueryTimes = QUERY_TIMES,
    ) -> None:
        self._most = most
        self._keep_seconds = keep_seconds
        self._clock = clock
        self._kept = kept
        self._times = times
        self._lock = threading.Lock()
        self._table = SeriesTable(clock.wall())
        self._run: Run | None = None
        self._said: tuple[Reading, ...] = ()
        self._proven: tuple[Reading, ...] = tuple(_accuracy(Memory()))
        self._runs = Counter(dict.fromkeys(a.RUN_RESULTS, 0))
        self._deliveries = Counter({result: 0 for result in a.DELIVERY_RESULTS if has_webhook})

    @property
    def is_ready(self) -> bool:
        """Return whether a run succeeded yet."""
        return self._run is not None

    def show(self, run: Run, memory: Memory) -> None:
        """Show a run from now on, and what became of all before."""
        said, proven = tuple(self._readings(run, memory)), tuple(_accuracy(memory))
        with self._lock:
            self._run, self._said, self._proven = run, said, proven
            self._runs[a.RESULT_OK] += 1

    def count_failure(self) -> None:
        """Count a run that could not read the history; what was said before stays, with its age."""
        with self._lock:
            self._runs[a.RESULT_ERROR] += 1

    def count_delivery(self, result: str) -> None:
        """Count a message to the webhook by what became of it."""
        with self._lock:
            self._deliveries[result] += 1

    def blocks(self) -> list[Block]:
        """Return what is to be said now."""
        with self._lock:
            readings = [*self._current(), *self._proven, *self._counts()]
        return self._table.blocks(readings, self._durations())

    def _current(self) -> Iterator[Reading]:
        run, now = self._run, self._clock.wall()
        if run is None:
            return
        yield m.LAST_RUN, (), run.at
        if now - run.at > self._keep_seconds:
            return
        yield from self._said
        for forecast in run.forecasts:
            # What it spoke of is past: it is no forecast any more.
            if forecast.target > now:
                yield from _forecast(forecast)
        yield from ((m.FORECAST_NEXT_USE, (model,), moment) for model, moment in run.next_uses if moment > now)

    def _counts(self) -> Iterator[Reading]:
        yield from ((m.RUNS, (result,), count) for result, count in self._runs.items())
        yield from ((m.DELIVERIES, (result,), count) for result, count in self._deliveries.items())
        found, asked = self._kept.found, self._kept.asked
        yield m.CACHE_REQUESTS, (a.CACHE_HIT,), found
        yield m.CACHE_REQUESTS, (a.CACHE_MISS,), max(asked - found, 0)

    def _durations(self) -> list[HistogramReading]:
        return [(m.QUERY_DURATION, (result,), counts, seconds) for result, counts, seconds in self._times.snapshot()]

    def _readings(self, run: Run, memory: Memory) -> Iterator[Reading]:
        advice = run.advice
        yield m.RUN_DURATION, (), run.seconds
        yield m.HISTORY_MODELS, (), advice.models
        if advice.window is not None:
            yield m.HISTORY_SPAN, (), advice.window[1] - advice.window[0]
            yield m.HISTORY_OBSERVED, (), advice.observed_ratio
        standing = Counter((entry.kind, entry.priority.value) for entry in advice.recommendations)
        for kind in advice.methods:
            for priority in a.ADVICE_PRIORITIES:
                yield m.STANDING, (kind, priority), standing[kind, priority]
            entries = [entry for entry in advice.recommendations if entry.kind == kind]
            # Best first within a kind already; of the most urgent ones none may be cut off.
            entries.sort(key=lambda entry: -entry.priority.rank)
            # Several things about one model may have one cause, whose saving must not be counted twice.
            by_model: dict[str, Recommendation] = {}
            for entry in entries:
                by_model.setdefault(entry.model, entry)
            yield from _standing(list(by_model.values())[: self._most], memory)
        withheld = Counter((entry.kind, entry.reason_code.value) for entry in advice.withheld)
        yield from ((m.WITHHELD, key, count) for key, count in withheld.items())


def _standing(entries: Sequence[Recommendation], memory: Memory) -> Iterator[Reading]:
    for entry in entries:
        key = (entry.kind, entry.model)
        yield m.OPEN, key, 1
        yield m.PRIORITY, key, entry.priority.rank
        yield m.CONFIDENCE, key, entry.confidence
        if entry.saving.bytes is not None:
            yield m.SAVING_SIZE, key, entry.saving.bytes
        if entry.saving.seconds_per_day is not None:
            yield m.SAVING_TIME, key, entry.saving.seconds_per_day
        since = memory.since.get(key)
        if since is not None:
            yield m.SINCE, key, since


def _forecast(forecast: Forecast) -> Iterator[Reading]:
    yield m.FORECAST_TARGET, (forecast.horizon,), forecast.target
    for row, model in enumerate(forecast.models):
        yield m.FORECAST_PROBABILITY, (model, forecast.horizon), forecast.probability[row]
        for band, values in (
            (a.BAND_LOWER, forecast.lower),
            (a.BAND_LEVEL, forecast.level),
            (a.BAND_UPPER, forecast.upper),
        ):
            yield m.FORECAST_REQUESTS, (model, forecast.horizon, band), values[row]


def _accuracy(memory: Memory) -> Iterator[Reading]:
    kinds = dict.fromkeys([*_SAVES_BYTES, *_SAVES_SECONDS, *(kind for kind, _ in memory.results)])
    for kind in kinds:
        for result in a.ADVICE_RESULTS:
            yield m.RESULTS, (kind, result), memory.results[kind, result]
        if kind in _SAVES_BYTES:
            yield m.REALISED_SIZE, (kind,), memory.realised_bytes.get(kind, 0.0)
        if kind in _SAVES_SECONDS:
            yield m.REALISED_TIME, (kind,), memory.realised_seconds.get(kind, 0.0)
    for kind, judged in memory.judged.items():
        if judged:
            yield m.BRIER, (kind,), sum((said - came) ** 2 for said, came in judged) / len(judged)
            yield m.CLAIMED, (kind,), sum(said for said, _ in judged) / len(judged)
            yield m.RIGHT, (kind,), sum(came for _, came in judged) / len(judged)
    for horizon, scores in memory.scores.items():
        n = sum(entry.n for entry in scores)
        if n:
            yield m.FORECAST_ERROR, (horizon,), sum(entry.error for entry in scores) / n
            yield m.FORECAST_NAIVE_ERROR, (horizon,), sum(entry.naive_error for entry in scores) / n
            yield m.FORECAST_BRIER, (horizon,), sum(entry.squared for entry in scores) / n
            yield m.FORECAST_COVERAGE, (horizon,), sum(entry.covered for entry in scores) / n
