"""What the dashboards ask about advice, forecasts and the recommender itself."""

from __future__ import annotations

from genotel.promql import panel_queries as p
from genotel.promql.expression import Selector
from genotel.promql.recorded_queries import MODEL
from genotel.promql.selecting import label, ours
from genotel.semconv import advice_metrics as d
from genotel.semconv import attributes as a
from genotel.semconv import recorded_series as r
from genotel.semconv.spec import MetricSpec, label_name

KIND, PRIORITY, REASON = label_name(a.KIND), label_name(a.ADVICE_PRIORITY), label_name(a.REASON)
RESULT, HORIZON, BAND = label_name(a.RESULT), label_name(a.HORIZON), label_name(a.BAND)
_NEXT_HOUR = label(a.HORIZON, "=", a.NEXT_HOUR)


def _about(spec: MetricSpec) -> str:
    return p.greatest(p.of_model(spec), KIND, MODEL)


def _most(spec: MetricSpec, *by: str) -> str:
    return p.greatest(p.here(spec), *by)


STANDING = p.total(p.here(d.STANDING), PRIORITY)
LAST_RUN_AGE = f"time() - {_most(d.LAST_RUN, 'instance')}"
HISTORY = _most(d.HISTORY_SPAN, "instance")
OBSERVED = _most(d.HISTORY_OBSERVED, "instance")
KNOWN_MODELS = _most(d.HISTORY_MODELS, "instance")
# The table of advice; what is open is there, the rest of a row may not be.
CONFIDENCE, LEVEL = _about(d.CONFIDENCE), _about(d.PRIORITY)
FREES, SAVES, STOOD = _about(d.SAVING_SIZE), _about(d.SAVING_TIME), f"time() - {_about(d.SINCE)}"
# When each piece was first given, in the milliseconds of Grafana's time line.
GIVEN = f"1000 * max by ({KIND}, {MODEL}) ({ours(d.SINCE)})"
WITHHELD = p.total(p.here(d.WITHHELD), KIND, REASON)
RESULTS = p.grown(p.here(d.RESULTS), KIND, RESULT, window=p.SHOWN)
FREED, SAVED = (p.grown(p.here(spec), KIND, window=p.SHOWN) for spec in (d.REALISED_SIZE, d.REALISED_TIME))
CLAIMED, RIGHT, BRIER = (_most(spec, KIND) for spec in (d.CLAIMED, d.RIGHT, d.BRIER))
FORECAST = p.greatest(p.of_model(d.FORECAST_REQUESTS, _NEXT_HOUR), MODEL, BAND)
CAME = f"sum by ({MODEL}) ({Selector(r.SLO_CALLS['1h'].name, (p.OF_MODEL,))})"
PROBABILITY = p.greatest(p.of_model(d.FORECAST_PROBABILITY), MODEL, HORIZON)
NEXT_USE = f"{p.greatest(p.of_model(d.FORECAST_NEXT_USE), MODEL)} - time()"
ERROR, NAIVE_ERROR = _most(d.FORECAST_ERROR, HORIZON), _most(d.FORECAST_NAIVE_ERROR, HORIZON)
COVERAGE, FORECAST_BRIER = _most(d.FORECAST_COVERAGE, HORIZON), _most(d.FORECAST_BRIER, HORIZON)
RUNS = p.grown(p.here(d.RUNS), "instance", RESULT)
RUN_DURATION = _most(d.RUN_DURATION, "instance")
QUERY_P95 = p.quantile(0.95, d.QUERY_DURATION, "instance")
CACHE = p.grown(p.here(d.CACHE_REQUESTS), label_name(a.CACHE_RESULT))
DELIVERIES = p.grown(p.here(d.DELIVERIES), "instance", RESULT)
