"""What a source said that takes something from the advice stands in every report."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from genotel.history.usage import empty_history
from genotel.recommenders.advice import advise
from genotel.report.registry import REPORTS
from genotel.report.report import Page, Report
from genotel.settings import AdviceSettings


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_notes_are_said(report: Report) -> None:
    """And a report of advice without notes has no place for them."""
    history = replace(empty_history("a store"), notes=("One store did not answer.",))
    advice = advise(history, ["cleanup"], AdviceSettings())
    assert "One store did not answer." in report.render(advice, Page(0.0))
    assert "note" not in report.render(replace(advice, notes=()), Page(0.0)).lower()


def test_notes_are_a_list_in_json() -> None:
    """For programs."""
    advice = advise(replace(empty_history("a store"), notes=("a", "b")), ["cleanup"], AdviceSettings())
    (report,) = (report for report in REPORTS if report.name == "json")
    assert json.loads(report.render(advice, Page(0.0)))["notes"] == ["a", "b"]
