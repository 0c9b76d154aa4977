"""How good the forecasts of calls are, on a public trace: error against the day before, and hits of the band.

    python benchmarks/forecast_bands.py DIR [--watch]

With `--watch` the watching recommender is run hour by hour over the tail, from day 4 on, and tells what it says of
itself. DIR holds `servegen_10min.npz` (alibaba/ServeGen, Apache-2.0): counts of 314 clients in 2,016 windows of ten
minutes. The tail are the clients that are active in at most 35 % of the windows, one use for each of these.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genotel.analysis.count_bands import next_day_bands, next_hour_bands
from genotel.analysis.forecast import forecast_use
from genotel.clock import Clock
from genotel.exposition.page import Page
from genotel.exposition.text_format import TEXT_0_0_4
from genotel.history.hourly import SECONDS_PER_HOUR, HourTable
from genotel.history.usage import UsageHistory
from genotel.recommenders.publish import AdvicePage
from genotel.recommenders.publish_watch import Watcher
from genotel.settings import load_settings

FIRST_HOUR = 482_136  # a Monday
MOMENTS = range(24 * 5, 24 * 13, 7)
Counts = npt.NDArray[np.int64]


def history_of(hourly: Counts, hours: int) -> UsageHistory:
    """Return what was known after so many hours; every client is known from the first on."""
    known = hourly[:, :hours]
    model, hour = np.nonzero(known)
    last = np.array([row.nonzero()[0][-1] if row.any() else np.nan for row in known])
    return UsageHistory(
        source="ServeGen",
        start=FIRST_HOUR * SECONDS_PER_HOUR,
        end=(FIRST_HOUR + hours) * SECONDS_PER_HOUR - 1,
        models=tuple(f"client-{index:03d}" for index in range(len(known))),
        observed=np.ones(hours, dtype=bool),
        hourly=HourTable.gather(model, hour + FIRST_HOUR, requests=known[model, hour]),
        first_seen=np.full(len(known), float(FIRST_HOUR * SECONDS_PER_HOUR)),
        last_used=(last + FIRST_HOUR) * SECONDS_PER_HOUR,
        size_bytes=np.full(len(known), np.nan),
    )


def judge(name: str, counts: Counts) -> None:
    """Print the error and the hits for both horizons."""
    hourly = counts.reshape(len(counts), -1, 6).sum(axis=2)
    sums: dict[str, list[tuple[float, float, float]]] = {"1h": [], "1d": []}
    for hours in MOMENTS:
        known = history_of(hourly, hours)
        forecast, models = forecast_use(known), range(len(hourly))
        hour, day = next_hour_bands(known, forecast, models), next_day_bands(known, forecast, models)
        for horizon, bands, came in (
            ("1h", hour, hourly[:, hours]),
            ("1d", day, hourly[:, hours : hours + 24].sum(axis=1)),
        ):
            inside = ((came >= bands.lower) & (came <= bands.upper)).mean()
            sums[horizon].append((np.abs(bands.level - came).sum(), np.abs(bands.naive - came).sum(), float(inside)))
    for horizon, rows in sums.items():
        error, naive, inside = np.array(rows).T
        print(f"{name:6s} {horizon}: error {error.sum() / naive.sum():.2f} of naive, inside {inside.mean():.2f}")


def watch(counts: Counts) -> None:
    """Print what the page of the watch says of its own accuracy at the end."""
    hourly = counts.reshape(len(counts), -1, 6).sum(axis=2)
    now = [0.0]
    clock = Clock(wall=lambda: now[0])
    page = AdvicePage(most=len(counts), keep_seconds=1e9, clock=clock)
    settings = load_settings({"watch_series": len(counts)}, environ={})
    watcher = Watcher(_At(hourly, 0), ("cleanup", "preload"), settings, page, clock=clock)
    for hours in range(96, hourly.shape[1] + 1):
        watcher.source, now[0] = _At(hourly, hours), (FIRST_HOUR + hours) * 3600.0
        watcher.run()
    for line in Page([page]).render(TEXT_0_0_4).decode().splitlines():
        if line.startswith(("genotel_advice_results", "genotel_recommender_", "genotel_forecast_")) and not (
            "gen_ai_request_model" in line or "_bucket" in line
        ):
            print(line)


class _At:
    """Be a source that knows the first hours of the trace."""

    def __init__(self, hourly: Counts, hours: int) -> None:
        self._hourly, self._hours = hourly, hours

    def load_usage(self) -> UsageHistory:
        return history_of(self._hourly, self._hours)


def main() -> None:
    """Judge the tail and all clients."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("traces", type=Path)
    parser.add_argument("--watch", action="store_true")
    chosen = parser.parse_args()
    counts = np.load(chosen.traces / "servegen_10min.npz")["counts"].astype(np.int64)
    active = counts > 0
    tail = active[active.mean(axis=1) <= 0.35].astype(np.int64)
    if chosen.watch:
        watch(tail)
        return
    judge("tail", tail)
    judge("all", counts)


if __name__ == "__main__":
    main()
