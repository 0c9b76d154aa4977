"""Cases of the alerts on genotel itself."""

from __future__ import annotations

from collections.abc import Iterator

from genotel.semconv import self_metrics as s
from tools.alert_cases.case import WHERE, Case, counted, series, simple


def cases() -> Iterator[Case]:
    """Yield a case for each alert of the group."""
    success = series(s.COLLECTOR_SUCCESS, COLLECTOR="cpu")
    yield simple("GenotelCollectorFails", success, "0x{n}", "0x8 1 0x6", "1x10", 15, 18, 25, COLLECTOR="cpu")
    last = series(s.COLLECTOR_LAST_SUCCESS, COLLECTOR="cpu")
    yield simple("GenotelCollectorStale", last, "0x{n}", "-290+60x13", "840+60x20", 13, 16, 25, COLLECTOR="cpu")
    yield counted("GenotelCollectorTimesOut", series(s.COLLECTOR_TIMEOUTS, COLLECTOR="cpu"), 5, 25, 30, COLLECTOR="cpu")
    scrape = series("scrape_duration_seconds")
    yield simple("GenotelScrapeNearTimeout", scrape, "8.1x{n}", "7.9x7", "1x20", 7, 10, 15)
    dropped = series(s.SERIES_DROPPED, METRIC="outputs")
    yield counted("GenotelSeriesOverflow", dropped, 5, 35, 40, METRIC="outputs")
    yield counted("GenotelInternalFaults", series(s.INTERNAL_ERRORS, PLACE="page"), 5, 35, 40, PLACE="page")
    yield counted("GenotelJournalDrops", series(s.JOURNAL_DROPPED), 5, 25, 30)
    yield simple("GenotelSpoolSilent", series(s.SPOOL_AGE), "61x{n}", "59x7", "1x20", 7, 10, 15)
    yield simple("GenotelWebConfigRefused", series(s.WEB_CONFIG_SUCCESS), "0x{n}", "0x8 1 0x6", "1x10", 15, 18, 25)
    expiry = series(s.TLS_CERTIFICATE_EXPIRY)
    yield simple("GenotelCertificateExpires", expiry, "600000x{n}", "620000x90", "9000000x20", 75, 80, 90)
    build = series(s.BUILD_INFO, BUILD_VERSION="0.1.0", PYTHON_VERSION="3.11")
    yield Case(
        "GenotelDataMissing",
        WHERE,
        {build: "1x30"},
        55,
        {build: "1x55"},
        {build: "1x30 _x25 1x20"},
        60,
        1500,
        step=5,
    )
