"""Render ``docs/metrics.md`` from the catalogue in ``genotel.semconv.metrics``."""

from __future__ import annotations

from genotel.semconv.metrics import SECTIONS
from genotel.semconv.spec import Kind, Merge, MetricSpec, label_name

KINDS = {
    Kind.COUNTER: "counter",
    Kind.UP_DOWN_COUNTER: "up-down counter",
    Kind.GAUGE: "gauge",
    Kind.HISTOGRAM: "histogram",
}
MERGES = {
    Merge.SUM: "summed",
    Merge.MAX: "greatest",
    Merge.LAST: "latest",
    Merge.PER_PROCESS: "kept apart",
}

INTRODUCTION = """\
# Metrics

Every metric that genotel emits. This page is generated from `src/genotel/semconv/`: do not edit it,
run `make generate`.

- **Prometheus name** is what a query asks for. A histogram's series end in `_bucket`, `_sum` and `_count`.
- Label names in queries have `_` for every dot: `gen_ai.request.model` is `gen_ai_request_model`.
- A closed set lists every value that a label can take; counters are born at 0 for each of them.
- **Workers** says how the values of several processes become one series.
- Values are in base units (seconds, bytes, ratios from 0 to 1). What is unknown is absent: never 0, never NaN.
"""


def metrics_page() -> str:
    """Return the text of ``docs/metrics.md``."""
    parts = [INTRODUCTION]
    for title, specs in SECTIONS:
        parts.append(f"\n## {title}\n")
        parts.extend(_metric(spec) for spec in specs)
    return "".join(parts)


def _metric(spec: MetricSpec) -> str:
    rows = [
        ("Prometheus name", f"`{spec.prometheus_name}`"),
        ("Kind, unit", f"{KINDS[spec.kind]}, `{spec.unit}`"),
    ]
    if spec.labels:
        rows.append(("Labels", ", ".join(f"`{label_name(key)}`" for key in spec.labels)))
    rows += [
        (f"Values of `{label_name(key)}`", ", ".join(f"`{value}`" for value in values)) for key, values in spec.closed
    ]
    if spec.buckets:
        rows.append(("Buckets", ", ".join(f"{bound:.12g}" for bound in spec.buckets)))
    rows.append(("Workers", MERGES[spec.merge]))
    table = "".join(f"| {name} | {value} |\n" for name, value in rows)
    return f"\n### `{spec.name}`\n\n{spec.help}\n\n| | |\n|---|---|\n{table}"
