"""The constants that alerts compare with, as series: a user changes one line of one file."""

from __future__ import annotations

from collections.abc import Mapping

from genotel.promql.alert_queries import constant
from genotel.promql.recorded_queries import MODEL
from genotel.rules.rule import Group, Recording
from genotel.semconv.recorded_series import OWN_OBJECTIVE, THRESHOLDS


def thresholds(values: Mapping[str, float] | None = None, objectives: Mapping[str, float] | None = None) -> Group:
    """Return the group of constants, with a user's own values by name of the series.

    Args:
        values: by name of the series, where they are not the default.
        objectives: shares of calls that must succeed of models that were promised something else.

    Raises:
        ValueError: a name is no threshold.

    Example:
        >>> from genotel.semconv.recorded_series import CPU
        >>> {rule.name: rule.query for rule in thresholds({CPU.name: 0.5}).rules}[CPU.name]
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
        (
            *(
                Recording(threshold.name, constant(own.get(threshold.name, threshold.value)), threshold.help)
                for threshold in THRESHOLDS
            ),
            *(
                Recording(OWN_OBJECTIVE.name, constant(share), OWN_OBJECTIVE.help, ((MODEL, model),))
                for model, share in (objectives or {}).items()
            ),
        ),
    )


GROUP = thresholds()
