"""Alerts on the recommender: advice that waits for somebody, and whether it still knows what it says."""

from __future__ import annotations

from genotel.promql import advice_alert_queries as q
from genotel.rules.rule import Alert, Group, Severity
from genotel.semconv import dashboard_names as d

_STANDS = (d.ADVICE, "Advice that stands")
_ACT = (
    "`genotel recommend`: the evidence, and what would change the advice.",
    "follow it, or leave it: it goes when the reason goes.",
    "wrong? `genotel backtest` says how often it would have been on this history.",
)
_RUNS = (
    "does `genotel recommend --watch` run? Its log says what it could not read.",
    "`genotel doctor`: is Prometheus reached, and how far back does it know?",
    "is the recommender's page among the targets of Prometheus?",
)
GROUP = Group(
    "recommender",
    "recommender",
    "Advice that nobody followed yet, and the health of the program that gives it.",
    (
        Alert(
            "GenotelRecommendationUrgent",
            q.URGENT,
            Severity.WARNING,
            "Advice of high priority stands.",
            "Advice (<kind>) on <model> is <percent> sure and of high priority.",
            _ACT,
            "What it names goes on costing.",
            _STANDS,
            hold="30m",
            variables=("instance", "model"),
        ),
        Alert(
            "GenotelRecommendationPending",
            q.PENDING,
            Severity.INFO,
            "Advice has stood for a day.",
            "Advice (<kind>) on <model> is <percent> sure and was not followed in a day.",
            _ACT,
            "What it names goes on costing.",
            _STANDS,
            variables=("instance", "model"),
        ),
        Alert(
            "GenotelRecommenderStale",
            q.STALE,
            Severity.INFO,
            "The recommender has not read the history for long.",
            "The recommender <instance> last read the history <duration> ago.",
            _RUNS,
            "Its advice is old, and so is its forecast.",
            (d.ADVICE, "Age of the last run"),
            hold="5m",
        ),
        Alert(
            "GenotelHistoryShort",
            q.HISTORY_SHORT,
            Severity.INFO,
            "The recommender knows only a few days.",
            "The recommender <instance> knows <duration> of history.",
            (
                "just set up? Wait.",
                "the retention of Prometheus: `--storage.tsdb.retention.time=30d` or longer.",
                "`genotel backfill` puts an older journal into Prometheus.",
            ),
            "Most advice is withheld until more is known.",
            (d.ADVICE, "Known history"),
            hold="1h",
        ),
        Alert(
            "GenotelForecastDegraded",
            q.FORECAST_DEGRADED,
            Severity.INFO,
            "The forecast is worse than yesterday's calls would have been.",
            "The forecast of <horizon> by <instance> misses by <number> calls, more than the day before does.",
            (
                "open the forecast against what came: one model, or all?",
                "new habits need about two weeks; is this a holiday?",
                "`genotel backtest` on the history at hand.",
            ),
            "Models may be kept loaded in vain, or loaded too late.",
            (d.ADVICE, "Error of the forecast"),
            hold="1h",
        ),
        Alert(
            "GenotelAdviceUndelivered",
            q.DELIVERIES_LOST,
            Severity.WARNING,
            "Advice could not be delivered to the webhook.",
            "<number> messages of <instance> were given up in 15 minutes.",
            (
                "the recommender's log: which answer did the webhook give?",
                "`curl -sS -X POST WEBHOOK -d '{}'` from that machine.",
                "a changed address or token? Restart the recommender with the new one.",
            ),
            "Programs that wait for advice do not get it.",
            (d.ADVICE, "Messages"),
        ),
    ),
)
