"""Cases of the alerts on the recommender."""

from __future__ import annotations

from collections.abc import Iterator

from genotel.semconv import advice_metrics as advice
from genotel.semconv import attributes as a
from genotel.semconv.spec import label_name
from tools.alert_cases.calls import MODEL
from tools.alert_cases.case import WHERE, Case, counted, series, simple


def cases() -> Iterator[Case]:
    """Yield a case for each alert of the group."""
    about = {"KIND": "cleanup", "MODEL": "sdxl"}
    sure, since, priority = (series(spec, **about) for spec in (advice.CONFIDENCE, advice.SINCE, advice.PRIORITY))
    of_advice = WHERE | {label_name(a.KIND): "cleanup", MODEL: "sdxl"}
    yield Case(
        "GenotelRecommendationPending",
        of_advice,
        {sure: "0.9x7", since: "-86000x7"},
        7,
        {sure: "0.9x7", since: "-85900x7"},
        {sure: "0.9x7 stale", since: "-86000x7 stale"},
        9,
        15,
    )
    yield Case(
        "GenotelRecommendationUrgent",
        of_advice,
        {sure: "0.9x35", priority: "3x35"},
        35,
        {sure: "0.9x35", priority: "2x35"},
        {sure: "0.9x45", priority: "3x35 1x10"},
        40,
        45,
        step=5,
    )
    yield simple("GenotelRecommenderStale", series(advice.LAST_RUN), "-7000x{n}", "-6500x10", "700x10", 10, 13, 20)
    span = series(advice.HISTORY_SPAN)
    yield Case(
        "GenotelHistoryShort",
        WHERE,
        {span: "259199x65"},
        65,
        {span: "259201x65"},
        {span: "259199x65 259201x10"},
        70,
        75,
        step=5,
    )
    error, naive = series(advice.FORECAST_ERROR, HORIZON="1h"), series(advice.FORECAST_NAIVE_ERROR, HORIZON="1h")
    yield Case(
        "GenotelForecastDegraded",
        WHERE | {label_name(a.HORIZON): "1h"},
        {error: "10x65", naive: "9x65"},
        65,
        {error: "9x65", naive: "9x65"},
        {error: "10x65 8x10", naive: "9x75"},
        70,
        75,
        step=5,
    )
    yield counted("GenotelAdviceUndelivered", series(advice.DELIVERIES, RESULT="failed"), 5, 25, 30)
