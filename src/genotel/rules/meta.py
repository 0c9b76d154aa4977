"""Alerts on the alerting: a heartbeat, and the constants that every other alert needs."""

from __future__ import annotations

from genotel.promql import alert_queries as q
from genotel.rules.rule import Alert, Group, Severity
from genotel.semconv import dashboard_names as d

GROUP = Group(
    "meta",
    "meta",
    "Whether alerts would reach anybody.",
    (
        Alert(
            "GenotelWatchdog",
            q.WATCHDOG,
            Severity.NONE,
            "The heartbeat of the alerting.",
            "It always fires; whoever waits for it calls when it stops.",
            (
                "when it stopped: does Prometheus run, and does it reach Alertmanager?",
                "`amtool check-config alertmanager.yaml`.",
                "the status page of Prometheus: are the rules loaded?",
            ),
            "None while it fires.",
            (d.OVERVIEW, "Alerts that fire"),
            variables=(),
        ),
        Alert(
            "GenotelThresholdsMissing",
            q.THRESHOLDS_MISSING,
            Severity.CRITICAL,
            "Alerts have nothing to compare with.",
            "At least one constant of thresholds.yaml is not recorded: alerts that need it cannot fire.",
            (
                "is thresholds.yaml among rule_files of prometheus.yml?",
                "`promtool check rules thresholds.yaml`.",
                "`curl -X POST http://PROMETHEUS/-/reload`, then the page of rules.",
            ),
            "Alerts are silent.",
            (d.OVERVIEW, "Alerts that fire"),
            hold="5m",
            variables=(),
        ),
    ),
)
