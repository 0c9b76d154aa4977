"""Alerts on models that do not answer, answer badly, or are asked no more."""

from __future__ import annotations

from genotel.promql import alert_queries as q
from genotel.promql import slo_queries as slo
from genotel.rules.rule import Alert, Group, Severity
from genotel.semconv import dashboard_names as d

GROUP = Group(
    "availability",
    "inference",
    "Whether programs and models answer.",
    (
        Alert(
            "GenotelTargetDown",
            q.TARGET_DOWN,
            Severity.CRITICAL,
            "A program cannot be scraped.",
            "Prometheus gets no page from <instance>: the program ended, hangs, or is not reached.",
            (
                "`systemctl status` (or `docker ps`, `kubectl get pods`) on the machine: does the program run?",
                "`curl -sS http://INSTANCE/-/healthy` from the machine of Prometheus.",
                "`journalctl -k --since -15min | grep -i -E 'oom|nvrm'`: was it killed?",
            ),
            "Its models answer nobody, or nobody knows whether they do.",
            (d.OVERVIEW, "Unreachable"),
            hold="2m",
        ),
        Alert(
            "GenotelNoSuccess",
            slo.NO_SUCCESS,
            Severity.CRITICAL,
            "No call of a model succeeds.",
            "<number> calls of <model> failed and none succeeded: in 15 minutes, or in up to a day of few calls.",
            (
                "open the model's dashboard and read the failures by outcome: out_of_memory or error?",
                "the program's log: the first exception of the last 15 minutes.",
                "make one call by hand; restart the program when it fails although nothing else changed.",
            ),
            "Everybody who asks this model gets an error.",
            (d.MODEL, "Calls by outcome"),
            variables=("model",),
        ),
        Alert(
            "GenotelLowVolumeErrors",
            slo.LOW_VOLUME_ERRORS,
            Severity.WARNING,
            "A model that is seldom used fails often.",
            "<percent> of the calls of <model> failed in 6 hours to 3 days; burn rates do not see so few calls.",
            (
                "open the model's dashboard over 24 hours: one cause or many?",
                "the program's log around the failures.",
                "compare parameters of failed and good calls (resolution, steps).",
            ),
            "Some of the few users of this model get errors.",
            (d.MODEL, "Failure share"),
            keep="10m",
            variables=("model",),
        ),
        Alert(
            "GenotelTrafficStopped",
            q.TRAFFIC_STOPPED,
            Severity.WARNING,
            "A model that is usually called now is not.",
            "Nobody called <model> in 15 minutes; at this hour yesterday there were <number> calls each second.",
            (
                "do requests reach the program at all? Look at the proxy or queue before it.",
                "was a release, a rename of the model or a holiday the reason?",
                "make one call by hand.",
            ),
            "Users may be unable to reach the model, without any error here.",
            (d.MODEL, "Calls by outcome"),
            hold="15m",
            variables=("model",),
        ),
        Alert(
            "GenotelResponseSlow",
            q.SLOW_RESPONSES,
            Severity.WARNING,
            "Calls of a model take longer than they should.",
            "5 % of the calls of <model> take longer than <duration>.",
            (
                "open the phases on the model's dashboard: queue, load or denoise?",
                "more steps or larger pictures than before? Then set the threshold for what is asked.",
                "a GPU that slows down or is shared: look at the machine's dashboard.",
            ),
            "Users wait longer than was promised.",
            (d.MODEL, "Duration"),
            hold="10m",
            keep="5m",
            variables=("model",),
        ),
    ),
)
