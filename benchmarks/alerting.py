"""A simulated week of calls with incidents: how soon which alert says so, and how often one says so of nothing.

Run it (about twenty minutes of one core): ``python -m benchmarks.alerting``; ``--quick`` runs one week of each volume.
Calls come by chance, fewer at night; 0.2 % of them fail by themselves. Three calm days come before each week. The
shipped rules are evaluated every minute by Prometheus' own engine, ``promtool test rules``: no model of it.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genotel.rules.registry import GROUPS
from tools.alert_cases.availability import bucket
from tools.alert_cases.calls import calls

RULES = Path(__file__).resolve().parent.parent / "alerting-rules"
FILES = ("thresholds", "recordings", "long-recordings", "availability", "slo")
DAY = 24 * 60
BEFORE, WEEK = 3 * DAY, 7 * DAY
BASE = 0.002
SEVERITY = {alert.name: str(alert.severity) for group in GROUPS for alert in group.alerts()}


@dataclass(frozen=True)
class Incident:
    """A share of calls that fail or are slow, from noon of the third day on."""

    name: str
    failing: float
    hours: float
    slow: float = 0.0
    begin: int = BEFORE + 2 * DAY + 12 * 60


CALM = Incident("nothing", BASE, 0)
# The fewer calls there are, the longer an incident must last before anybody could know.
INCIDENTS = {
    50_000: (Incident("all fail", 1.0, 1), Incident("20 % fail", 0.2, 3), Incident("3 % fail", 0.03, 48)),
    500: (Incident("all fail", 1.0, 3), Incident("20 % fail", 0.2, 12), Incident("3 % fail", 0.03, 72)),
    5: (Incident("all fail", 1.0, 60), Incident("half fail", 0.5, 96)),
}


def week(volume: int, incident: Incident, seed: int) -> dict[str, np.ndarray]:
    """Return the counters of ten days, by minute: ok, error."""
    random = np.random.default_rng(seed)
    minutes = np.arange(BEFORE + WEEK + 1)
    by_day = 1 + 0.8 * np.sin(2 * np.pi * (minutes / DAY - 0.375))  # most at 15:00, least at 3:00
    made = random.poisson(volume / DAY * by_day)
    during = (minutes >= incident.begin) & (minutes < incident.begin + incident.hours * 60)
    failed = random.binomial(made, np.where(during, incident.failing, BASE))
    return {"error": failed.cumsum(), "ok": (made - failed).cumsum()}


def written(values: np.ndarray) -> str:
    """Return a counter as promtool writes it: runs of one value in one word."""
    parts: list[str] = []
    starts = np.flatnonzero(np.diff(values, prepend=values[0] - 1))
    for start, end in zip(starts, [*starts[1:], len(values)], strict=True):
        run = end - start
        parts.append(f"{values[start]}x{run - 1}" if run > 1 else f"{values[start]}")
    return " ".join(parts)


def firing(series: dict[str, np.ndarray], every: int = 1) -> list[tuple[int, str, str]]:
    """Return minute, alert and window of everything that fires."""
    inputs = {calls(outcome): written(values) for outcome, values in series.items()}
    inputs |= {bucket(bound): written(series["ok"]) for bound in ("0.64", "+Inf")}
    asked = [
        {"expr": 'ALERTS{alertstate="firing"}', "eval_time": f"{minute}m", "exp_samples": []}
        for minute in range(BEFORE, BEFORE + WEEK, every)
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name in FILES:
            shutil.copy(RULES / f"{name}.yaml", folder)
        test = {
            "rule_files": [f"{name}.yaml" for name in FILES],
            "evaluation_interval": "1m",
            "group_eval_order": [f"genotel-{name}" for name in FILES],
            "tests": [
                {
                    "interval": "1m",
                    "input_series": [{"series": name, "values": values} for name, values in inputs.items()],
                    "promql_expr_test": asked,
                }
            ],
        }
        # Each minute in which something fires fails the test, and says what.
        path = Path(folder, "test.yaml")
        path.write_text(json.dumps(test), encoding="utf-8")
        done = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False)
    found: list[tuple[int, str, str]] = []
    for time, got in re.findall(r"time: (\S+),\s+exp: nil\s+got: (.*)", done.stdout + done.stderr):
        minute = minutes_of(time)
        for labels in re.findall(r"{(__name__=\"ALERTS\"[^}]*)}", got):
            alert = re.search(r'alertname="(\w+)"', labels)[1]
            window = re.search(r'window="(\w+)"', labels)
            severity = re.search(r'severity="(\w+)"', labels)[1]
            found.append((minute, f"{alert}{' ' + window[1] if window else ''}", severity))
    return found


def minutes_of(text: str) -> int:
    """Return the minutes of a duration as Prometheus writes it."""
    units = {"w": 7 * DAY, "d": DAY, "h": 60, "m": 1, "s": 0}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([wdhms])", text))


def spans(found: list[tuple[int, str, str]]) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Return from when to when each alert fired; a gap of up to ten minutes is one span."""
    result: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for minute, alert, severity in sorted(found):
        rows = result.setdefault((alert, severity), [])
        if rows and minute - rows[-1][1] <= 10:
            rows[-1] = (rows[-1][0], minute)
        else:
            rows.append((minute, minute))
    return result


def told(minutes: float | None) -> str:
    """Return a time as people say it."""
    if minutes is None:
        return "not"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def row(volume: int, incident: Incident, seed: int) -> str:
    """Return the row of one week, and the names of what fired of nothing."""
    fired = spans(firing(week(volume, incident, seed)))
    first: dict[str, float | None] = {"critical": None, "warning": None}
    false: Counter[str] = Counter()
    names: Counter[str] = Counter()
    # What burned may still be told of for as long as the longest window.
    end = incident.begin + incident.hours * 60 + BEFORE
    for (alert, severity), rows in fired.items():
        for start, _ in rows:
            if incident.hours and incident.begin <= start < end:
                after = start - incident.begin
                known = first.get(severity)
                if severity in first and (known is None or after < known):
                    first[severity] = after
            else:
                false[severity] += 1
                names[alert] += 1
    hours = f" for {incident.hours:g} h" if incident.hours else f" (week {seed + 1})"
    return (
        f"| {volume} | {incident.name}{hours} | {told(first['critical'])} | {told(first['warning'])}"
        f" | {false['critical']} | {false['warning']} |{f' {dict(names)}' if names else ''}"
    )


def main() -> None:
    """Run the weeks and print their rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one incident of each volume, no calm weeks")
    quick = parser.parse_args().quick
    print("| calls a day | incident | first critical | first warning | false pages | false warnings |")
    print("|---|---|---|---|---|---|", flush=True)
    for volume, incidents in INCIDENTS.items():
        for incident in incidents[:1] if quick else (*incidents, CALM):
            print(row(volume, incident, 0), flush=True)


if __name__ == "__main__":
    main()
