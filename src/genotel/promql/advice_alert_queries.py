"""What the alerts ask about the recommender: advice that waits, and whether it still knows anything."""

from __future__ import annotations

from genotel.promql.alert_queries import beyond
from genotel.promql.recorded_queries import MODEL, increase
from genotel.promql.selecting import label, ours
from genotel.semconv import advice_metrics as advice
from genotel.semconv import attributes as a
from genotel.semconv import recorded_series as r
from genotel.semconv.spec import MetricSpec, label_name

_RUN = ("job", "instance")
_ADVICE = (*_RUN, label_name(a.KIND), MODEL)
_HORIZON = (*_RUN, label_name(a.HORIZON))


def _most(spec: MetricSpec, by: tuple[str, ...]) -> str:
    return f"max by ({', '.join(by)}) ({ours(spec)})"


PENDING = (
    f"({_most(advice.CONFIDENCE, _ADVICE)}) and ({beyond(f'(time() - {_most(advice.SINCE, _ADVICE)})', r.ADVICE_AGE)})"
)
URGENT = f"({_most(advice.CONFIDENCE, _ADVICE)}) and {_most(advice.PRIORITY, _ADVICE)} >= 3"
STALE = beyond(f"(time() - {_most(advice.LAST_RUN, _RUN)})", r.RUN_AGE)
HISTORY_SHORT = beyond(_most(advice.HISTORY_SPAN, _RUN), r.HISTORY, "<")
FORECAST_DEGRADED = f"{_most(advice.FORECAST_ERROR, _HORIZON)} > {_most(advice.FORECAST_NAIVE_ERROR, _HORIZON)}"
_LOST = label(a.RESULT, "=", a.RESULT_FAILED)
DELIVERIES_LOST = f"{increase(ours(advice.DELIVERIES, _LOST), '15m', _RUN)} > 0"
