"""What Prometheus makes of the demo's page: the same questions that dashboards and rules ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from genotel.demo.prometheus_process import Sample
from genotel.promql.catalog import MODEL_LABEL, call_duration_quantile, calls_so_far

# What "now" means on a dashboard; from two scrapes on there is an answer.
WINDOW = "1m"
P95 = 0.95


class Answering(Protocol):
    """Answer PromQL."""

    def query(self, promql: str) -> list[Sample]:
        """Return the series of an instant query."""
        ...


@dataclass(frozen=True, slots=True)
class PrometheusFigures:
    """Hold p95 in seconds over the last minute, in all and by model, and the calls so far; None where not known."""

    p95: float | None = None
    p95_by_model: Mapping[str, float] = field(default_factory=dict)
    calls: int | None = None


def read_prometheus(server: Answering) -> PrometheusFigures:
    """Ask for all figures.

    Raises:
        ServerError: it does not answer.
    """
    overall = server.query(call_duration_quantile(P95, WINDOW))
    by_model = server.query(call_duration_quantile(P95, WINDOW, by_model=True))
    calls = server.query(calls_so_far())
    return PrometheusFigures(
        p95=overall[0].value if overall else None,
        p95_by_model={sample.labels[MODEL_LABEL]: sample.value for sample in by_model},
        calls=int(calls[0].value) if calls else None,
    )
