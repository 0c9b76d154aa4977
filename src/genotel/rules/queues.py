"""Alerts on queues that fill or age, and on batches that fail."""

from __future__ import annotations

from genotel.promql import batch_queries as q
from genotel.rules.rule import Alert, Group, Severity
from genotel.semconv import dashboard_names as d

_STEPS = (
    "do the workers work? Look at batches, calls and GPUs at that time.",
    "is more asked than usual? Look at the arrivals.",
    "more workers, larger batches, or a lower limit so that callers hear it sooner.",
)


def _queue(
    name: str, query: str, severity: Severity, summary: str, description: str, impact: str, hold: str, panel: str
) -> Alert:
    return Alert(name, query, severity, summary, description, _STEPS, impact, (d.BATCHES, panel), hold=hold)


GROUP = Group(
    "queues",
    "inference",
    "Queues before the models, and the batches that empty them.",
    (
        _queue(
            "GenotelQueueOld",
            q.QUEUE_OLD,
            Severity.CRITICAL,
            "Somebody has waited in a queue for long.",
            "The oldest item of <queue> on <instance> has waited <duration>.",
            "Users wait, and may have gone.",
            "5m",
            "Oldest item",
        ),
        _queue(
            "GenotelQueueFull",
            q.QUEUE_FULL,
            Severity.WARNING,
            "A queue is nearly full.",
            "<queue> on <instance> is <percent> full.",
            "New work will be refused.",
            "5m",
            "Queue length",
        ),
        _queue(
            "GenotelQueueGrowing",
            q.QUEUE_GROWS,
            Severity.WARNING,
            "A queue will be full within half an hour.",
            "<queue> on <instance> grows by <number> items each second.",
            "New work will be refused before long.",
            "10m",
            "Queue length",
        ),
        _queue(
            "GenotelQueueRefusing",
            q.QUEUE_REFUSES,
            Severity.WARNING,
            "A queue refuses work.",
            "<queue> on <instance> refused <number> items in 10 minutes.",
            "Those callers got an error.",
            "0m",
            "Refused",
        ),
        Alert(
            "GenotelBatchesFail",
            q.BATCHES_FAIL,
            Severity.WARNING,
            "Batches of a loop fail.",
            "<percent> of the batches of <batch> on <instance> failed in an hour.",
            (
                "the program's log: the first exception of the last hour.",
                "is it always the same input? Try that one alone.",
                "out of memory? Smaller batches.",
            ),
            "The results of these batches are missing.",
            (d.BATCHES, "Batches"),
            keep="10m",
        ),
    ),
)
