"""Advice: what stands, what became of it, what is expected, and how well the recommender knows."""

from __future__ import annotations

from genotel.dashboards.dashboard import Dashboard, Look, Panel, Query, Unit, Variable, named
from genotel.promql import advice_panels as q
from genotel.promql.panel_queries import MODELS
from genotel.semconv import attributes as a
from genotel.semconv import dashboard_names as names

_NONE = "no recommender seen: genotel recommend --watch"
_NO_ADVICE = "no advice stands"
_NOT_JUDGED = "no advice was judged yet"
_NO_FORECAST = "no forecast yet"


def _tile(title: str, unit: Unit, query: str, name: str, about: str) -> Panel:
    return Panel(title, Look.TILE, unit, (Query(query, name),), about, _NONE, width=5)


def _kind(title: str, unit: Unit, about: str, *queries: Query, empty: str = _NOT_JUDGED) -> Panel:
    return Panel(title, Look.LINES, unit, queries, about, empty)


DASHBOARD = Dashboard(
    names.ADVICE,
    "genotel / Recommendations",
    "Which models to delete, to keep loaded, to mend: what stands, how sure it is, and how often it was right.",
    (
        (
            "Now",
            (
                _tile("Advice by priority", Unit.COUNT, q.STANDING, named(a.ADVICE_PRIORITY), "Advice that stands."),
                _tile("Age of the last run", Unit.SECONDS, q.LAST_RUN_AGE, named("instance"), "Advice is of then."),
                _tile("Known history", Unit.SECONDS, q.HISTORY, named("instance"), "No claim reaches beyond it."),
                _tile("Observed share", Unit.SHARE, q.OBSERVED, named("instance"), "Hours in which no use was missed."),
                Panel(
                    "Known models",
                    Look.TILE,
                    Unit.COUNT,
                    (Query(q.KNOWN_MODELS, named("instance")),),
                    "Models of the history.",
                    _NONE,
                    width=4,
                ),
                Panel(
                    "Advice that stands",
                    Look.TABLE,
                    Unit.COUNT,
                    (
                        Query(q.CONFIDENCE, "Sure", Unit.SHARE),
                        Query(q.LEVEL, "Priority (3 is high)", Unit.COUNT),
                        Query(q.FREES, "Frees", Unit.BYTES),
                        Query(q.SAVES, "Saves a day", Unit.SECONDS),
                        Query(q.STOOD, "Has stood for", Unit.SECONDS),
                    ),
                    "One line a model and kind; how sure is a calibrated probability. The evidence: genotel recommend.",
                    _NO_ADVICE,
                    width=16,
                    model_link=True,
                ),
                _kind(
                    "Withheld",
                    Unit.COUNT,
                    "Models about which nothing is said, by reason.",
                    Query(q.WITHHELD, named(a.KIND, a.REASON)),
                    empty="nothing is withheld",
                ),
            ),
        ),
        (
            "Was it right?",
            (
                Panel(
                    "What became of it",
                    Look.TABLE,
                    Unit.COUNT,
                    (Query(q.RESULTS, "Advice", Unit.COUNT),),
                    "Advice whose horizon passed, over the time that is shown.",
                    _NOT_JUDGED,
                ),
                _kind(
                    "Claimed and right",
                    Unit.SHARE,
                    "Mean probability of judged advice, and the share that was right: they should be alike.",
                    Query(q.CLAIMED, f"claimed {named(a.KIND)}"),
                    Query(q.RIGHT, f"right {named(a.KIND)}"),
                ),
                _kind(
                    "Brier score",
                    Unit.SHARE,
                    "Squared difference of probability and outcome: 0 is perfect, 0.25 is a coin.",
                    Query(q.BRIER, named(a.KIND)),
                ),
                Panel(
                    "Freed and saved",
                    Look.TABLE,
                    Unit.COUNT,
                    (Query(q.FREED, "Freed", Unit.BYTES), Query(q.SAVED, "Loading saved", Unit.SECONDS)),
                    "What advice that was right was worth, over the time that is shown.",
                    _NOT_JUDGED,
                ),
            ),
        ),
        (
            "Forecast",
            (
                Panel(
                    "Calls an hour: forecast and real",
                    Look.LINES,
                    Unit.COUNT,
                    (
                        Query(q.FORECAST, f"{named(a.MODEL)} {named(a.BAND)}"),
                        Query(q.CAME, f"{named(a.MODEL)} came"),
                    ),
                    "What is expected of the next hour, with a band for 4 in 5 outcomes; and what the last hour had.",
                    _NO_FORECAST,
                    width=16,
                ),
                Panel(
                    "Next use",
                    Look.TABLE,
                    Unit.COUNT,
                    (
                        Query(q.NEXT_USE, "As likely as not within", Unit.SECONDS),
                        Query(q.PROBABILITY, "Probability of use", Unit.SHARE),
                    ),
                    "When each model is expected, and how likely a use within the horizon is.",
                    _NO_FORECAST,
                ),
                _kind(
                    "Error of the forecast",
                    Unit.COUNT,
                    "Mean difference in calls, and that of taking the day before: above it the forecast is no help.",
                    Query(q.ERROR, f"forecast {named(a.HORIZON)}"),
                    Query(q.NAIVE_ERROR, f"the day before {named(a.HORIZON)}"),
                    empty=_NO_FORECAST,
                ),
                _kind(
                    "Held by the band",
                    Unit.SHARE,
                    "Share of forecasts whose band held what came: 0.8 or more is meant.",
                    Query(q.COVERAGE, named(a.HORIZON)),
                    empty=_NO_FORECAST,
                ),
                _kind(
                    "Brier score of use",
                    Unit.SHARE,
                    "Squared difference of the probability of use and what came.",
                    Query(q.FORECAST_BRIER, named(a.HORIZON)),
                    empty=_NO_FORECAST,
                ),
            ),
        ),
        (
            "The recommender",
            (
                _kind(
                    "Runs",
                    Unit.COUNT,
                    "By whether the history could be read.",
                    Query(q.RUNS, named("instance", a.RESULT)),
                    empty=_NONE,
                ),
                _kind(
                    "Time of a run",
                    Unit.SECONDS,
                    "Reading included; and the slowest questions to the server.",
                    Query(q.RUN_DURATION, f"run {named('instance')}"),
                    Query(q.QUERY_P95, f"question p95 {named('instance')}"),
                    empty=_NONE,
                ),
                _kind(
                    "Histories kept",
                    Unit.COUNT,
                    "Asked for, by whether one was kept that was young enough.",
                    Query(q.CACHE, named(a.CACHE_RESULT)),
                    empty=_NONE,
                ),
                _kind(
                    "Messages",
                    Unit.COUNT,
                    "To the webhook: delivered, or given up after several attempts.",
                    Query(q.DELIVERIES, named("instance", a.RESULT)),
                    empty="no webhook",
                ),
            ),
        ),
    ),
    (Variable("model", "Model", MODELS),),
)
