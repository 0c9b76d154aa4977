"""What alerts and dashboards ask about batches and queues."""

from __future__ import annotations

from genotel.promql import panel_queries as p
from genotel.promql.alert_queries import beyond
from genotel.promql.expression import sum_by
from genotel.promql.recorded_queries import FAILED, JUDGED
from genotel.promql.selecting import label, ours
from genotel.semconv import attributes as a
from genotel.semconv import batch_metrics as b
from genotel.semconv import recorded_series as r
from genotel.semconv.spec import MetricSpec, label_name

NAME, QUEUE = label_name(a.BATCH_NAME), label_name(a.QUEUE_NAME)
_OF_QUEUE = ("job", "instance", QUEUE)
_OF_BATCH = ("job", "instance", NAME)


# --- alerts --------------------------------------------------------------------------------------
def _most(spec: MetricSpec) -> str:
    return f"max by ({', '.join(_OF_QUEUE)}) ({ours(spec)})"


QUEUE_OLD = beyond(_most(b.QUEUE_OLDEST_AGE), r.QUEUE_AGE)
_FILLED = f"({_most(b.QUEUE_LENGTH)} / ({_most(b.QUEUE_LIMIT)} > 0))"
QUEUE_FULL = beyond(_FILLED, r.QUEUE_FILLED)
QUEUE_GROWS = (
    f"(max by ({', '.join(_OF_QUEUE)}) (deriv({ours(b.QUEUE_LENGTH)}[30m])) > 0)"
    f" and max by ({', '.join(_OF_QUEUE)}) (predict_linear({ours(b.QUEUE_LENGTH)}[30m], 1800)) > {_most(b.QUEUE_LIMIT)}"
)
QUEUE_REFUSES = f"{sum_by(_OF_QUEUE, f'increase({ours(b.QUEUE_REFUSED)}[10m])')} > 0"
_BAD = sum_by(_OF_BATCH, f"increase({ours(b.BATCHES, label(a.OUTCOME, '=~', FAILED))}[1h])")
_JUDGED = sum_by(_OF_BATCH, f"increase({ours(b.BATCHES, label(a.OUTCOME, '=~', JUDGED))}[1h])")
BATCHES_FAIL = f"({beyond(f'{_BAD} / ({_JUDGED} > 0)', r.FEW_ERRORS_SHARE)}) and ({beyond(_BAD, r.FEW_ERRORS, '>=')})"


# --- panels --------------------------------------------------------------------------------------
def _window(spec: MetricSpec) -> str:
    return p.greatest(p.here(spec), NAME)


ITEMS = p.rate(p.here(b.ITEMS), NAME, label_name(a.OUTCOME))
BATCHES = p.rate(p.here(b.BATCHES), NAME, label_name(a.OUTCOME))
DURATION_P95 = p.quantile(0.95, b.DURATION, NAME)
DURATION_MEAN = p.mean(b.DURATION, NAME)
LATENCY_P95 = p.quantile(0.95, b.LATENCY, NAME)
WAIT_P95 = p.quantile(0.95, b.QUEUE_DURATION, NAME)
SIZE_MEAN = p.mean(b.SIZE, NAME)
ACTIVE = p.total(p.here(b.ACTIVE), NAME)
REMAINING = p.total(p.here(b.REMAINING), NAME)
ETA = p.greatest(p.here(b.ETA), NAME)
THROUGHPUT = p.total(p.here(b.WINDOW_THROUGHPUT), NAME)
EFFICIENCY = _window(b.WINDOW_EFFICIENCY)
UTILIZATION = _window(b.WINDOW_UTILIZATION)
STABILITY = _window(b.WINDOW_STABILITY)
QUEUE_LENGTH = p.total(p.here(b.QUEUE_LENGTH), "instance", QUEUE)
QUEUE_LIMIT = p.total(p.here(b.QUEUE_LIMIT), "instance", QUEUE)
QUEUE_OLDEST = p.greatest(p.here(b.QUEUE_OLDEST_AGE), "instance", QUEUE)
QUEUE_REFUSED = p.rate(p.here(b.QUEUE_REFUSED), "instance", QUEUE, label_name(a.REASON))
QUEUE_WAIT_P95 = p.quantile(0.95, b.QUEUE_WAIT, QUEUE)
