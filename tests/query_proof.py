"""Prove a query against the catalogue: it parses, and what it asks for exists and means something.

The shape of a query is checked, not its answer; ``tests/end_to_end/test_live_queries.py`` asks a real Prometheus.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

import promql_parser as parser

from genotel.semconv import attributes as a
from genotel.semconv.foreign_servers import GPU_EXPORTERS, SERVERS
from genotel.semconv.metrics import CATALOGUE
from genotel.semconv.recorded_series import PROMISED, RECORDED, THRESHOLDS
from genotel.semconv.self_metrics import SELF_METRICS
from genotel.semconv.spec import Kind, label_name

# A window that holds fewer samples has no rate: Prometheus 3 leaves the first one out.
SHORTEST = timedelta(seconds=180)  # two scrapes of a minute, and one
# What Grafana puts in place of its own words.
GRAFANA = {"$__rate_interval": "4m", "$__range": "6h", "$__interval": "1m"}
RATES = frozenset({"rate", "irate", "increase", "resets"})
SLOPES = frozenset({"deriv", "predict_linear", "delta"})
SUMS = frozenset({"sum"})
COMPARISONS = frozenset({">", ">=", "<", "<=", "==", "!="})


@dataclass(frozen=True)
class Series:
    """Describe the series of one name."""

    labels: frozenset[str]
    counter: bool = False
    bucket: bool = False
    ratio: bool = False
    timestamp: bool = False
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
        found[recorded.name] = Series(frozenset(recorded.labels), ratio=recorded.ratio)
    for threshold in THRESHOLDS:
        found[threshold.name] = Series(frozenset())
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
            add(server.cache_used.name, server.model_label, ratio=True)
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
                add(amount.name, exporter.gpu_label, ratio=amount is exporter.utilization)
    return found


def for_prometheus(query: str, variables: Iterable[str] = ()) -> str:
    """Return a query of a dashboard as Prometheus is asked when everything is chosen."""
    for word, value in GRAFANA.items():
        query = query.replace(word, value)
    for name in variables:
        query = query.replace(f"${name}", ".*")
    return query


def selector_of(query: str) -> str:
    """Return the selector inside of a variable's ``label_values(selector, label)``, checked for its label."""
    match = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
    assert match, query
    # Asked like this, the label must exist on what the selector finds.
    return f"count by ({match[2]}) ({match[1]})"


def faults(query: str, legend: str = "") -> list[str]:
    """Return what is wrong with a query; nothing where it is proven.

    Args:
        query: PromQL, without Grafana's words.
        legend: ``{{labels}}`` that must be on the answer.
    """
    try:
        tree = parser.parse(query)
    except ValueError as error:
        return [f"is no PromQL: {error}"]
    proof = _Proof()
    labels = proof.visit(tree)
    if labels is not None:
        missing = set(re.findall(r"{{(\w+)}}", legend)) - labels
        proof.found += [f"the legend names {label}, which is not on the answer" for label in sorted(missing)]
    return proof.found


class _Proof:
    def __init__(self) -> None:
        self.found: list[str] = []

    def visit(self, node: Any, inside: str = "") -> frozenset[str] | None:
        """Check a node; return the labels of its answer, None for a number."""
        kind = type(node).__name__
        return getattr(self, f"_{kind}")(node, inside)  # type: ignore[no-any-return]

    def _NumberLiteral(self, node: Any, inside: str) -> None:
        return None

    def _StringLiteral(self, node: Any, inside: str) -> None:
        return None

    def _ParenExpr(self, node: Any, inside: str) -> frozenset[str] | None:
        return self.visit(node.expr, inside)

    def _UnaryExpr(self, node: Any, inside: str) -> frozenset[str] | None:
        return self.visit(node.expr, inside)

    def _SubqueryExpr(self, node: Any, inside: str) -> frozenset[str] | None:
        if inside in RATES:
            self.found.append(f"{inside} of a subquery: take the rate first")
        return self.visit(node.expr)

    def _MatrixSelector(self, node: Any, inside: str) -> frozenset[str] | None:
        if node.range < SHORTEST:
            self.found.append(f"a window of {node.range} holds too few samples")
        return self.visit(node.vector_selector, inside)

    def _VectorSelector(self, node: Any, inside: str) -> frozenset[str]:
        series = self._series(node)
        if series is None:
            return frozenset()
        # How many series there are is as good a question about counters.
        if series.counter and inside not in RATES | {"count"}:
            self.found.append(f"{_text(node)} is a counter outside of a rate")
        if not series.counter and inside in RATES:
            self.found.append(f"{inside} of {_text(node)}, which is no counter")
        scope = label_name(a.SCOPE_NAME)
        matchers = {matcher.name: matcher for matcher in node.matchers.matchers}
        if series.scoped and (scope not in matchers or matchers[scope].value != a.SCOPE):
            self.found.append(f"{_text(node)} does not ask for our scope")
        for name, matcher in matchers.items():
            if name != "__name__":
                self._matcher(node, series, name, matcher)
        return series.labels

    def _matcher(self, node: Any, series: Series, name: str, matcher: Any) -> None:
        if name not in series.labels:
            self.found.append(f"{_text(node)} has no label {name}")
        elif name in series.closed and matcher.value:
            values = series.closed[name]
            wanted = matcher.value.split("|") if "Re" in str(matcher.op) else [matcher.value]
            if ".*" not in matcher.value and not set(wanted) <= values:
                self.found.append(f"{name} is never {matcher.value}")

    def _series(self, node: Any) -> Series | None:
        names = [node.name] if node.name else []
        for matcher in node.matchers.matchers:
            if matcher.name == "__name__":
                names += [name for name in known() if re.fullmatch(matcher.value, name)]
                if not names:
                    self.found.append(f"nothing is named {matcher.value}")
        found = [known()[name] for name in names if name in known()]
        for name in names:
            if name not in known():
                self.found.append(f"there is no metric {name}")
        if found and any(series != found[0] for series in found):
            self.found.append(f"{_text(node)} mixes metrics of different kinds")
        return found[0] if found else None

    def _Call(self, node: Any, inside: str) -> frozenset[str] | None:
        name = node.func.name
        labels: frozenset[str] | None = None
        for argument in node.args:
            seen = self.visit(argument, name)
            labels = seen if seen is not None else labels
            if name in SLOPES and any(series.counter for series in self._under(argument)):
                self.found.append(f"{name} of a counter")
        if name == "histogram_quantile":
            self._quantile(node)
            labels = labels - {"le"} if labels is not None else None
        if name in {"vector", "absent"}:
            return frozenset()
        return None if name == "time" else labels

    def _quantile(self, node: Any) -> None:
        ratio, buckets = node.args
        if not 0 < getattr(ratio, "val", -1) < 1:
            self.found.append("a quantile is between 0 and 1")
        if type(buckets).__name__ != "AggregateExpr" or "le" not in _by(buckets):
            self.found.append("histogram_quantile without sum by le")
        if not all(series.bucket for series in self._under(buckets)):
            self.found.append("histogram_quantile of something that has no buckets")

    def _AggregateExpr(self, node: Any, inside: str) -> frozenset[str]:
        operator = str(node.op)
        labels = self.visit(node.expr, operator)
        by = _by(node)
        bounds = [matcher for one in _selectors(node.expr) for matcher in one.matchers.matchers if matcher.name == "le"]
        if operator in SUMS and _is_share(node.expr, self._under(node.expr)):
            self.found.append(f"{operator} of shares: {_text(node)}")
        if labels is not None:
            self.found += [f"{label} is not on what is grouped by it" for label in sorted(by - labels)]
        buckets = any(series.bucket for series in self._under(node.expr))
        if buckets and operator == "sum" and "le" not in by and not bounds:
            self.found.append("buckets are added up: le is lost")
        return frozenset(by)

    def _BinaryExpr(self, node: Any, inside: str) -> frozenset[str] | None:
        operator = str(node.op)
        left, right = self.visit(node.lhs), self.visit(node.rhs)
        if operator in COMPARISONS:
            self._compared(node.lhs, node.rhs)
        if operator == "or" and _is_comparison(node.rhs) != _is_comparison(node.lhs):
            self.found.append(f"the comparison binds before or: put it into parentheses: {_text(node)}")
        if operator == "/" and _is_rate(node.rhs) and not _is_comparison(_bare(node.rhs)):
            self.found.append("a division by what may be 0: guard it by > 0")
        is_age = operator == "-" and _text(node.lhs) == "time()"
        if is_age and not all(series.timestamp for series in self._under(node.rhs)):
            self.found.append("time() minus what is no time")
        if left is None or right is None:
            return right if left is None else left
        self._matched(node, left, right)
        return right if "OneToMany" in str(getattr(node.modifier, "card", "")) else left

    def _matched(self, node: Any, left: frozenset[str], right: frozenset[str]) -> None:
        matching = node.modifier.matching if node.modifier else None
        if matching is not None:
            self.found += [
                f"{label} is not on both sides of {node.op}" for label in matching.labels if label not in left & right
            ]
        elif left != right and str(node.op) != "or":
            self.found.append(f"the sides of {node.op} have different labels: {sorted(left ^ right)}")

    def _compared(self, left: Any, right: Any) -> None:
        number = getattr(_bare(right), "val", None)
        if number is not None and number > 1 and _is_share(left, self._under(left)):
            self.found.append(f"a share is never {number:g}: it goes from 0 to 1")

    def _under(self, node: Any) -> list[Series]:
        names: list[str] = []
        for part in _selectors(node):
            names.extend([part.name] if part.name else [])
            for matcher in part.matchers.matchers:
                if matcher.name == "__name__":
                    names.extend(name for name in known() if re.fullmatch(matcher.value, name))
        return [known()[name] for name in names if name in known()]


def _selectors(node: Any) -> list[Any]:
    found: list[Any] = []
    parser.walk(node, pre_visit=lambda part: found.append(part) if type(part).__name__ == "VectorSelector" else None)
    return found


def _by(node: Any) -> set[str]:
    return set(node.modifier.labels) if node.modifier else set()


def _bare(node: Any) -> Any:
    return _bare(node.expr) if type(node).__name__ == "ParenExpr" else node


def _is_comparison(node: Any) -> bool:
    node = _bare(node)
    return type(node).__name__ == "BinaryExpr" and str(node.op) in COMPARISONS


def _is_rate(node: Any) -> bool:
    return bool(re.search(r"\b(rate|increase|sum_over_time)\(", node.prettify()))


def _is_share(node: Any, series: list[Series]) -> bool:
    # A rate of a rate is none; a product or a count of shares is no share.
    return bool(series) and all(one.ratio for one in series) and type(_bare(node)).__name__ != "BinaryExpr"


def _text(node: Any) -> str:
    return " ".join(node.prettify().split())
