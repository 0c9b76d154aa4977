"""A backtest as JSON, for programs: keys in a fixed order, the same bytes for the same past."""

from __future__ import annotations

import json

from genotel.analysis.scoring import ReliabilityBin
from genotel.recommenders.backtest import Backtest
from genotel.recommenders.cleanup_backtest import CleanupResult
from genotel.recommenders.preload_backtest import CapacityResult, NextHourResult
from genotel.report.wording import date, timestamp

# More digits would be noise, and would make files differ between machines.
_DIGITS = 6


def backtest_json(result: Backtest) -> str:
    """Return a backtest as one JSON object, indented; null is not known."""
    start, end = map(timestamp, result.window)
    content = {
        "source": result.source,
        "window": {"start": start, "end": end},
        "models": result.models,
        "uses": result.uses,
        "evaluate_from_day": result.evaluate_from_day,
        "loads": _loads(result),
        "objective": result.objective.value,
        "preload": {"capacities": [_capacity(entry) for entry in result.preload.capacities]},
        "cleanup": [_cleanup(entry) for entry in result.cleanup],
        "next_hour": None if result.preload.next_hour is None else _next_hour(result.preload.next_hour),
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _loads(result: Backtest) -> str | float:
    if result.load_seconds is not None:
        return result.load_seconds
    return "measured" if result.has_measured_loads else "not measured: free"


def _capacity(entry: CapacityResult) -> dict[str, object]:
    return {
        "slots": entry.slots,
        "memory_bytes": entry.memory_bytes,
        "policies": {
            name: {
                "cold_start_fraction": _short(cost.cold_start_fraction),
                "preloads_per_day": _short(cost.preloads_per_day),
                "demand_loads_per_day": _short(cost.demand_loads_per_day),
                "load_seconds": _short(cost.load_seconds),
            }
            for name, cost in entry.policies.items()
        },
        "gap_closed": _short(entry.gap_closed),
        "interval": None if entry.interval is None else [_short(value) for value in entry.interval],
        "regret": _short(entry.regret),
        "regret_interval": [_short(value) for value in entry.regret_interval],
        "daily": [
            {
                "date": day.date,
                "policy": day.policy,
                "requests": day.requests,
                "cold_starts": day.cold_starts,
                "preloads": day.preloads,
            }
            for day in entry.daily
        ],
    }


def _cleanup(entry: CleanupResult) -> dict[str, object]:
    rule = entry.threshold_rule
    return {
        "horizon_days": entry.horizon_days,
        "cuts": list(entry.cuts),
        "n": entry.n,
        "base_rate": _short(entry.base_rate),
        "auc": _short(entry.auc),
        "brier": _short(entry.brier),
        "reliability": _short(entry.reliability),
        "reliability_bins": _bins(entry.bins),
        "recall_at_precision_95": _short(entry.recall_at_precision_95),
        "high_flags": entry.high_flags,
        "high_wrong": entry.high_wrong,
        "threshold_rule": {
            "flagged": rule.flagged,
            "precision": _short(rule.precision),
            "recall": _short(rule.recall),
            "auc": _short(rule.auc),
            "brier": _short(rule.brier),
        },
        "predictions": [
            {
                "model": said.model,
                "cut": date(said.cut),
                "probability": _short(said.probability),
                "was_unused": said.was_unused,
            }
            for said in entry.predictions
        ],
    }


def _next_hour(entry: NextHourResult) -> dict[str, object]:
    return {
        "n": entry.n,
        "base_rate": _short(entry.base_rate),
        "auc": _short(entry.auc),
        "brier": _short(entry.brier),
        "reliability": _short(entry.reliability),
        "reliability_bins": _bins(entry.bins),
    }


def _bins(bins: tuple[ReliabilityBin, ...]) -> list[dict[str, float]]:
    return [
        {
            "low": part.low,
            "high": part.high,
            "n": part.n,
            "mean_probability": round(part.mean_probability, _DIGITS),
            "share": round(part.share, _DIGITS),
        }
        for part in bins
    ]


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
