"""What can be set of the alerts: thresholds, and what was promised of the models."""

from __future__ import annotations

from dataclasses import dataclass

from genotel.settings.objectives import LEAST, MOST, Objective, parse_objectives
from genotel.settings.parsing import integer_parser, number_parser, parse_boolean
from genotel.settings.setting import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """Say from when on alerts fire; `genotel provision` writes them into the rules of Prometheus."""

    cpu: float = setting(0.80, number_parser(0, 1), help="Share of busy processors, from 0 to 1, that is too much.")
    memory: float = setting(0.85, number_parser(0, 1), help="Share of memory in use, from 0 to 1, that is too much.")
    disk: float = setting(
        0.90, number_parser(0, 1), help="Share of a filesystem in use, from 0 to 1, that is too much."
    )
    response_seconds: float = setting(
        2.0, number_parser(0.001, 86400), help="Seconds of a call that at most 5 % may exceed."
    )
    anomaly_detection: bool = setting(
        True, parse_boolean, help="Whether to tell of demand, durations and GPU memory that are unlike their last week."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SloSettings:
    """Say what was promised: the share of calls that must succeed over 30 days, and models that differ.

    A model of its own is a table `[[slo.objectives]]` with `model` and at least one of `success` (share of calls)
    and `duration_seconds` (no longer than that, a bucket's bound, with `duration_share` of the calls, 0.95 by itself).
    """

    objective: float = setting(
        0.99, number_parser(LEAST, MOST), help="Share of a model's calls that must succeed over 30 days."
    )
    minimum_failures: int = setting(
        3, integer_parser(1, 1000), help="Failures in a window below which a burn rate is noise."
    )
    objectives: tuple[Objective, ...] = setting(
        (),
        parse_objectives,
        help="Models that were promised something else, a table each.",
        example=[{"model": "sdxl", "success": 0.999, "duration_seconds": 20.48, "duration_share": 0.95}],
    )
