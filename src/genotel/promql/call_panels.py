"""What the dashboards ask about calls, models, objectives and experiments."""

from __future__ import annotations

from genotel.promql import panel_queries as p
from genotel.promql.expression import Selector
from genotel.promql.recorded_queries import MODEL
from genotel.promql.selecting import label
from genotel.semconv import attributes as a
from genotel.semconv import generation_metrics as g
from genotel.semconv import model_metrics as m
from genotel.semconv import recorded_series as r
from genotel.semconv.self_metrics import BUILD_INFO
from genotel.semconv.spec import label_name

OUTCOME, PHASE = label_name(a.OUTCOME), label_name(a.PHASE)
VARIANT, SCORE = label_name(a.VARIANT), label_name(a.SCORE_NAME)
_MODEL = (p.OF_MODEL,)

# --- all models ----------------------------------------------------------------------------------
CALL_RATE = p.rate(p.here(g.REQUESTS))
SUCCESS_SHARE = f"1 - ({p.failure_share()})"
# Recorded: the buckets of fifty models over a day are millions of samples, which a first page need not read.
_RECORDED_P95 = Selector(r.DURATION_P95.name, (p.JOB,))
SLOWEST_P95 = f"max({_RECORDED_P95})"
RUNNING = p.total(p.here(g.ACTIVE))
PROGRAMS = f"count({p.here(BUILD_INFO)})"
UNREACHABLE = p.counted(f"{Selector('up', (p.JOB,))} == 0")
FIRING = p.counted(p.FIRED)
CALLS_BY_MODEL = p.rate(p.here(g.REQUESTS), MODEL)
FAILURES_BY_MODEL = p.failure_share(MODEL)
OUTPUTS_BY_MODEL = p.rate(p.here(g.OUTPUTS), MODEL)
P95_BY_MODEL = p.greatest(_RECORDED_P95, MODEL)
MEAN_BY_MODEL = p.mean(g.DURATION, MODEL)
# The table of models: over what is shown.
TABLE_CALLS = p.grown(p.here(g.REQUESTS), MODEL, window=p.SHOWN)
TABLE_FAILURES = p.failure_share(MODEL, window=p.SHOWN)
TABLE_MEAN = p.mean(g.DURATION, MODEL, window=p.SHOWN)
TABLE_P95 = f"max by ({MODEL}) (max_over_time({_RECORDED_P95}[{p.SHOWN}]))"
TABLE_OUTPUTS = p.grown(p.here(g.OUTPUTS), MODEL, window=p.SHOWN)
TABLE_LOADS = p.grown(p.here(m.EVENTS, label(a.EVENT, "=", a.EVENT_LOAD)), MODEL, window=p.SHOWN)
TABLE_UNUSED = f"time() - {p.greatest(p.here(m.LAST_USED), MODEL)}"

# --- one model -----------------------------------------------------------------------------------
BY_OUTCOME = p.rate(p.of_model(g.REQUESTS), OUTCOME)
FAILURE_SHARE = p.failure_share(MODEL, matchers=_MODEL)
DURATIONS = p.grown(p.of_model(g.DURATION, suffix="_bucket"), "le")
DURATION_QUANTILES = {ratio: p.quantile(ratio, g.DURATION, matchers=_MODEL) for ratio in (0.5, 0.95, 0.99)}
DURATION_MEAN = p.mean(g.DURATION, matchers=_MODEL)
# Seconds of each phase in a mean call; phases that did not happen are absent.
PHASES = (
    f"{p.rate(p.of_model(g.PHASE_DURATION, suffix='_sum'), PHASE)}"
    f" / on () group_left () ({p.rate(p.of_model(g.REQUESTS))} > 0)"
)
QUEUE_P95 = p.quantile(0.95, g.QUEUE_DURATION, MODEL, matchers=_MODEL)
FIRST_CHUNK_P95 = p.quantile(0.95, g.TIME_TO_FIRST_CHUNK, MODEL, matchers=_MODEL)
STEP_MEAN = p.mean(g.STEP_DURATION, MODEL, matchers=_MODEL)
STEP_RATE = p.rate(p.of_model(g.STEPS), MODEL)
# Work of unlike size made alike: a slower GPU shows here, a larger picture does not.
SECONDS_PER_MEGAPIXEL = (
    f"1e6 * {p.rate(p.of_model(g.DURATION, suffix='_sum'), MODEL)} / ({p.rate(p.of_model(g.OUTPUT_PIXELS), MODEL)} > 0)"
)
OUTPUTS = p.rate(p.of_model(g.OUTPUTS), MODEL, label_name(a.OUTPUT_TYPE))
TOKENS = p.rate(p.of_model(g.TOKEN_USAGE, suffix="_sum"), MODEL, label_name(a.TOKEN_TYPE))
PARAMETERS = p.grown(p.of_model(g.PARAMETERS), label_name(a.PARAMETER), label_name(a.PARAMETER_VALUE), window=p.SHOWN)
LOADS = p.grown(
    p.of_model(m.EVENTS, label(a.EVENT, "=~", f"{a.EVENT_LOAD}|{a.EVENT_UNLOAD}")), MODEL, label_name(a.EVENT)
)
LOAD_P95 = p.quantile(0.95, m.LOAD_DURATION, MODEL, matchers=_MODEL, window=p.SHOWN)
RESIDENT = p.total(p.of_model(m.RESIDENT), MODEL, "instance")

# --- objectives ----------------------------------------------------------------------------------
_OF_JOB = (p.JOB, p.OF_MODEL)
_BUDGET = f"(1 - {Selector(r.MODEL_OBJECTIVE.name, _OF_JOB)})"
OBJECTIVE = r.OBJECTIVE.name
MODEL_OBJECTIVE = str(Selector(r.MODEL_OBJECTIVE.name, _OF_JOB))
ATTAINED = f"1 - {Selector(r.SLO_ERRORS['30d'].name, _OF_JOB)}"
BUDGET_LEFT = f"1 - {Selector(r.SLO_ERRORS['30d'].name, _OF_JOB)} / {_BUDGET}"
BURN = {window: f"{Selector(r.SLO_ERRORS[window].name, _OF_JOB)} / {_BUDGET}" for window in ("1h", "6h", "1d", "3d")}
_SLOW_BUDGET = f"on ({MODEL}) group_left () (1 - {Selector(r.DURATION_OBJECTIVE.name, _MODEL)})"
SLOW_BURN = {
    window: f"{Selector(r.SLO_SLOW[window].name, _OF_JOB)} / {_SLOW_BUDGET}" for window in ("1h", "6h", "1d", "3d")
}
FAST_ENOUGH = f"1 - {Selector(r.SLO_SLOW['30d'].name, _OF_JOB)}"
JUDGED_CALLS = str(Selector(r.SLO_CALLS["30d"].name, _OF_JOB))

# --- experiments ---------------------------------------------------------------------------------
# "All" is every experiment, not every call.
_CHOSEN = (label(a.EXPERIMENT, "!=", ""), label(a.EXPERIMENT, "=~", "$experiment"), p.OF_MODEL)
VARIANT_CALLS = p.grown(p.here(g.REQUESTS, *_CHOSEN), VARIANT, window=p.SHOWN)
VARIANT_FAILURES = p.failure_share(VARIANT, matchers=_CHOSEN, window=p.SHOWN)
VARIANT_P50 = p.quantile(0.5, g.DURATION, VARIANT, matchers=_CHOSEN, window=p.SHOWN)
VARIANT_P95 = p.quantile(0.95, g.DURATION, VARIANT, matchers=_CHOSEN, window=p.SHOWN)
VARIANT_SCORE = p.mean(g.SCORE, VARIANT, SCORE, matchers=_CHOSEN, window=p.SHOWN)
VARIANT_DURATION = p.mean(g.DURATION, VARIANT, matchers=_CHOSEN)
VARIANT_RATE = p.rate(p.here(g.REQUESTS, *_CHOSEN), VARIANT)
