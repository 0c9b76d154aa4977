"""The metrics of advice: METRICS.md, "Advice". The watching recommender emits them on a page of its own.

All of them are absent while there is nothing to say: before the first run, and once what was said is too old.
"""

from __future__ import annotations

from genotel.semconv import attributes as a
from genotel.semconv import buckets
from genotel.semconv.spec import Kind, Merge, MetricSpec

OPEN = MetricSpec(
    "genotel.advice.open",
    Kind.GAUGE,
    "{advice}",
    "1 while a piece of advice about a model stands; of several of one kind the most urgent is shown.",
    labels=(a.KIND, a.MODEL),
    merge=Merge.MAX,
)
PRIORITY = MetricSpec(
    "genotel.advice.priority",
    Kind.GAUGE,
    "{level}",
    "Priority of advice: 1 low, 2 medium, 3 high.",
    labels=(a.KIND, a.MODEL),
    merge=Merge.MAX,
)
CONFIDENCE = MetricSpec(
    "genotel.advice.confidence",
    Kind.GAUGE,
    "1",
    "Probability that the advice is right, recalibrated on the history that it was made from.",
    labels=(a.KIND, a.MODEL),
    merge=Merge.MAX,
)
SAVING_SIZE = MetricSpec(
    "genotel.advice.saving.size",
    Kind.GAUGE,
    "By",
    "What following the advice frees on disk.",
    labels=(a.KIND, a.MODEL),
    merge=Merge.MAX,
)
SAVING_TIME = MetricSpec(
    "genotel.advice.saving.time_per_day",
    Kind.GAUGE,
    "s",
    "Seconds of waiting a day that following the advice is expected to save.",
    labels=(a.KIND, a.MODEL),
    merge=Merge.MAX,
)
SINCE = MetricSpec(
    "genotel.advice.since.timestamp",
    Kind.GAUGE,
    "s",
    "Unix time since which the advice stands.",
    labels=(a.KIND, a.MODEL),
    merge=Merge.MAX,
)
STANDING = MetricSpec(
    "genotel.advice.standing",
    Kind.GAUGE,
    "{advice}",
    "Pieces of advice that stand, those without a series of their own too, by priority.",
    labels=(a.KIND, a.ADVICE_PRIORITY),
    closed=((a.ADVICE_PRIORITY, a.ADVICE_PRIORITIES),),
    merge=Merge.MAX,
)
WITHHELD = MetricSpec(
    "genotel.advice.withheld",
    Kind.GAUGE,
    "{model}",
    "Models about which a kind has no advice, by reason.",
    labels=(a.KIND, a.REASON),
    merge=Merge.MAX,
)
RESULTS = MetricSpec(
    "genotel.advice.results",
    Kind.COUNTER,
    "{advice}",
    "What became of past advice once its horizon had passed; expired is what could not be judged.",
    labels=(a.KIND, a.RESULT),
    closed=((a.RESULT, a.ADVICE_RESULTS),),
)
REALISED_SIZE = MetricSpec(
    "genotel.advice.realised.size",
    Kind.COUNTER,
    "By",
    "Bytes that past advice would have freed without being missed within its horizon.",
    labels=(a.KIND,),
)
REALISED_TIME = MetricSpec(
    "genotel.advice.realised.time",
    Kind.COUNTER,
    "s",
    "Seconds of loading that past advice would have saved, by the uses that came within its horizon.",
    labels=(a.KIND,),
)
BRIER = MetricSpec(
    "genotel.recommender.brier",
    Kind.GAUGE,
    "1",
    "Mean squared difference of the probability and what came, of the past advice that is remembered.",
    labels=(a.KIND,),
    merge=Merge.MAX,
)
CLAIMED = MetricSpec(
    "genotel.recommender.claimed",
    Kind.GAUGE,
    "1",
    "Mean probability of the judged advice that is remembered: what the share of right advice should be.",
    labels=(a.KIND,),
    merge=Merge.MAX,
)
RIGHT = MetricSpec(
    "genotel.recommender.right",
    Kind.GAUGE,
    "1",
    "Share of the judged advice that is remembered that was right.",
    labels=(a.KIND,),
    merge=Merge.MAX,
)
FORECAST_REQUESTS = MetricSpec(
    "genotel.forecast.requests",
    Kind.GAUGE,
    "{request}",
    "Calls expected within the horizon: the level, and the band that four in five outcomes fall into.",
    labels=(a.MODEL, a.HORIZON, a.BAND),
    closed=((a.HORIZON, a.HORIZONS), (a.BAND, a.BANDS)),
    merge=Merge.MAX,
)
FORECAST_PROBABILITY = MetricSpec(
    "genotel.forecast.probability",
    Kind.GAUGE,
    "1",
    "Probability that a model is used within the horizon.",
    labels=(a.MODEL, a.HORIZON),
    closed=((a.HORIZON, a.HORIZONS),),
    merge=Merge.MAX,
)
FORECAST_NEXT_USE = MetricSpec(
    "genotel.forecast.next_use.timestamp",
    Kind.GAUGE,
    "s",
    "Unix time by which the next use of a model is as likely as not.",
    labels=(a.MODEL,),
    merge=Merge.MAX,
)
FORECAST_TARGET = MetricSpec(
    "genotel.forecast.target.timestamp",
    Kind.GAUGE,
    "s",
    "Unix time up to which the forecast reaches.",
    labels=(a.HORIZON,),
    closed=((a.HORIZON, a.HORIZONS),),
    merge=Merge.MAX,
)
FORECAST_ERROR = MetricSpec(
    "genotel.forecast.error",
    Kind.GAUGE,
    "{request}",
    "Mean absolute difference of the level and the calls that came, of the past forecasts that are remembered.",
    labels=(a.HORIZON,),
    closed=((a.HORIZON, a.HORIZONS),),
    merge=Merge.MAX,
)
FORECAST_NAIVE_ERROR = MetricSpec(
    "genotel.forecast.naive_error",
    Kind.GAUGE,
    "{request}",
    "The same difference had the calls of the same time a day before been the forecast.",
    labels=(a.HORIZON,),
    closed=((a.HORIZON, a.HORIZONS),),
    merge=Merge.MAX,
)
FORECAST_BRIER = MetricSpec(
    "genotel.forecast.brier",
    Kind.GAUGE,
    "1",
    "Mean squared difference of the probability of use and what came, of the past forecasts that are remembered.",
    labels=(a.HORIZON,),
    closed=((a.HORIZON, a.HORIZONS),),
    merge=Merge.MAX,
)
FORECAST_COVERAGE = MetricSpec(
    "genotel.forecast.coverage",
    Kind.GAUGE,
    "1",
    "Share of the past forecasts that are remembered whose band held the calls that came; 0.8 or more is meant.",
    labels=(a.HORIZON,),
    closed=((a.HORIZON, a.HORIZONS),),
    merge=Merge.MAX,
)
RUNS = MetricSpec(
    "genotel.recommender.runs",
    Kind.COUNTER,
    "{run}",
    "Runs of the recommender, by whether the history could be read.",
    labels=(a.RESULT,),
    closed=((a.RESULT, a.RUN_RESULTS),),
)
LAST_RUN = MetricSpec(
    "genotel.recommender.last_run.timestamp",
    Kind.GAUGE,
    "s",
    "Unix time of the last run that could read the history: all advice on the page is of then.",
    merge=Merge.MAX,
)
RUN_DURATION = MetricSpec(
    "genotel.recommender.run.duration",
    Kind.GAUGE,
    "s",
    "Time that the last successful run took, reading included.",
    merge=Merge.MAX,
)
HISTORY_SPAN = MetricSpec(
    "genotel.recommender.history.span",
    Kind.GAUGE,
    "s",
    "Length of the history that the advice was made from.",
    merge=Merge.MAX,
)
HISTORY_OBSERVED = MetricSpec(
    "genotel.recommender.history.observed",
    Kind.GAUGE,
    "1",
    "Share of the history's hours in which every use would have been seen.",
    merge=Merge.MAX,
)
HISTORY_MODELS = MetricSpec(
    "genotel.recommender.history.models",
    Kind.GAUGE,
    "{model}",
    "Models that the history knows, those without a series of their own too.",
    merge=Merge.MAX,
)
QUERY_DURATION = MetricSpec(
    "genotel.recommender.query.duration",
    Kind.HISTOGRAM,
    "s",
    "Time that one question to the server of the history took, attempts after failures included.",
    labels=(a.RESULT,),
    closed=((a.RESULT, a.RUN_RESULTS),),
    buckets=buckets.DURATION_SECONDS,
)
CACHE_REQUESTS = MetricSpec(
    "genotel.recommender.cache.requests",
    Kind.COUNTER,
    "{request}",
    "Times that a history was asked for, by whether one was kept that was young enough.",
    labels=(a.CACHE_RESULT,),
    closed=((a.CACHE_RESULT, a.CACHE_RESULTS),),
)
DELIVERIES = MetricSpec(
    "genotel.recommender.deliveries",
    Kind.COUNTER,
    "{delivery}",
    "Messages to the webhook: delivered, or given up after several attempts; the next run tries anew.",
    labels=(a.RESULT,),
    closed=((a.RESULT, a.DELIVERY_RESULTS),),
)

ADVICE_METRICS = (
    OPEN,
    PRIORITY,
    CONFIDENCE,
    SAVING_SIZE,
    SAVING_TIME,
    SINCE,
    STANDING,
    WITHHELD,
    RESULTS,
    REALISED_SIZE,
    REALISED_TIME,
    BRIER,
    CLAIMED,
    RIGHT,
    FORECAST_REQUESTS,
    FORECAST_PROBABILITY,
    FORECAST_NEXT_USE,
    FORECAST_TARGET,
    FORECAST_ERROR,
    FORECAST_NAIVE_ERROR,
    FORECAST_BRIER,
    FORECAST_COVERAGE,
    RUNS,
    LAST_RUN,
    RUN_DURATION,
    HISTORY_SPAN,
    HISTORY_OBSERVED,
    HISTORY_MODELS,
    QUERY_DURATION,
    CACHE_REQUESTS,
    DELIVERIES,
)
