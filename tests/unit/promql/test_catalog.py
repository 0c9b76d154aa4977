"""Counts of events are exact, whatever restarts and scrapes did, as promtool's own engine sees it."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import yaml

from conftest import require
from genotel.promql.catalog import call_duration_quantile, calls_so_far, events, requests, select_ours
from genotel.promql.expression import Selector
from genotel.semconv.generation_metrics import REQUESTS

SCRAPE = 15
WINDOW = 1800
# Two windows before the first that is judged, and four that are.
END = 6 * WINDOW
EVENTS = events(Selector("calls_total"), WINDOW)
WINDOWS = [(end - WINDOW, end) for end in range(3 * WINDOW, END + 1, WINDOW)]


@dataclass
class Life:
    """One life of a process: it answers scrapes from ``start`` to ``end``.

    ``born`` is when the counter exists, by default at the start.
    """

    start: float
    end: float = END + 1
    uses: list[float] = field(default_factory=list)
    born: float | None = None


@dataclass
class Target:
    """A target whose process lived one or more times; ``sends_created`` as OpenMetrics does."""

    lives: list[Life]
    sends_created: bool = True
    is_known_before: bool = True

    def series(self, name: str) -> list[dict[str, str]]:
        """Return what Prometheus would have scraped, in promtool's words."""
        labels = f'{{instance="{name}",job="test",model="{name}"}}'
        columns: dict[str, list[str]] = {"calls_total": [], "calls_created": [], "up": []}
        for time in range(0, END + 1, SCRAPE):
            life = next((life for life in self.lives if life.start <= time < life.end), None)
            was_there = any(life.start <= time for life in self.lives)
            columns["up"].append("_" if not was_there and not self.is_known_before else "1" if life else "0")
            born = None if life is None else life.start if life.born is None else life.born
            if life is None or born is None or born > time:
                # A series that a scrape no longer holds goes stale.
                columns["calls_total"].append("stale" if columns["calls_total"] else "_")
                columns["calls_created"].append("stale" if columns["calls_created"] else "_")
            else:
                columns["calls_total"].append(str(sum(use <= time for use in life.uses)))
                # The SDK gives the time at which the instrument was made.
                columns["calls_created"].append(str(life.start))
        if not self.sends_created:
            del columns["calls_created"]
        return [{"series": metric + labels, "values": " ".join(values)} for metric, values in columns.items()]

    def count(self, start: float, end: float) -> int:
        """Return how often it was used in a window, as scrapes could know: by the scrape that first shows it."""
        shown = [np.ceil(use / SCRAPE) * SCRAPE for life in self.lives for use in life.uses]
        return sum(start < time <= end for time in shown)


def counted(targets: dict[str, Target], expression: str, end: float, folder: Path) -> dict[str, float]:
    """Return what Prometheus' engine answers at ``end``, by model."""
    expected = [{"labels": f'{{model="{name}"}}', "value": -1.0} for name in targets]
    test = {
        "evaluation_interval": f"{SCRAPE}s",
        "tests": [
            {
                "interval": f"{SCRAPE}s",
                "input_series": list(itertools.chain.from_iterable(t.series(name) for name, t in targets.items())),
                "promql_expr_test": [
                    {"expr": f"sum by (model) ({expression})", "eval_time": f"{end}s", "exp_samples": expected}
                ],
            }
        ],
    }
    file = folder / "test.yaml"
    file.write_text(yaml.safe_dump(test))
    promtool = require(shutil.which("promtool"), "promtool")
    run = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    # Nothing is ever counted -1 times, so that the answer stands in the complaint.
    _, _, got = (run.stdout + run.stderr).partition("got:")
    return {name: float(value) for name, value in re.findall(r'{model="([^"]+)"} ([-+.\dE]+)', got)}


TARGETS = {
    "busy": Target([Life(-99, uses=[100.0 * step for step in range(108)])]),
    "unused": Target([Life(-99)]),
    "once": Target([Life(-99, uses=[7000.0])]),
    "at the seam": Target([Life(-99, uses=[3 * WINDOW + 5.0, 4 * WINDOW + 14.0, 5 * WINDOW - 1.0])]),
    "born late": Target([Life(-99, born=7001.0, uses=[7000.0])], sends_created=False),
    "new process": Target([Life(6100, uses=[6101.0, 9000.0])], is_known_before=False),
    "new process as text, counter there before its use": Target(
        [Life(6100, uses=[6130.0, 9000.0])], sends_created=False, is_known_before=False
    ),
    "short life": Target([Life(6100, 6145, uses=[6101.0, 6120.0])], is_known_before=False),
    "died": Target([Life(-99, 7000, uses=[100.0, 6000.0, 6500.0])]),
    "restarted": Target([Life(-99, 6800, uses=[100.0, 6000.0]), Life(6830, uses=[6850.0, 6900.0, 10_000.0])]),
    "restarted twice": Target(
        [
            Life(-99, 5600, uses=[20.0, 5500.0]),
            Life(5620, 6000, uses=[5650.0, 5900.0]),
            Life(6010, uses=[6020.0, 6030.0]),
        ]
    ),
    "restarted at the seam": Target(
        [Life(-99, 4 * WINDOW - 5, uses=[20.0, 21.0, 22.0]), Life(4 * WINDOW + 20, uses=[8000.0, 8500.0])]
    ),
    "away for an hour": Target([Life(-99, 4000, uses=[20.0, 21.0]), Life(8010, uses=[8012.0, 9100.0])]),
}


@pytest.mark.parametrize("shift", [0, 7])
def test_every_event_is_counted_in_its_window(tmp_path: Path, shift: int) -> None:
    """Rare uses, seams, births, restarts and short lives, whether scrapes fall on the seam or not."""
    for start, end in WINDOWS:
        answer = counted(TARGETS, EVENTS, end - shift, tmp_path)
        truth = {name: target.count(start - shift, end - shift) for name, target in TARGETS.items()}
        assert {name: answer.get(name, 0.0) for name in truth} == truth


@pytest.mark.parametrize("shift", [0, 7])
def test_random_lives_are_counted_to_the_event(tmp_path: Path, shift: int) -> None:
    """A hundred targets with restarts; each use after the first scrape of its life and before the last."""
    random = np.random.default_rng(11)
    targets = {}
    for number in range(100):
        lives, time = [], float(random.integers(-2000, 5000))
        while time < END:
            end = time + float(random.choice([120, 1500, 4000, 40_000]))
            first, last = max(time, 0.0) // SCRAPE * SCRAPE + SCRAPE, min(end, END) // SCRAPE * SCRAPE - SCRAPE
            uses = np.sort(random.uniform(first, last, size=random.integers(0, 4))) if last > first else np.zeros(0)
            lives.append(Life(time, end, uses.tolist()))
            time = end + float(random.choice([20, 400]))
        targets[f"t{number:02d}"] = Target(lives, sends_created=bool(number % 2), is_known_before=bool(number % 3))
    counts = 0
    for start, end in WINDOWS:
        answer = counted(targets, EVENTS, end - shift, tmp_path)
        truth = {name: target.count(start - shift, end - shift) for name, target in targets.items()}
        assert {name: answer.get(name, 0.0) for name in truth} == truth
        counts += sum(truth.values())
    assert counts > 200


def test_increase_alone_loses_events(tmp_path: Path) -> None:
    """Why it is not enough: the same targets, the same windows."""
    wrong = set()
    for start, end in WINDOWS:
        answer = counted(TARGETS, f"round(increase(calls_total[{WINDOW}s]))", end - 7, tmp_path)
        wrong |= {name for name, target in TARGETS.items() if answer.get(name, 0.0) != target.count(start - 7, end - 7)}
    assert {"at the seam", "born late", "new process"} <= wrong


def test_requests_are_ours_and_by_model() -> None:
    """Another instrumentor's metrics of the same name are not counted."""
    text = requests(3600, ("genotel_outcome", "=", "ok"))
    assert text.startswith("sum by (gen_ai_request_model) (")
    assert 'genotel_generation_requests_total{otel_scope_name="genotel",genotel_outcome="ok"}[1h] offset 1h' in text
    assert 'genotel_generation_requests_created{otel_scope_name="genotel",genotel_outcome="ok"}[1h]' in text
    assert requests(60, by=()).startswith("sum((")
    assert select_ours(REQUESTS).matchers == (("otel_scope_name", "=", "genotel"),)


def test_quantiles_of_durations_are_by_model_or_over_all() -> None:
    """From the buckets of ours alone."""
    over_all = call_duration_quantile(0.95, "5m")
    assert "sum by (le) (rate(gen_ai_client_operation_duration_seconds_bucket" in over_all
    assert "sum by (le, gen_ai_request_model)" in call_duration_quantile(0.5, "5m", by_model=True)
    assert calls_so_far() == 'sum(genotel_generation_requests_total{otel_scope_name="genotel"})'
