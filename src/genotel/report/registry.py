"""Every format of a report. A test fails when a file of this folder is not in the tuple."""

from __future__ import annotations

from genotel.errors import SettingsError
from genotel.report.csv import CsvReport
from genotel.report.html import HtmlReport
from genotel.report.json import JsonReport
from genotel.report.markdown import MarkdownReport
from genotel.report.report import Report
from genotel.report.table import TableReport

REPORTS: tuple[Report, ...] = (
    TableReport(),
    JsonReport(),
    CsvReport(),
    MarkdownReport(),
    HtmlReport(),
)
FORMATS = tuple(report.name for report in REPORTS)


def report_named(name: str) -> Report:
    """Return the format with a name.

    Raises:
        SettingsError: naming the formats that exist.

    Example:
        >>> report_named("json").name
        'json'
    """
    for report in REPORTS:
        if report.name == name:
            return report
    raise SettingsError(f"unknown format {name!r}; the formats are {', '.join(FORMATS)}")
