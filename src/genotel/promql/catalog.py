"""The queries: what is asked of Prometheus, as functions that return PromQL.

Every one filters on genotel's own scope, so that another instrumentor's metrics of the same name are
never counted as ours. Names come from ``semconv``; a metric that is renamed there is renamed here.
"""

from __future__ import annotations

from genotel.semconv import attributes as a
from genotel.semconv.generation_metrics import DURATION, REQUESTS
from genotel.semconv.spec import label_name

_OURS = f'{{{label_name(a.SCOPE_NAME)}="{a.SCOPE}"}}'
MODEL_LABEL = label_name(a.MODEL)


def call_duration_quantile(ratio: float, window: str, *, by_model: bool = False) -> str:
    """Return the query for the duration in seconds that ``ratio`` of a window's calls did not exceed.

    Args:
        ratio: 0 to 1.
        window: a PromQL duration of at least two scrapes.
        by_model: one value for each model instead of one for all.

    Example:
        >>> call_duration_quantile(0.95, "5m").startswith("histogram_quantile(0.95, sum by (le) (rate(")
        True
    """
    labels = f"le, {MODEL_LABEL}" if by_model else "le"
    return (
        f"histogram_quantile({ratio:g}, sum by ({labels}) (rate({DURATION.prometheus_name}_bucket{_OURS}[{window}])))"
    )


def calls_so_far() -> str:
    """Return the query for the number of calls that ended since the programs began."""
    return f"sum({REQUESTS.prometheus_name}{_OURS})"
