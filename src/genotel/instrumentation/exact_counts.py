"""Keep the count of record in memory that outlives a killed process.

Not for everything that is counted: what a query needs to be right about use (calls begun, and finished
by outcome) is six numbers a label set; the rest is written every second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from genotel.exposition.series import render_labels
from genotel.instrumentation import accumulators
from genotel.instrumentation.accumulators import Counts
from genotel.semconv import attributes as a
from genotel.semconv.generation_metrics import REQUESTS, STARTED
from genotel.semconv.spec import label_name
from genotel.version import __version__

# As the page's reader names our scope.
_SCOPE = {a.SCOPE_NAME: a.SCOPE, a.SCOPE_VERSION: __version__, a.SCOPE_SCHEMA_URL: a.SCHEMA_URL}


def keep_counts(give: Callable[[Sequence[tuple[str, str]]], Counts | None]) -> None:
    """Move the counts of calls, those so far and all that come, to where ``give`` has place for them.

    Args:
        give: returns counts that are 0, one for each name (family, labels); None where it has no place.
    """

    def counts(attributes: Mapping[str, str]) -> Counts | None:
        finished = [(REQUESTS.family, _labels({**attributes, a.OUTCOME: outcome})) for outcome in a.OUTCOMES]
        return give([*finished, (STARTED.family, _labels(attributes))])

    accumulators.place_counts(counts)


def _labels(attributes: Mapping[str, str]) -> str:
    return render_labels({label_name(key): value for key, value in {**attributes, **_SCOPE}.items()})
