"""genotel itself: does it see what it should, at what cost, and what did it lose?"""

from __future__ import annotations

from genotel.dashboards.dashboard import Dashboard, Look, Panel, Query, Unit, named
from genotel.promql import machine_panels as m
from genotel.semconv import attributes as a
from genotel.semconv import dashboard_names as names


def _lines(title: str, unit: Unit, query: str, name: str, about: str, empty: str) -> Panel:
    return Panel(title, Look.LINES, unit, (Query(query, name),), about, empty)


_NO_COLLECTORS = "no collectors: genotel serve"
DASHBOARD = Dashboard(
    names.ITSELF,
    "genotel / Itself",
    "Collectors, pages, journal and spool of genotel.",
    (
        (
            "Collectors",
            (
                Panel(
                    "Collectors that fail",
                    Look.TILE,
                    Unit.COUNT,
                    (Query(m.COLLECTORS_FAILING),),
                    "Collectors whose last run failed.",
                    "0",
                    limits=((1, "red"),),
                ),
                _lines(
                    "Age of the last success",
                    Unit.SECONDS,
                    m.COLLECTOR_AGE,
                    named("instance", a.COLLECTOR),
                    "How old the values of a collector are.",
                    _NO_COLLECTORS,
                ),
                _lines(
                    "Collector duration",
                    Unit.SECONDS,
                    m.COLLECTOR_DURATION,
                    named("instance", a.COLLECTOR),
                    "Time of the last run.",
                    _NO_COLLECTORS,
                ),
                _lines(
                    "Collectors given up",
                    Unit.COUNT,
                    m.COLLECTOR_TIMEOUTS,
                    named("instance", a.COLLECTOR),
                    "Runs that did not end within their limit.",
                    _NO_COLLECTORS,
                ),
            ),
        ),
        (
            "Pages",
            (
                _lines(
                    "Scrape duration",
                    Unit.SECONDS,
                    m.SCRAPE_DURATION,
                    named("instance"),
                    "What Prometheus waited for the page.",
                    "nothing is scraped",
                ),
                _lines(
                    "Samples per scrape",
                    Unit.COUNT,
                    m.SCRAPE_SAMPLES,
                    named("instance"),
                    "A slope is a label with ever new values.",
                    "nothing is scraped",
                ),
                _lines("Page size", Unit.BYTES, m.PAGE_SIZE, named("instance"), "Before compression.", "no page yet"),
                _lines(
                    "Series", Unit.COUNT, m.PAGE_SERIES, named("instance"), "Label sets on the page.", "no page yet"
                ),
                _lines(
                    "Scrapes",
                    Unit.PER_SECOND,
                    m.SCRAPES,
                    named(a.CODE, a.FORMAT),
                    "Requests for the page by answer and format.",
                    "no scrape yet",
                ),
                Panel(
                    "Web configurations refused",
                    Look.TILE,
                    Unit.COUNT,
                    (Query(m.WEB_CONFIGS_REFUSED),),
                    "Files of TLS and users whose new version is wrong; the old one is in force.",
                    "0",
                    limits=((1, "red"),),
                ),
                _lines(
                    "Certificate good for",
                    Unit.SECONDS,
                    m.CERTIFICATE_LEFT,
                    named("instance"),
                    "Time until the first certificate of a page's chain expires.",
                    "no page with TLS",
                ),
                _lines(
                    "TLS handshakes",
                    Unit.PER_SECOND,
                    m.HANDSHAKES,
                    named(a.HANDSHAKE_RESULT),
                    "By how they ended.",
                    "no page with TLS",
                ),
                Panel(
                    "Versions",
                    Look.TABLE,
                    Unit.COUNT,
                    (Query(m.VERSIONS, "Programs"),),
                    "Programs by version of genotel and Python.",
                    "no program",
                ),
            ),
        ),
        (
            "Losses",
            (
                _lines(
                    "Measurements over a cap",
                    Unit.COUNT,
                    m.SERIES_DROPPED,
                    named("instance", a.METRIC),
                    "Counted as other, since a label has more values than its cap.",
                    "nothing over a cap",
                ),
                _lines(
                    "Faults kept out",
                    Unit.COUNT,
                    m.INTERNAL_ERRORS,
                    named("instance", a.PLACE),
                    "Faults of genotel that did not reach the program.",
                    "no faults",
                ),
                Panel(
                    "Journal rows",
                    Look.LINES,
                    Unit.PER_SECOND,
                    (Query(m.JOURNAL_ROWS, "written {{instance}}"), Query(m.JOURNAL_DROPPED, "lost {{instance}}")),
                    "Rows written, and rows that could not be.",
                    "no journal: configure(journal=…)",
                ),
                _lines(
                    "Journal size",
                    Unit.BYTES,
                    m.JOURNAL_SIZE,
                    named("instance"),
                    "Size of the journal's files.",
                    "no journal: configure(journal=…)",
                ),
                _lines(
                    "Silence of workers",
                    Unit.SECONDS,
                    m.SPOOL_AGE,
                    named("instance"),
                    "Time since the most silent living worker looked at its values.",
                    "no spool: configure(spool=…)",
                ),
                _lines(
                    "Workers",
                    Unit.COUNT,
                    m.SPOOL_WORKERS,
                    named("instance", a.WORKER_STATE),
                    "Processes whose files are in the spool.",
                    "no spool: configure(spool=…)",
                ),
            ),
        ),
    ),
)
