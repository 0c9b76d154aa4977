"""Every name that a query may ask for, and what it is: ours, what rules record, what others emit."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from genotel.semconv import attributes as a
from genotel.semconv.foreign_servers import GPU_EXPORTERS, SERVERS
from genotel.semconv.metrics import CATALOGUE
from genotel.semconv.recorded_series import PROMISED, RECORDED, THRESHOLDS
from genotel.semconv.self_metrics import SELF_METRICS
from genotel.semconv.spec import Kind, label_name


@dataclass(frozen=True)
class Series:
    """Describe the series of one name."""

    labels: frozenset[str]
    counter: bool = False
    bucket: bool = False
    ratio: bool = False
    timestamp: bool = False
    quantile: bool = False
    threshold: bool = False
    # Degrees and times do not add up, nor do shares and quantiles.
    adds: bool = True
    scoped: bool = False
    closed: dict[str, frozenset[str]] = field(default_factory=dict)


@cache
def known() -> dict[str, Series]:
    """Return every name that a query may ask for: the catalogue, what is recorded, what Prometheus adds."""
    target = frozenset({"job", "instance"})
    alerts = frozenset({"alertname", "alertstate", "severity", "component"})
    found = {
        "up": Series(target),
        "scrape_duration_seconds": Series(target),
        "scrape_samples_scraped": Series(target),
        "ALERTS": Series(target | alerts),
    }
    for recorded in (*RECORDED, *PROMISED):
        quantile = ":p95" in recorded.name
        found[recorded.name] = Series(
            frozenset(recorded.labels),
            ratio=recorded.ratio,
            quantile=quantile,
            adds=not quantile and not recorded.ratio,
        )
    for threshold in THRESHOLDS:
        found[threshold.name] = Series(frozenset(), threshold=True, ratio=threshold.name.endswith(":ratio"))
    for spec in CATALOGUE:
        scoped = spec not in SELF_METRICS
        labels = target | set(spec.prometheus_labels) | ({label_name(a.SCOPE_NAME)} if scoped else set())
        closed = {label_name(key): frozenset(values) for key, values in spec.closed}
        name = spec.prometheus_name
        if spec.kind is Kind.HISTOGRAM:
            for suffix in ("_sum", "_count"):
                found[name + suffix] = Series(labels, counter=True, scoped=scoped, closed=closed)
            bounds = frozenset(f"{bound:.12g}" for bound in spec.buckets) | {"+Inf"}
            found[name + "_bucket"] = Series(
                labels | {"le"}, counter=True, bucket=True, scoped=scoped, closed=closed | {"le": bounds}
            )
            continue
        plain = Series(
            labels,
            counter=spec.kind is Kind.COUNTER,
            ratio=spec.unit == "1",
            timestamp=spec.name.endswith(".timestamp"),
            adds=spec.unit not in ("1", "Cel") and not spec.name.endswith(".timestamp"),
            scoped=scoped,
            closed=closed,
        )
        found[name] = plain
        if spec.kind is Kind.GAUGE and spec.unit == "1":
            found[name + "_ratio"] = plain
    return foreign() | found


def foreign() -> dict[str, Series]:
    """Return what other people's servers and exporters emit, as semconv/foreign_servers.py has it."""
    found: dict[str, Series] = {}

    def add(name: str, label: str, matchers: tuple[tuple[str, str, str], ...] = (), **kind: bool) -> None:
        labels = {"job", "instance", label, *(matcher[0] for matcher in matchers)}
        labels |= {"le"} if kind.get("bucket") else set()
        labels |= found[name].labels if name in found else set()
        found[name] = Series(frozenset(labels), **kind)

    for server in SERVERS:
        for calls in server.calls:
            add(calls.name, server.model_label, calls.matchers, counter=True)
        for spent in filter(None, (server.durations, server.loads)):
            for name in (spent.seconds, spent.count):
                add(name, spent.model_label or server.model_label, spent.matchers, counter=True)
        for amount in filter(None, (server.running, server.waiting)):
            add(amount.name, server.model_label)
        if server.cache_used is not None:
            add(server.cache_used.name, server.model_label, ratio=True, adds=False)
        for amount in filter(None, (server.input_tokens, server.output_tokens)):
            add(amount.name, server.model_label, counter=True)
        for amount in filter(None, (server.first_token, server.between_tokens)):
            add(f"{amount.name}_bucket", server.model_label, counter=True, bucket=True)
    for exporter in GPU_EXPORTERS:
        for amount in (
            exporter.memory_used,
            exporter.memory_free,
            exporter.memory_total,
            exporter.utilization,
            exporter.temperature,
            exporter.power,
        ):
            if amount is not None:
                adds = amount not in (exporter.utilization, exporter.temperature)
                add(amount.name, exporter.gpu_label, ratio=amount is exporter.utilization, adds=adds)
    return found
