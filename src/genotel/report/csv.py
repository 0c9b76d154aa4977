"""Advice as CSV, for spreadsheets: one line for each piece of advice, and one for each absence of it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from io import StringIO
from typing import ClassVar

from genotel.recommenders.advice import Advice
from genotel.report.report import Page
from genotel.report.wording import one_line, timestamp

_COLUMNS = (
    "status",
    "kind",
    "model",
    "priority",
    "confidence",
    "reason_code",
    "reason",
    "would_change",
    "method",
    "saving_bytes",
    "saving_seconds_per_day",
    "next_use",
    "evidence",
    "window_start",
    "window_end",
    "observed_ratio",
    "source",
)
_DIGITS = 6
# With these a spreadsheet takes a text for a formula and runs it (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


class CsvReport:
    """Write advice as RFC 4180 with line feeds; times are RFC 3339, sizes bytes, durations seconds, unknown is empty.

    The status is ``advised``, ``withheld``, or ``note`` for what the source said. A text that a spreadsheet
    would run begins with an apostrophe.
    """

    name: ClassVar[str] = "csv"

    def render(self, advice: Advice, page: Page) -> str:
        """Return a header and the lines, however many there are."""
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_COLUMNS)
        start, end = (None, None) if advice.window is None else map(timestamp, advice.window)
        about = {
            "window_start": start,
            "window_end": end,
            "observed_ratio": round(advice.observed_ratio, _DIGITS),
            "source": advice.source,
        }
        for cells in _lines(advice):
            row = about | cells
            writer.writerow([_cell(row.get(column)) for column in _COLUMNS])
        return text.getvalue()


def _lines(advice: Advice) -> Iterator[dict[str, object]]:
    for note in advice.notes:
        yield {"status": "note", "reason": note}
    for entry in advice.recommendations:
        yield {
            "status": "advised",
            "kind": entry.kind,
            "model": entry.model,
            "priority": entry.priority.value,
            "confidence": round(entry.confidence, _DIGITS),
            "reason_code": entry.reason_code.value,
            "reason": entry.reason,
            "would_change": entry.reason_code.would_change,
            "method": advice.methods.get(entry.kind),
            "saving_bytes": entry.saving.bytes,
            "saving_seconds_per_day": entry.saving.seconds_per_day,
            "next_use": None if entry.next_use is None else timestamp(entry.next_use),
            "evidence": json.dumps(dict(entry.evidence), ensure_ascii=False),
        }
    for absence in advice.withheld:
        yield {
            "status": "withheld",
            "kind": absence.kind,
            "model": absence.model,
            "reason_code": absence.reason_code.value,
            "would_change": absence.reason_code.would_change,
            "method": advice.methods.get(absence.kind),
        }


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = one_line(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) or value.startswith(_FORMULA) else text
