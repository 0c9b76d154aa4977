"""How well P(no use within H) is told, on uses that really happened, cut by cut and never looking ahead.

    python benchmarks/cleanup.py --traces DIR [--plain]

DIR holds servegen_10min.npz and cdnow_days.csv.xz; events of your own: --events FILE.csv --horizon 7 --cuts 7,9,11.
"""

from __future__ import annotations

import argparse
import lzma
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from genotel.analysis.recalibration import recalibrated_probability
from genotel.analysis.survival import probability_of_no_use
from genotel.history.event_file import read_events
from genotel.history.hourly import SECONDS_PER_DAY, SECONDS_PER_HOUR, HourTable
from genotel.history.usage import UsageHistory, count_hours

EPOCH = 20_000.0 * SECONDS_PER_DAY
FORECASTERS = 300


def history_until(item: np.ndarray, seconds: np.ndarray, cut: float) -> tuple[UsageHistory, np.ndarray]:
    """Return what was known at ``cut``, seconds since the first midnight, and the items that it knows."""
    is_known = seconds < cut
    known, model = np.unique(item[is_known], return_inverse=True)
    times = seconds[is_known] + EPOCH
    first, last = np.full(len(known), np.inf), np.full(len(known), -np.inf)
    np.minimum.at(first, model, times)
    np.maximum.at(last, model, times)
    end = EPOCH + cut - 1e-3
    history = UsageHistory(
        source="trace",
        start=EPOCH,
        end=end,
        models=tuple(f"{number:08d}" for number in range(len(known))),
        observed=np.ones(count_hours(EPOCH, end), dtype=bool),
        hourly=HourTable.gather(
            model, (times // SECONDS_PER_HOUR).astype(np.int64), requests=np.ones(len(model), dtype=np.int64)
        ),
        first_seen=first,
        last_used=last,
        size_bytes=np.full(len(known), np.nan),
    )
    return history, known


def auc(score: np.ndarray, is_unused: np.ndarray) -> float:
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    positive = int(is_unused.sum())
    return float((rank[is_unused].sum() - positive * (positive + 1) / 2) / (positive * (len(score) - positive)))


def recall_at_precision(score: np.ndarray, is_unused: np.ndarray, precision: float = 0.95) -> float:
    right = np.cumsum(is_unused[np.argsort(-score, kind="stable")])
    fit = np.flatnonzero(right / np.arange(1, len(score) + 1) >= precision)
    return float(right[fit[-1]] / is_unused.sum()) if len(fit) else 0.0


def reliability(score: np.ndarray, is_unused: np.ndarray) -> float:
    """Return the mean distance of what was said from what came, in ten classes, weighted by their size."""
    place = np.minimum((score * 10).astype(int), 9)
    return float(np.abs(np.bincount(place, weights=score - is_unused, minlength=10)).sum() / len(score))


def perfect_reliability(score: np.ndarray) -> float:
    """Return the 95 % quantile of that distance for a forecaster who is right, at this n."""
    rng = np.random.default_rng(0)
    return float(np.quantile([reliability(score, rng.random(len(score)) < score) for _ in range(FORECASTERS)], 0.95))


def judge(
    name: str, item: np.ndarray, seconds: np.ndarray, cuts: list[float], horizon: float, engine: Callable, skip: int = 0
) -> None:
    scores, outcomes, high, wrong = [], [], 0, 0
    began = time.perf_counter()
    for cut in cuts[skip:]:
        history, known = history_until(item, seconds, cut * SECONDS_PER_DAY)
        score = engine(history, horizon)
        later = (seconds >= cut * SECONDS_PER_DAY) & (seconds < (cut + horizon) * SECONDS_PER_DAY)
        is_unused = ~np.isin(known, item[later])
        scores.append(score)
        outcomes.append(is_unused)
        if cut >= horizon:
            high += int((score >= 0.95).sum())
            wrong += int(((score >= 0.95) & ~is_unused).sum())
    score, is_unused = np.concatenate(scores), np.concatenate(outcomes)
    print(
        f"{name:<10} {horizon:g} d  n {len(score):>7}  base {is_unused.mean():.3f}  AUC {auc(score, is_unused):.4f}  "
        f"Brier {np.mean((score - is_unused) ** 2):.4f}  R@P95 {recall_at_precision(score, is_unused):.4f}  "
        f"reliability {reliability(score, is_unused):.4f} (perfect below {perfect_reliability(score):.4f})  "
        f"high {high}, wrong {wrong}  {time.perf_counter() - began:.1f} s",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--traces", type=Path)
    parser.add_argument("--events", type=Path)
    parser.add_argument("--horizon", type=float, default=7.0)
    parser.add_argument("--cuts", default="7,9,11,13,15,16")
    parser.add_argument("--plain", action="store_true", help="the engine for few models instead")
    arguments = parser.parse_args()
    engine = probability_of_no_use if arguments.plain else recalibrated_probability
    if arguments.events:
        events = read_events(arguments.events, latest_seconds=time.time() + SECONDS_PER_DAY)
        _, item = np.unique(np.array(events.model), return_inverse=True)
        seconds = events.time - events.time.min() // SECONDS_PER_DAY * SECONDS_PER_DAY
        judge("events", item, seconds, [float(cut) for cut in arguments.cuts.split(",")], arguments.horizon, engine)
    if arguments.traces:
        item, window = np.nonzero(np.load(arguments.traces / "servegen_10min.npz")["counts"] > 0)
        judge("ServeGen", item, window * 600.0, [4, 6, 8, 10, 11], 3.0, engine)
        judge("ServeGen", item, window * 600.0, [5, 6, 7], 7.0, engine)
        with lzma.open(arguments.traces / "cdnow_days.csv.xz", "rt") as file:
            rows = np.loadtxt(file, delimiter=",", skiprows=1)
        item, seconds = rows[:, 0].astype(np.int64), rows[:, 1] * SECONDS_PER_DAY
        # The first cut has no past one to learn from.
        judge("CDNOW", item, seconds, [91, 147, 203, 259, 315, 371, 427, 483, 515], 30.0, engine, skip=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
