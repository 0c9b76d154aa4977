"""The queries: what is asked of Prometheus, as functions that return PromQL.

Every one filters on genotel's own scope, so that another instrumentor's metrics of the same name are
never counted as ours. Names come from ``semconv``; a metric that is renamed there is renamed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

from genotel.promql.expression import Selector, duration, select, sum_by
from genotel.semconv import attributes as a
from genotel.semconv.generation_metrics import DURATION, REQUESTS
from genotel.semconv.model_metrics import MODEL_SIZE
from genotel.semconv.spec import MetricSpec, label_name

_OURS = f'{{{label_name(a.SCOPE_NAME)}="{a.SCOPE}"}}'
MODEL_LABEL = label_name(a.MODEL)
OUTCOME_LABEL = label_name(a.OUTCOME)
# Prometheus' own labels: whom it scraped.
TARGET_LABELS = ("job", "instance")
# Holds a sample of every target that is scraped each minute, and seldom a restart.
_BEGINNING_SECONDS = 120.0
# What means something in RE2; whatever else there is stands for itself.
_PATTERN_SIGNS = re.compile(r"[\\.+*?()|\[\]{}^$]")


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


class Dialect(StrEnum):
    """Name the language that a server speaks: PromQL, or VictoriaMetrics' own over the same words.

    VictoriaMetrics' ``increase()`` and ``resets()`` look at the sample before the window too; it has
    functions that do not.
    """

    PROMQL = "promql"
    METRICSQL = "metricsql"


# Answered by VictoriaMetrics, refused by all others.
METRICSQL_PROBE = "increase_prometheus(up[1m]) default 0"


def events(
    counter: Selector,
    window_seconds: float,
    *,
    created: Selector | None = None,
    before_seconds: float = 0.0,
    dialect: Dialect = Dialect.PROMQL,
) -> str:
    """Return the query for how often each series of a counter was counted up in a window, to the event.

    ``increase()`` alone loses what falls between the last sample of one window and the first of the
    next, all that a series holds when it is first seen, and single events to its extrapolation. Here
    a window goes from the last value before it to its last value, so that windows next to each other
    add up. Of the cases below the first that fits a series counts:

    - its value went down inside the window (a restart): ``increase()``, rounded, and what lies between
      the last value before the window and the first in it, or all of that where it is lower;
    - it was created inside the window, as ``_created`` of OpenMetrics tells: all it holds;
    - it goes on from the window before: the difference;
    - it is lower than in the window before (a restart at the seam): all it holds;
    - it is new, and was created since a value before it could have been: all it holds;
    - it is new on a target that was up when the window began: all it holds;
    - it is new on a target of which nothing is known: what was added since it was first seen.

    What no query can find: what happened after the last scrape of a process, and what happened
    between a restart and the first scrape after it where the count is no lower by then.

    Args:
        counter: its series.
        window_seconds: two scrape intervals at least.
        created: the series that tell when those were created; by default as OpenMetrics names them for
            a metric that ends in ``_total``.
        before_seconds: how long before the window the last value before it may be; a window at least.
        dialect: what the server speaks.

    Example:
        >>> events(Selector("calls_total"), 60).startswith("(((last_over_time(calls_total[1m]) + 0) and ")
        True
    """
    window = duration(window_seconds)
    if created is None:
        created = counter.renamed(counter.name.removesuffix("_total") + "_created")
    inside = counter.over(window_seconds)
    before_seconds = max(window_seconds, before_seconds)
    before = counter.over(before_seconds, offset_seconds=window_seconds)
    born = f"last_over_time({created.over(window_seconds)}) > time()"
    # Without its name, as all that is reckoned with: in VictoriaMetrics' ``or`` a series with a name and
    # one without stand beside each other where Prometheus takes one.
    last = f"(last_over_time({inside}) + 0)"
    first, earlier = f"min_over_time({inside})", f"last_over_time({before})"
    # The first value of a window is the lowest of its beginning, as long as that is free of restarts.
    beginning = min(window_seconds / 2, _BEGINNING_SECONDS)
    at_first = f"min_over_time({counter.over(beginning, offset_seconds=window_seconds - beginning)})"
    increase = f"increase({inside})"
    if dialect is Dialect.METRICSQL:
        at_first, increase = f"first_over_time({inside})", f"increase_prometheus({inside})"
    return (
        f"(({last} and ({born} - {window_seconds:g})"
        f" or {last} - ({earlier} <= {first})"
        f" or {last} and ({earlier} > {first})"
        f" or ({last} unless {earlier}) and ({born} - {window_seconds + before_seconds:g})"
        f" or ({last} unless {earlier}) and on (job, instance) (up offset {window} == 1)"
        f" or {last} - {first})"
        f" unless (resets({inside}) > 0)"
        f" or round({increase}) + ({at_first} - {earlier} > 0)"
        f" or round({increase}) + ({at_first} and ({earlier} > {at_first}))"
        f" or round({increase}))"
    )


def requests(
    window_seconds: float,
    *matchers: tuple[str, str, str],
    by: Iterable[str] = (MODEL_LABEL,),
    before_seconds: float = 0.0,
    dialect: Dialect = Dialect.PROMQL,
) -> str:
    """Return the query for the calls that ended in a window, exactly counted, by model or other labels."""
    counter = select_ours(REQUESTS, *matchers)
    return sum_by(by, events(counter, window_seconds, before_seconds=before_seconds, dialect=dialect))


def select_ours(spec: MetricSpec, *matchers: tuple[str, str, str]) -> Selector:
    """Return the selector of a metric of the catalogue as genotel itself records it.

    Example:
        >>> str(select_ours(REQUESTS))
        'genotel_generation_requests_total{otel_scope_name="genotel"}'
    """
    return select(spec, (label_name(a.SCOPE_NAME), "=", a.SCOPE), *matchers)


def scraped_share(window_seconds: float, jobs: Iterable[str]) -> str:
    """Return the query for the share of a window's scrapes that each server of some jobs answered."""
    up = Selector("up", (("job", "=~", one_of(jobs)),))
    return f"avg by ({', '.join(TARGET_LABELS)}) (avg_over_time({up.over(window_seconds)}))"


def scrapes(window_seconds: float, jobs: Iterable[str]) -> str:
    """Return the query for the scrapes in a window of the server of some jobs that had most."""
    up = Selector("up", (("job", "=~", one_of(jobs)),))
    return f"max(count_over_time({up.over(window_seconds)}))"


def model_sizes(window_seconds: float) -> str:
    """Return the query for the bytes of each model on disk, all formats and places of the host that has most."""
    held = f"last_over_time({select_ours(MODEL_SIZE).over(window_seconds)})"
    # Hosts may share a folder, so that their sum would count it more than once.
    return f"max by ({MODEL_LABEL}) ({sum_by((*TARGET_LABELS, MODEL_LABEL), held)})"


def one_of(values: Iterable[str]) -> str:
    """Return the pattern that matches exactly some texts.

    Example:
        >>> print(one_of(["a.b", "c"]))
        a\\.b|c
    """
    return "|".join(_PATTERN_SIGNS.sub(r"\\\g<0>", value) for value in values)
