"""The constants that alerts compare with, as series: a user changes one line of one file."""

from __future__ import annotations

from collections.abc import Mapping

from genotel.promql.alert_queries import constant
from genotel.rules.rule import Group, Recording
from genotel.semconv.recorded_series import THRESHOLDS


def thresholds(values: Mapping[str, float] | None = None) -> Group:
    """Return the group of constants, with a user's own values by name of the series.

    Raises:
        ValueError: a name is no threshold.

    Example:
        >>> from genotel.semconv.recorded_series import CPU
        >>> thresholds({CPU.name: 0.5}).rules[0].query
        'vector(0.5)'
    """
    own = dict(values or {})
    unknown = sorted(own.keys() - {threshold.name for threshold in THRESHOLDS})
    if unknown:
        raise ValueError(f"no such threshold: {', '.join(unknown)}; rules/thresholds.yaml lists them")
    return Group(
        "thresholds",
        "meta",
        "What the alerts compare with.",
        tuple(
            Recording(threshold.name, constant(own.get(threshold.name, threshold.value)), threshold.help)
            for threshold in THRESHOLDS
        ),
    )


GROUP = thresholds()
