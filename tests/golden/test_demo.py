"""What the demo makes up, for one seed and one end: it must not change unnoticed."""

from __future__ import annotations

import io
import json
from pathlib import Path
from statistics import fmean

import pytest
from rich.console import Console

from genotel.demo.screen import history_table
from genotel.demo.simulated_history import MODELS, simulate

GOLDEN = Path(__file__).parent / "demo"
HISTORY = simulate(1_750_000_000.0, seed=7)


def _check(name: str, text: str, request: pytest.FixtureRequest) -> None:
    file = GOLDEN / name
    if request.config.getoption("--update-golden"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_the_simulated_history_is_as_it_was(request: pytest.FixtureRequest) -> None:
    """Calls, outcomes, loads and mean duration of each model; ``--update-golden`` writes it anew."""
    summary = {}
    for model in MODELS:
        calls = [call for call in HISTORY.calls if call.model == model.label]
        seconds = [call.duration_seconds for call in calls if call.duration_seconds is not None]
        summary[model.label] = {
            "calls": len(calls),
            "ok": sum(call.outcome == "ok" for call in calls),
            "out_of_memory": sum(call.outcome == "out_of_memory" for call in calls),
            "loads": sum(event.model == model.label and event.kind == "load" for event in HISTORY.events),
            "average_seconds": round(fmean(seconds), 3) if seconds else None,
            "by_day": HISTORY.daily_calls(model.label),
        }
    lines = [f"{json.dumps(name)}: {json.dumps(figures)}" for name, figures in summary.items()]
    _check("history.json.txt", "{\n" + ",\n".join(lines) + "\n}\n", request)


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_of_the_simulated_history_is_as_it_was(width: int, request: pytest.FixtureRequest) -> None:
    """At the widths that terminals have, without colour."""
    file = io.StringIO()
    Console(file=file, width=width, highlight=False, markup=False, emoji=False).print(history_table(HISTORY, width))
    text = "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())
    _check(f"history_{width}.txt", text, request)
