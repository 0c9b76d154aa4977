"""Selectors of the catalogue's metrics as dashboards and rules need them, in both spellings.

Through OTLP, Collectors and Prometheus put ``_ratio`` behind the name of a gauge with unit 1; a shipped
query finds either.
"""

from __future__ import annotations

from genotel.promql.expression import Selector
from genotel.semconv import attributes as a
from genotel.semconv.self_metrics import SELF_METRICS
from genotel.semconv.spec import Kind, MetricSpec, label_name

Matcher = tuple[str, str, str]
_SCOPE: Matcher = (label_name(a.SCOPE_NAME), "=", a.SCOPE)
# What the page says of itself has no scope, and needs none: these names are nobody else's.
_WITHOUT_SCOPE = frozenset(spec.name for spec in SELF_METRICS)


def ours(spec: MetricSpec, *matchers: Matcher, suffix: str = "") -> Selector:
    """Return the selector of a metric as genotel records it, by either of its spellings.

    Args:
        spec: of the catalogue.
        matchers: label, operator and value of each.
        suffix: ``_bucket``, ``_sum`` or ``_count`` of a histogram.

    Example:
        >>> from genotel.semconv.host_metrics import CPU_UTILIZATION, UPTIME
        >>> print(ours(UPTIME))
        system_uptime_seconds{otel_scope_name="genotel"}
        >>> print(ours(CPU_UTILIZATION))
        {__name__=~"system_cpu_utilization(_ratio)?",otel_scope_name="genotel"}
    """
    scope = () if spec.name in _WITHOUT_SCOPE else (_SCOPE,)
    if spec.kind is Kind.GAUGE and spec.unit == "1":
        return Selector("", (("__name__", "=~", f"{spec.prometheus_name}(_ratio)?"), *scope, *matchers))
    return Selector(spec.prometheus_name + suffix, (*scope, *matchers))


def label(key: str, operator: str, value: str) -> Matcher:
    """Return a matcher on an attribute of ``semconv``."""
    return (label_name(key), operator, value)
