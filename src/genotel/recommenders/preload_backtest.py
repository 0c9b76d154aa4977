"""What each policy of residency would have cost on the past, for several sizes of memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from genotel.analysis.scoring import (
    ReliabilityBin,
    area_under_curve,
    brier_score,
    reliability_bins,
    reliability_error,
)
from genotel.analysis.survival_forecast import HORIZONS, NEXT_HOUR, SurvivalForecaster
from genotel.analysis.use_features import DAY, Singles
from genotel.analysis.use_times import UseTimes
from genotel.history.hourly import Booleans, Floats, Integers
from genotel.recommenders.clock_policies import HourlyScores, SeasonalScores, ThresholdScores
from genotel.recommenders.policies import AUTO, CLAIRVOYANT, LRU, Contest, lost
from genotel.recommenders.replay import TICK_SECONDS, Day, Objective, Room, Tally
from genotel.recommenders.residency_index import scores_of

_TICKS = int(DAY // TICK_SECONDS)
# Forecasts for each use would take too long where there are more uses a day; some look at the one before.
_MOST_ROWS_A_DAY = 4000
_RESAMPLES = 2000
_SEED = 1


@dataclass(frozen=True, slots=True)
class PolicyCost:
    """Hold what a policy cost on the judged days.

    Attributes:
        cold_start_fraction: share of uses that waited for a load.
        preloads_per_day: loads ahead of use.
        demand_loads_per_day: loads because of a use.
        load_seconds: what uses waited for loads, in all.
    """

    cold_start_fraction: float
    preloads_per_day: float
    demand_loads_per_day: float
    load_seconds: float


@dataclass(frozen=True, slots=True)
class JudgedDay:
    """Hold what ``auto`` did on one day (UTC): whom it followed and what came of it."""

    date: str
    policy: str
    requests: int
    cold_starts: int
    preloads: int


@dataclass(frozen=True, slots=True)
class CapacityResult:
    """Hold the costs for one size of memory.

    Attributes:
        slots: how many models there was room for; None for room in bytes.
        memory_bytes: how many bytes there was room for; None for room in slots.
        policies: by name.
        gap_closed: share of the way from ``lru`` to ``clairvoyant`` that ``auto`` went, in cold
            starts, or in seconds waited if that was the objective; None where there is no way to go.
        interval: of ``gap_closed``, 95 %, by drawing days anew.
        regret: cold starts (or seconds) per use of ``auto`` above those of ``clairvoyant``.
        regret_interval: of ``regret``, 95 %, as above.
        daily: the judged days.
    """

    slots: int | None
    memory_bytes: int | None
    policies: dict[str, PolicyCost]
    gap_closed: float | None
    interval: tuple[float, float] | None
    regret: float
    regret_interval: tuple[float, float]
    daily: tuple[JudgedDay, ...]


@dataclass(frozen=True, slots=True)
class NextHourResult:
    """Hold how good P(use in the next hour) was, for every model at ticks of ten minutes.

    A model that was not used yet is said not to be used.
    """

    n: int
    base_rate: float
    auc: float | None
    brier: float
    reliability: float
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True, slots=True)
class PreloadResult:
    """Hold the costs for each size of memory, and how good the forecast of the next hour was."""

    capacities: tuple[CapacityResult, ...]
    next_hour: NextHourResult | None


def backtest_preload(
    uses: UseTimes,
    load_table: Floats,
    *,
    slots: Sequence[int] = (),
    evaluate_from_day: int,
    uses_per_day: float,
    memory_bytes: Sequence[int] = (),
    size_bytes: Floats | None = None,
    objective: Objective = Objective.COLD_STARTS,
) -> PreloadResult:
    """Return what every policy would have cost from a day on.

    Args:
        uses: the past, one use at least.
        load_table: shape (days, N), seconds that a load of each model takes, as known on each day.
        slots: the numbers of slots.
        evaluate_from_day: days before it are played but not judged; it must be one of the past.
        uses_per_day: the limit of the policy ``threshold``.
        memory_bytes: the numbers of bytes, instead of slots.
        size_bytes: shape (N,), above 0, what each model takes; needed for bytes.
        objective: what ``auto`` tries to have few of, and what it is judged by.
    """
    contests: list[tuple[Contest, int | None, int | None]] = []
    contests += [(Contest(uses, count, objective), count, None) for count in slots]
    if size_bytes is not None:
        rooms = ((Room.of_bytes(size_bytes, float(count)), count) for count in memory_bytes)
        contests += [(Contest(uses, room, objective), None, count) for room, count in rooms]
    forecaster = SurvivalForecaster(uses)
    clocks: dict[str, HourlyScores] = {
        "threshold": ThresholdScores(uses, uses_per_day=uses_per_day),
        "seasonal": SeasonalScores(uses),
    }
    said: list[Floats] = []
    came: list[Booleans] = []
    for number in range(uses.days):
        rows = uses.slice_of(number)
        ticks = np.arange(_TICKS, dtype=np.float64) * TICK_SECONDS + number * DAY
        day = Day(number, rows.start, uses.time[rows], uses.model[rows], ticks, load_table[number])
        moments, places, tick_places, row = _moments(day)
        forecast = forecaster.forecast(number, moments)
        scores = scores_of(forecast, places, tick_places, row, len(uses.names))
        hourly = {name: clock.scores(number) for name, clock in clocks.items()}
        for contest, _, _ in contests:
            contest.play(day, scores, hourly)
        if number >= evaluate_from_day and forecast.is_learned:
            probability, outcome = _next_hour(uses, ticks, forecast.within[tick_places][..., NEXT_HOUR])
            said.append(probability)
            came.append(outcome)
    capacities = tuple(_judge(uses, *entry, evaluate_from_day) for entry in contests)
    return PreloadResult(capacities, _score(said, came))


def _moments(day: Day) -> tuple[Floats, Integers, Integers, Integers]:
    """Return the moments to forecast, which of them are for uses and which are ticks, and each use's row.

    A use of the model that was used just before needs no forecast: that model is there.
    """
    is_tick_between = np.diff(np.searchsorted(day.ticks, day.time, side="right"), prepend=-1) > 0
    needed = np.flatnonzero((np.diff(day.model, prepend=-1) != 0) | is_tick_between)
    needed = needed[:: -(-len(needed) // _MOST_ROWS_A_DAY) or 1]
    moments = np.concatenate([day.time[needed], day.ticks])
    order = np.argsort(moments, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    row = np.searchsorted(needed, np.arange(len(day.time)), side="right") - 1
    return moments[order], place[: len(needed)], place[len(needed) :], row


def _next_hour(uses: UseTimes, ticks: Floats, forecast: Singles) -> tuple[Floats, Booleans]:
    """Return (probability, outcome) at the ticks whose outcome is known, of every model."""
    is_over = ticks + HORIZONS[NEXT_HOUR] <= uses.time[-1]
    models = len(uses.names)
    outcome = uses.counts(ticks[is_over] + HORIZONS[NEXT_HOUR], models) > uses.counts(ticks[is_over], models)
    probability = np.zeros(outcome.shape)
    probability[:, : forecast.shape[1]] = forecast[is_over]
    return probability.ravel(), outcome.ravel()


def _score(said: list[Floats], came: list[Booleans]) -> NextHourResult | None:
    if not sum(map(len, said)):
        return None
    probability, outcome = np.concatenate(said), np.concatenate(came)
    bins = reliability_bins(probability, outcome)
    return NextHourResult(
        n=len(outcome),
        base_rate=float(outcome.mean()),
        auc=area_under_curve(probability, outcome),
        brier=brier_score(probability, outcome),
        reliability=reliability_error(bins),
        bins=bins,
    )


def _judge(
    uses: UseTimes, contest: Contest, slots: int | None, memory_bytes: int | None, evaluate_from_day: int
) -> CapacityResult:
    tallies = contest.tallies
    is_judged = uses.time >= evaluate_from_day * DAY
    day = (uses.time[is_judged] // DAY).astype(np.int64) - evaluate_from_day
    days = uses.days - evaluate_from_day
    costs = {name: _cost(tally, is_judged, evaluate_from_day, days) for name, tally in tallies.items()}
    lost_by = {name: lost(contest.objective, tally)[is_judged] for name, tally in tallies.items()}
    cold = {name: np.bincount(day, values, days) for name, values in lost_by.items()}
    best = min(("clairvoyant_demand", "clairvoyant_hour"), key=lambda name: float(cold[name].sum()))
    cold_starts = np.bincount(day, tallies[AUTO].is_cold[is_judged], days)
    requests = np.bincount(day, minlength=days)
    drawn = np.random.default_rng(_SEED).integers(0, days, (_RESAMPLES, days))
    ahead = _by_day(tallies[AUTO], evaluate_from_day, days)
    way, gone, missed = cold[LRU] - cold[best], cold[LRU] - cold[AUTO], cold[AUTO] - cold[best]
    drawn_way = way[drawn].sum(axis=1)
    interval = None
    if way.sum() > 0 and (drawn_way > 0).all():
        interval = _interval(gone[drawn].sum(axis=1) / drawn_way)
    return CapacityResult(
        slots=slots,
        memory_bytes=memory_bytes,
        policies={**_without_seeing(costs), CLAIRVOYANT: costs[best]},
        gap_closed=float(gone.sum() / way.sum()) if way.sum() > 0 else None,
        interval=interval,
        regret=float(missed.sum() / requests.sum()),
        regret_interval=_interval(missed[drawn].sum(axis=1) / np.maximum(requests[drawn].sum(axis=1), 1)),
        daily=tuple(
            JudgedDay(
                date=_date(uses.midnight + (evaluate_from_day + index) * DAY),
                policy=", ".join(dict.fromkeys(contest.followed[evaluate_from_day + index])),
                requests=int(requests[index]),
                cold_starts=int(cold_starts[index]),
                preloads=int(ahead[index]),
            )
            for index in range(days)
        ),
    )


def _without_seeing(costs: dict[str, PolicyCost]) -> dict[str, PolicyCost]:
    return {name: cost for name, cost in costs.items() if not name.startswith(CLAIRVOYANT)}


def _cost(tally: Tally, is_judged: Booleans, evaluate_from_day: int, days: int) -> PolicyCost:
    return PolicyCost(
        cold_start_fraction=float(tally.is_cold[is_judged].mean()),
        preloads_per_day=float(_by_day(tally, evaluate_from_day, days).sum() / days),
        demand_loads_per_day=float(tally.is_load[is_judged].sum() / days),
        load_seconds=float(tally.waited[is_judged].sum()),
    )


def _by_day(tally: Tally, evaluate_from_day: int, days: int) -> Integers:
    day = (np.array(tally.preloads, dtype=np.float64) // DAY).astype(np.int64) - evaluate_from_day
    return np.bincount(day[(day >= 0) & (day < days)], minlength=days)


def _interval(values: Floats) -> tuple[float, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
