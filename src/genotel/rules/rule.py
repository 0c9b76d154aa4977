"""What a rule is: a recording, or an alert with everything that the person it wakes needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from genotel.semconv import attributes as a
from genotel.semconv.dashboard_names import panel_number
from genotel.semconv.spec import label_name


class Severity(StrEnum):
    """Say whom an alert reaches."""

    CRITICAL = "critical"  # wakes somebody
    WARNING = "warning"  # working hours
    INFO = "info"  # chat, or a page of Grafana
    NONE = "none"  # a machine that waits for it


# What texts may say in angle brackets, and what Prometheus' templates call it.
_LABELS = {
    "instance": "instance",
    "model": label_name(a.MODEL),
    "mount": label_name(a.MOUNTPOINT),
    "collector": label_name(a.COLLECTOR),
    "metric": label_name(a.METRIC),
    "place": label_name(a.PLACE),
    "interface": label_name(a.NETWORK_INTERFACE),
    "queue": label_name(a.QUEUE_NAME),
    "batch": label_name(a.BATCH_NAME),
    "gpu": label_name(a.HARDWARE_ID),
    "error": label_name(a.ERROR_TYPE),
    "reason": label_name(a.REASON),
    "kind": label_name(a.KIND),
    "horizon": label_name(a.HORIZON),
}
_VALUES = {
    "number": "humanize",
    "percent": "humanizePercentage",
    "bytes": "humanize1024",
    "duration": "humanizeDuration",
}
_PLACEHOLDER = re.compile(r"<([a-z]+)>")


def template(text: str) -> str:
    """Return a text with ``<model>`` and the like as Prometheus' templates write them.

    Raises:
        KeyError: the text has a placeholder that there is not.

    Example:
        >>> template("<percent> of <instance>")
        '{{ $value | humanizePercentage }} of {{ $labels.instance }}'
    """

    def written(match: re.Match[str]) -> str:
        word = match[1]
        return f"{{{{ $value | {_VALUES[word]} }}}}" if word in _VALUES else f"{{{{ $labels.{_LABELS[word]} }}}}"

    return _PLACEHOLDER.sub(written, text)


@dataclass(frozen=True, slots=True)
class Recording:
    """Give a query's result a name of its own, and labels that it has not."""

    name: str
    query: str
    help: str = ""
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """Describe a condition that somebody should know of.

    Attributes:
        name: ``Genotel<Thing><State>``.
        query: has a series while the condition holds.
        severity: whom it reaches.
        summary: without a number, so that it groups.
        description: with the value, and what it means.
        first: what to do first, as commands or steps.
        impact: what users of the models notice.
        panel: uid of a dashboard and title of a panel on it.
        hold: how long the condition must last, in Prometheus' spelling.
        keep: how long it goes on after the condition ended.
        variables: placeholders that the link hands to the dashboard's variables.
        labels: further labels, to tell alerts of one name apart.
    """

    name: str
    query: str
    severity: Severity
    summary: str
    description: str
    first: tuple[str, ...]
    impact: str
    panel: tuple[str, str]
    hold: str = "0m"
    keep: str = ""
    variables: tuple[str, ...] = ("instance",)
    labels: tuple[tuple[str, str], ...] = ()

    def dashboard_url(self) -> str:
        """Return the path of the alert's panel below Grafana's address, variables handed on."""
        uid, title = self.panel
        variables = "".join(f"&var-{word}={{{{ $labels.{_LABELS[word]} | urlquery }}}}" for word in self.variables)
        return f"/d/{uid}?viewPanel={panel_number(title)}{variables}"


@dataclass(frozen=True, slots=True)
class Group:
    """Hold rules that are evaluated together and written to one file.

    Attributes:
        name: of the file and of its runbook.
        component: label of every alert of the group.
        about: what the group watches, for the runbook.
        rules: recordings and alerts, in order.
        interval: in Prometheus' spelling; empty for the server's own.
    """

    name: str
    component: str
    about: str
    rules: tuple[Recording | Alert, ...]
    interval: str = ""

    def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts of the group."""
        return tuple(rule for rule in self.rules if isinstance(rule, Alert))
