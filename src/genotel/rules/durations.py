"""What is recorded of models of which a duration was promised: nothing, unless genotel.toml says so."""

from __future__ import annotations

from collections.abc import Iterable

from genotel.promql.alert_queries import constant
from genotel.promql.recorded_queries import MODEL
from genotel.promql.slo_queries import recorded_durations
from genotel.rules.rule import Group, Recording
from genotel.semconv.recorded_series import DURATION_OBJECTIVE
from genotel.settings import Objective


def durations(objectives: Iterable[Objective] = ()) -> Group:
    """Return the group of slow calls and their objectives, one set of series for each model.

    Example:
        >>> durations([Objective(model="sdxl", duration_seconds=20.48)]).rules[0].query
        'vector(0.95)'
    """
    rules: list[Recording] = []
    for objective in objectives:
        if objective.duration_seconds is None:
            continue
        # Rules of one name must differ by a label; and the series have it anyway.
        of_model = ((MODEL, objective.model),)
        promised = constant(objective.duration_share)
        rules.append(Recording(DURATION_OBJECTIVE.name, promised, DURATION_OBJECTIVE.help, of_model))
        rules += [
            Recording(series.name, query, series.help, of_model)
            for series, query in recorded_durations(objective.model, objective.duration_seconds)
        ]
    about = "Slow calls of the models of which [[slo.objectives]] promises a duration."
    return Group("durations", "slo", about, tuple(rules))


GROUP = durations()
