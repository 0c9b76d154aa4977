"""What the dashboards ask in common: selectors by the dashboards' variables, rates, shares and quantiles."""

from __future__ import annotations

from genotel.promql.expression import Selector, sum_by
from genotel.promql.recorded_queries import FAILED, JUDGED, MODEL
from genotel.promql.selecting import Matcher, label, ours
from genotel.semconv import attributes as a
from genotel.semconv.generation_metrics import REQUESTS
from genotel.semconv.self_metrics import BUILD_INFO
from genotel.semconv.spec import MetricSpec, label_name

# Grafana's own windows: four scrapes or one pixel, and what is shown.
EACH, SHOWN = "$__rate_interval", "$__range"
JOB: Matcher = ("job", "=~", "$job")
HERE: tuple[Matcher, ...] = (JOB, ("instance", "=~", "$instance"))
OF_MODEL: Matcher = (MODEL, "=~", "$model")

# --- what the variables ask ----------------------------------------------------------------------
# Without a job of a program there would be no dashboard at all, so these two ask what every page has.
JOBS = f"label_values({ours(BUILD_INFO)}, job)"
INSTANCES = f"label_values({ours(BUILD_INFO, JOB)}, instance)"
MODELS = f"label_values({ours(REQUESTS, *HERE)}, {MODEL})"
EXPERIMENTS = f"label_values({ours(REQUESTS, *HERE, label(a.EXPERIMENT, '!=', ''))}, {label_name(a.EXPERIMENT)})"
FIRED = 'ALERTS{alertname=~"Genotel.*",alertstate="firing",severity=~"critical|warning"}'


def here(spec: MetricSpec, *matchers: Matcher, suffix: str = "") -> Selector:
    """Return the selector of a metric on the chosen programs."""
    return ours(spec, *HERE, *matchers, suffix=suffix)


def of_model(spec: MetricSpec, *matchers: Matcher, suffix: str = "") -> Selector:
    """Return the selector of a metric of the chosen models."""
    return here(spec, OF_MODEL, *matchers, suffix=suffix)


def rate(selector: Selector, *by: str, window: str = EACH) -> str:
    """Return how fast a counter goes, summed by labels.

    Example:
        >>> rate(Selector("calls_total"), "job")
        'sum by (job) (rate(calls_total[$__rate_interval]))'
    """
    return sum_by(by, f"rate({selector}[{window}])")


def grown(selector: Selector, *by: str, window: str = EACH) -> str:
    """Return how far a counter went in a window, summed by labels."""
    return sum_by(by, f"increase({selector}[{window}])")


def quantile(ratio: float, spec: MetricSpec, *by: str, window: str = EACH, matchers: tuple[Matcher, ...] = ()) -> str:
    """Return the value that ``ratio`` of a histogram's observations did not exceed; absent where there were none."""
    buckets = rate(here(spec, *matchers, suffix="_bucket"), "le", *by, window=window)
    # Of no observations it would be NaN, which is not at least 0.
    return f"histogram_quantile({ratio:g}, {buckets}) >= 0"


def mean(spec: MetricSpec, *by: str, window: str = EACH, matchers: tuple[Matcher, ...] = ()) -> str:
    """Return the mean of a histogram's observations; absent where there are none."""
    total = rate(here(spec, *matchers, suffix="_sum"), *by, window=window)
    count = rate(here(spec, *matchers, suffix="_count"), *by, window=window)
    return f"{total} / ({count} > 0)"


def failure_share(*by: str, window: str = EACH, matchers: tuple[Matcher, ...] = ()) -> str:
    """Return the share of calls that failed; absent where there were none, since 0 of 0 is no success."""
    failed = rate(here(REQUESTS, *matchers, label(a.OUTCOME, "=~", FAILED)), *by, window=window)
    return f"{failed} / ({rate(here(REQUESTS, *matchers, label(a.OUTCOME, '=~', JUDGED)), *by, window=window)} > 0)"


def greatest(selector: Selector, *by: str) -> str:
    """Return the greatest value by labels: shares are never summed."""
    return f"max by ({', '.join(by)}) ({selector})" if by else f"max({selector})"


def total(selector: Selector, *by: str) -> str:
    """Return the sum by labels."""
    return sum_by(by, str(selector))


def counted(condition: str) -> str:
    """Return how many series hold, 0 where none does: only for tiles that count."""
    return f"count({condition}) or vector(0)"
