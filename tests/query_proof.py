"""Prove a query against the catalogue: it parses, and what it asks for exists and means something.

The shape of a query is checked, not its answer; ``tests/end_to_end/test_live_queries.py`` asks a real Prometheus.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import promql_parser as parser

from genotel.semconv import attributes as a
from genotel.semconv.spec import label_name
from tests.known_series import Series, known

# A window that holds fewer samples has no rate: Prometheus 3 leaves the first one out.
SHORTEST = timedelta(seconds=180)  # two scrapes of a minute, and one
# What Grafana puts in place of its own words.
GRAFANA = {"$__rate_interval": "4m", "$__range": "6h", "$__interval": "1m"}
RATES = frozenset({"rate", "irate", "increase", "resets"})
SLOPES = frozenset({"deriv", "predict_linear", "delta"})
SUMS = frozenset({"sum"})
COMPARISONS = frozenset({">", ">=", "<", "<=", "==", "!="})


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


def faults(query: str, legend: str = "", *, others: bool = False) -> list[str]:
    """Return what is wrong with a query; nothing where it is proven.

    Args:
        query: PromQL, without Grafana's words.
        legend: ``{{labels}}`` that must be on the answer.
        others: whether it is meant to ask for what others recorded by the same names.
    """
    try:
        tree = parser.parse(query)
    except ValueError as error:
        return [f"is no PromQL: {error}"]
    proof = _Proof(others)
    labels = proof.visit(tree)
    if labels is not None:
        missing = set(re.findall(r"{{(\w+)}}", legend)) - labels
        proof.found += [f"the legend names {label}, which is not on the answer" for label in sorted(missing)]
    return proof.found


class _Proof:
    def __init__(self, others: bool = False) -> None:
        self.found: list[str] = []
        self.scope = ("NotEqual" if others else "Equal", a.SCOPE)

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
        if series.scoped and (scope not in matchers or _operator_and_value(matchers[scope]) != self.scope):
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
        bounds = [matcher for one in selectors(node.expr) for matcher in one.matchers.matchers if matcher.name == "le"]
        under = self._under(node.expr)
        if operator in SUMS and _does_not_add(node.expr, under):
            self.found.append(f"{operator} of what does not add up: {_text(node)}")
        if operator in {"sum", "avg"} and any(series.quantile for series in under):
            self.found.append(f"{operator} of quantiles: {_text(node)}")
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
        elif left != right:
            self.found.append(f"the sides of {node.op} have different labels: {sorted(left ^ right)}")

    def _compared(self, left: Any, right: Any) -> None:
        number = getattr(_bare(right), "val", None)
        if not _is_share(left, self._under(left)):
            return
        if number is not None and number > 1:
            self.found.append(f"a share is never {number:g}: it goes from 0 to 1")
        if any(series.threshold and not series.ratio for series in self._under(right)):
            self.found.append(f"a share is compared with what is none: {_text(right)}")

    def _under(self, node: Any) -> list[Series]:
        names: list[str] = []
        for part in selectors(node):
            names.extend([part.name] if part.name else [])
            for matcher in part.matchers.matchers:
                if matcher.name == "__name__":
                    names.extend(name for name in known() if re.fullmatch(matcher.value, name))
        return [known()[name] for name in names if name in known()]


def selectors(node: Any) -> list[Any]:
    """Return the selectors of a query or a part of one."""
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


def _does_not_add(node: Any, series: list[Series]) -> bool:
    return bool(series) and not any(one.adds for one in series) and type(_bare(node)).__name__ != "BinaryExpr"


def _operator_and_value(matcher: Any) -> tuple[str, str]:
    return str(matcher.op).rpartition(".")[2], matcher.value


def _text(node: Any) -> str:
    return " ".join(node.prettify().split())
