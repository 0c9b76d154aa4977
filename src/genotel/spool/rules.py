"""How the values of several processes become one series, metric by metric.

The catalogue says it for our metrics. For a program's own: counters, histograms and summaries are
added up, up-down counters too; a gauge is kept apart by process, since nothing tells whether two
workers' values may be added.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from genotel.exposition.series import Family
from genotel.semconv.metrics import CATALOGUE
from genotel.semconv.spec import Kind, Merge

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")

_SPECS = {(spec.family, spec.kind is Kind.COUNTER): spec for spec in CATALOGUE}
_ADDED_UP = frozenset({"counter", "histogram", "summary"})


class Rule(NamedTuple):
    """Say how a family is merged, and whether the values of an ended process still count."""

    merge: Merge
    outlives: bool


def counter_family(name: str) -> Family:
    """Return the family of a counter of which only the name is known, with its help where it is one of ours."""
    spec = _SPECS.get((name, True))
    return Family(name, "counter", "" if spec is None else spec.help)


@lru_cache(maxsize=4096)
def rule_of(family: Family) -> Rule | None:
    """Return the rule of a family; None where its name is none that a page could have.

    Example:
        >>> rule_of(Family("jobs", "counter"))
        Rule(merge=<Merge.SUM: 'sum'>, outlives=True)
        >>> rule_of(Family("genotel_model_last_used_timestamp_seconds", "gauge"))
        Rule(merge=<Merge.MAX: 'max'>, outlives=True)
        >>> rule_of(Family("load", "gauge"))
        Rule(merge=<Merge.PER_PROCESS: 'per_process'>, outlives=False)
    """
    if not NAME.fullmatch(family.name):
        return None
    spec = _SPECS.get((family.name, family.kind == "counter"))
    if spec is not None:
        return Rule(spec.merge, spec.outlives_process)
    if family.kind in _ADDED_UP:
        return Rule(Merge.SUM, outlives=True)
    if family.kind == "info":
        return Rule(Merge.MAX, outlives=False)
    return Rule(family.merge or Merge.PER_PROCESS, outlives=False)
