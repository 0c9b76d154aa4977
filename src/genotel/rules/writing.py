"""Rules as the files that Prometheus and people read: YAML, and a runbook for each group.

The YAML is written by hand, since its readers are people too: one rule after the other, each query as a block.
"""

from __future__ import annotations

import json

from genotel.rules.rule import Alert, Group, Recording, template

_MADE = "# Made from src/genotel/rules by `make generate`: change it there.\n"
RUNBOOKS = "runbooks"


def rules_file(group: Group, *, grafana: str = "", runbooks: str = RUNBOOKS) -> str:
    """Return a rule file of Prometheus; one of a group without rules is as good as none.

    Args:
        group: what it holds.
        grafana: address before the paths of dashboards; without one the links are paths.
        runbooks: address or folder of the runbooks.
    """
    interval = f"    interval: {group.interval}\n" if group.interval else ""
    rules = "".join(
        _recording(rule) if isinstance(rule, Recording) else _alert(rule, group, grafana, runbooks)
        for rule in group.rules
    )
    listed = f"\n{rules}" if rules else " []\n"
    return f"{_MADE}groups:\n  - name: genotel-{group.name}\n{interval}    rules:{listed}"


def _recording(rule: Recording) -> str:
    comment = f"      # {rule.help}\n" if rule.help else ""
    labels = f"        labels:\n{_table(dict(rule.labels))}" if rule.labels else ""
    return f"{comment}      - record: {rule.name}\n{_query(rule.query)}{labels}"


def _query(query: str) -> str:
    lines = "".join(f"          {line}\n" for line in query.splitlines())
    return f"        expr: |-\n{lines}"


def _alert(alert: Alert, group: Group, grafana: str, runbooks: str) -> str:
    labels = {"severity": str(alert.severity), "component": group.component, **dict(alert.labels)}
    annotations = {
        "summary": template(alert.summary),
        "description": template(f"{alert.description} First: {alert.first[0]}"),
        "impact": template(alert.impact),
        "runbook_url": f"{runbooks}/{group.name}.md#{alert.name.lower()}",
        "dashboard_url": grafana + alert.dashboard_url(),
    }
    keep = f"        keep_firing_for: {alert.keep}\n" if alert.keep else ""
    return (
        f"      - alert: {alert.name}\n{_query(alert.query)}        for: {alert.hold}\n{keep}"
        f"        labels:\n{_table(labels)}        annotations:\n{_table(annotations)}"
    )


def _table(rows: dict[str, str]) -> str:
    # A JSON string is one of YAML.
    return "".join(f"          {key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in rows.items())


def runbook(group: Group) -> str:
    """Return the runbook of a group: each alert's meaning, impact, first commands, and how to mute it."""
    made = _MADE.removeprefix("# ").strip()
    parts = [f"<!-- {made} -->\n# Alerts: {group.name}\n\n{group.about}\n"]
    done: set[str] = set()
    for alert in group.alerts():
        if alert.name not in done:
            done.add(alert.name)
            parts.append(_chapter(alert, [other for other in group.alerts() if other.name == alert.name]))
    return "".join(parts)


def _chapter(alert: Alert, alike: list[Alert]) -> str:
    severities = ", ".join(dict.fromkeys(str(other.severity) for other in alike))
    first = "".join(f"{number}. {step}\n" for number, step in enumerate(alert.first, 1))
    queries = "\n".join(other.query for other in alike)
    return f"""
## {alert.name}

{alert.summary} Severity: {severities}.

### Meaning

{_plain(alert.description)}

```text
{queries}
```

### Impact

{_plain(alert.impact)}

### First steps

{first}
### How to mute

For a while: `amtool silence add alertname={alert.name} --duration=2h --comment="why"`, narrowed by
`instance=…` where it is one machine. For good: change its threshold in `thresholds.yaml`, or route it to nowhere.
"""


def _plain(text: str) -> str:
    return text.replace("<number>", "The value").replace("<", "`").replace(">", "`")
