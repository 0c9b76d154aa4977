"""The rules of one site: the shipped groups with the thresholds and promises of its ``genotel.toml``."""

from __future__ import annotations

from dataclasses import replace

from genotel.rules.durations import durations
from genotel.rules.registry import GROUPS
from genotel.rules.rule import Group
from genotel.rules.thresholds import thresholds
from genotel.rules.usual import GROUP as USUAL
from genotel.rules.writing import RUNBOOKS, rules_file, runbook
from genotel.semconv import recorded_series as r
from genotel.settings import Settings


def groups_for(settings: Settings) -> tuple[Group, ...]:
    """Return every group of rules as the settings want it; one that is switched off has no rules.

    Example:
        >>> groups_for(Settings()) == GROUPS
        True
    """
    alerts, slo = settings.alerts, settings.slo
    values = {
        r.CPU.name: alerts.cpu,
        r.MEMORY.name: alerts.memory,
        r.DISK.name: alerts.disk,
        r.RESPONSE.name: alerts.response_seconds,
        r.OBJECTIVE.name: slo.objective,
        r.SLO_MINIMUM.name: slo.minimum_failures,
    }
    own = {objective.model: objective.success for objective in slo.objectives if objective.success is not None}
    changed = {"thresholds": thresholds(values, own), "durations": durations(slo.objectives)}
    if not alerts.anomaly_detection:
        changed[USUAL.name] = replace(USUAL, rules=())
    return tuple(changed.get(group.name, group) for group in GROUPS)


def rule_files(settings: Settings, *, grafana: str = "", runbooks: str = RUNBOOKS) -> dict[str, str]:
    """Return the text of each rule file and runbook by its path below the folder of rules.

    Every file is there, whatever is switched off: an older one in its place is replaced.

    Args:
        settings: of the site.
        grafana: address before the paths of dashboards; without one the links are paths.
        runbooks: address or folder of the runbooks, for the links to them.
    """
    files: dict[str, str] = {}
    for group in groups_for(settings):
        files[f"{group.name}.yaml"] = rules_file(group, grafana=grafana, runbooks=runbooks)
        if group.alerts():
            files[f"{RUNBOOKS}/{group.name}.md"] = runbook(group)
    return files
