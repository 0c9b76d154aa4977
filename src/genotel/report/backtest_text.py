"""A backtest in words and plain tables, for people."""

from __future__ import annotations

from genotel.recommenders.backtest import Backtest
from genotel.recommenders.cleanup_backtest import CleanupResult
from genotel.recommenders.policies import AUTO, LRU
from genotel.recommenders.preload_backtest import CapacityResult
from genotel.recommenders.replay import Objective
from genotel.report.wording import date, duration, size


def backtest_text(result: Backtest) -> str:
    """Return a backtest as lines of at most 100 columns."""
    start, end = result.window
    lines = [
        f"Backtest on {result.source}, {date(start)} to {date(end)}: {result.models} models, {result.uses} uses.",
        f"Judged from day {result.evaluate_from_day} on; {loads_in_words(result)}. Only clairvoyant looks ahead.",
    ]
    for capacity in result.preload.capacities:
        lines += ["", *_capacity(capacity)]
    lines += ["", next_hour_in_words(result)]
    for cleanup in result.cleanup:
        lines += ["", *_cleanup(cleanup)]
    if not result.cleanup:
        lines += ["", "Cleanup: the history is too short for any of the horizons."]
    return "\n".join(lines) + "\n"


def room_in_words(capacity: CapacityResult) -> str:
    """Return how much room there was."""
    return f"{capacity.slots} models" if capacity.memory_bytes is None else f"{size(capacity.memory_bytes)} of models"


def loads_in_words(result: Backtest) -> str:
    """Return what a load was taken to cost."""
    if result.load_seconds is not None:
        told = f"a load takes {duration(result.load_seconds)}"
    elif result.has_measured_loads:
        told = "loads take their measured time"
    else:
        told = "no load was measured, so loads are free"
    return f"{told}; judged by seconds waited" if result.objective is Objective.LOAD_SECONDS else told


def gap_in_words(capacity: CapacityResult) -> str:
    """Return how much of the way from LRU to clairvoyance ``auto`` went."""
    if capacity.gap_closed is None:
        return "there is no gap between LRU and clairvoyance to close"
    told = f"auto closes {capacity.gap_closed:.2f} of the gap from LRU to clairvoyance"
    if capacity.interval is not None:
        told += f" (95 %: {capacity.interval[0]:.2f} to {capacity.interval[1]:.2f})"
    return told


def next_hour_in_words(result: Backtest) -> str:
    """Return how good the forecast of the next hour was."""
    known = result.preload.next_hour
    if known is None:
        return "Use in the next hour: too little history to judge."
    auc = "not defined" if known.auc is None else f"{known.auc:.3f}"
    return (
        f"Use in the next hour: AUC {auc}, Brier {known.brier:.4f}, reliability error {known.reliability:.4f} "
        f"(n {known.n}, base rate {known.base_rate:.3f})."
    )


def cleanup_in_words(cleanup: CleanupResult) -> str:
    """Return how good the probability of no use was."""
    auc = "not defined" if cleanup.auc is None else f"{cleanup.auc:.3f}"
    return (
        f"AUC {auc}, Brier {cleanup.brier:.3f}, reliability error {cleanup.reliability:.3f}, "
        f"recall {cleanup.recall_at_precision_95:.2f} at precision 0.95"
    )


def _capacity(capacity: CapacityResult) -> list[str]:
    lines = [
        f"Room for {room_in_words(capacity)}: {gap_in_words(capacity)}.",
        f"  {'policy':20s} {'cold starts':>12s} {'against LRU':>12s} {'preloads a day':>15s} {'waited':>9s}",
    ]
    usual = capacity.policies[LRU].cold_start_fraction
    for name, cost in sorted(capacity.policies.items(), key=lambda entry: (entry[1].cold_start_fraction, entry[0])):
        against = f"{100 * (cost.cold_start_fraction / usual - 1):+.1f} %" if usual else ""
        mark = "*" if name == AUTO else " "
        lines.append(
            f"{mark} {name:20s} {100 * cost.cold_start_fraction:10.2f} % {against:>12s} "
            f"{cost.preloads_per_day:15.1f} {duration(cost.load_seconds):>9s}"
        )
    return lines


def _cleanup(cleanup: CleanupResult) -> list[str]:
    rule = cleanup.threshold_rule
    return [
        f"Cleanup, no use within {cleanup.horizon_days:g} days, asked at {len(cleanup.cuts)} moments "
        f"(n {cleanup.n}, base rate {cleanup.base_rate:.2f}):",
        f"  {cleanup_in_words(cleanup)};",
        f"  {cleanup.high_flags} of high priority, {cleanup.high_wrong} of them used after all; "
        f"the classic rule flags {rule.flagged}, precision "
        + ("not defined." if rule.precision is None else f"{rule.precision:.2f}."),
    ]
