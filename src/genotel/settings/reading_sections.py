"""What can be set of the reading side: advice, and how long records are kept."""

from __future__ import annotations

from dataclasses import dataclass

from genotel.settings.parsing import integer_parser, number_parser
from genotel.settings.setting import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceSettings:
    """Hold the classic rules' thresholds (days, uses a day, ratios from 0 to 1) and how long a history is kept."""

    cleanup_threshold_days: float = setting(
        30.0, number_parser(1, 3650), help="Days without a use after which the classic rule would delete a model."
    )
    min_uses_per_day: float = setting(
        0.1, number_parser(0, 1e6), help="Uses a day below which the classic rule would delete a model."
    )
    min_success: float = setting(
        0.5,
        number_parser(0, 1),
        help="Share of calls that end well, from 0 to 1, below which a model counts as failing.",
    )
    preload_threshold_frequency: float = setting(
        0.5, number_parser(0, 1e6), help="Uses a day above which the classic rule would keep a model loaded."
    )
    performance_window_days: float = setting(
        7.0, number_parser(1, 3650), help="Days over which a model's performance is judged."
    )
    cache_ttl_minutes: float = setting(
        15.0, number_parser(0, 1440), help="Minutes for which the history that was read is used again."
    )
    priority_high_uses_per_day: float = setting(
        1.0, number_parser(0, 1e6), help="Uses a day from which advice on a model is of high priority."
    )
    priority_medium_uses_per_day: float = setting(
        0.1, number_parser(0, 1e6), help="Uses a day from which advice on a model is of medium priority."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSettings:
    """Say how long records are kept, in days."""

    retention_days: int = setting(90, integer_parser(1, 3650), help="Days for which records are kept.")
