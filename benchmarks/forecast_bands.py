"""How good the forecasts of calls are, on a public trace: error against the day before, and hits of the band.

    python benchmarks/forecast_bands.py DIR

DIR holds `servegen_10min.npz` (alibaba/ServeGen, Apache-2.0): counts of 314 clients in 2,016 windows of ten
minutes. The tail are the clients that are active in at most 35 % of the windows, one use for each of these.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genotel.analysis.count_bands import next_day_bands, next_hour_bands
from genotel.analysis.forecast import forecast_use
from genotel.history.hourly import SECONDS_PER_HOUR, HourTable
from genotel.history.usage import UsageHistory

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


def main() -> None:
    """Judge the tail and all clients."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("traces", type=Path)
    counts = np.load(parser.parse_args().traces / "servegen_10min.npz")["counts"].astype(np.int64)
    active = counts > 0
    judge("tail", active[active.mean(axis=1) <= 0.35].astype(np.int64))
    judge("all", counts)


if __name__ == "__main__":
    main()
