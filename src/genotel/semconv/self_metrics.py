"""The metrics of genotel itself: METRICS.md, "genotel itself"."""

from __future__ import annotations

from genotel.semconv import attributes as a
from genotel.semconv.spec import Kind, Merge, MetricSpec

COLLECTOR_SUCCESS = MetricSpec(
    "genotel.collector.success",
    Kind.GAUGE,
    "{collector}",
    "Whether the last run of a collector succeeded: 1 or 0.",
    labels=(a.COLLECTOR,),
    merge=Merge.PER_PROCESS,
)
COLLECTOR_DURATION = MetricSpec(
    "genotel.collector.duration",
    Kind.GAUGE,
    "s",
    "Time that the last run of a collector took.",
    labels=(a.COLLECTOR,),
    merge=Merge.PER_PROCESS,
)
COLLECTOR_LAST_SUCCESS = MetricSpec(
    "genotel.collector.last_success.timestamp",
    Kind.GAUGE,
    "s",
    "Unix time of the last successful run of a collector.",
    labels=(a.COLLECTOR,),
    merge=Merge.MAX,
)
COLLECTOR_TIMEOUTS = MetricSpec(
    "genotel.collector.timeouts",
    Kind.COUNTER,
    "{timeout}",
    "Runs of a collector that did not end within its limit.",
    labels=(a.COLLECTOR,),
)
INTERNAL_ERRORS = MetricSpec(
    "genotel.internal.errors",
    Kind.COUNTER,
    "{error}",
    "Faults of genotel that were kept out of the user's program, by place.",
    labels=(a.PLACE,),
    observable=True,
)
SERIES_DROPPED = MetricSpec(
    "genotel.series.dropped",
    Kind.COUNTER,
    "{measurement}",
    "Measurements whose label value was over its cap and was counted as other.",
    labels=(a.METRIC,),
    observable=True,
)
BUILD_INFO = MetricSpec(
    "genotel.build.info",
    Kind.GAUGE,
    "{build}",
    "1, with the versions of genotel and Python.",
    labels=(a.BUILD_VERSION, a.PYTHON_VERSION),
    merge=Merge.MAX,
)
SCRAPES = MetricSpec(
    "genotel.scrapes",
    Kind.COUNTER,
    "{scrape}",
    "Requests for the metrics page by format and status code.",
    labels=(a.FORMAT, a.CODE),
)
PAGE_SIZE = MetricSpec(
    "genotel.page.size",
    Kind.GAUGE,
    "By",
    "Size of the last page before compression.",
    merge=Merge.PER_PROCESS,
)
PAGE_SERIES = MetricSpec(
    "genotel.page.series",
    Kind.GAUGE,
    "{series}",
    "Label sets on the last page.",
    merge=Merge.PER_PROCESS,
)
WEB_CONFIG_SUCCESS = MetricSpec(
    "genotel.web_config.success",
    Kind.GAUGE,
    "{file}",
    "Whether the web configuration file in force is what it says now: 1, or 0 where a new version is wrong.",
    merge=Merge.PER_PROCESS,
)
WEB_CONFIG_LAST_SUCCESS = MetricSpec(
    "genotel.web_config.last_success.timestamp",
    Kind.GAUGE,
    "s",
    "Unix time at which the web configuration in force was read.",
    merge=Merge.PER_PROCESS,
)
TLS_HANDSHAKES = MetricSpec(
    "genotel.tls.handshakes",
    Kind.COUNTER,
    "{handshake}",
    "TLS handshakes by how they ended; name: of a certificate without an allowed one, plain: no TLS was spoken.",
    labels=(a.HANDSHAKE_RESULT,),
    closed=((a.HANDSHAKE_RESULT, a.HANDSHAKE_RESULTS),),
)
TLS_CERTIFICATE_EXPIRY = MetricSpec(
    "genotel.tls.certificate.expiry.timestamp",
    Kind.GAUGE,
    "s",
    "Unix time at which the first certificate of the page's chain expires.",
    merge=Merge.PER_PROCESS,
)
PASSWORDS_HASHED = MetricSpec(
    "genotel.passwords.hashed",
    Kind.COUNTER,
    "{password}",
    "Passwords that were compared by bcrypt, since it was not known yet whether they are right.",
)
JOURNAL_ROWS = MetricSpec(
    "genotel.journal.rows",
    Kind.COUNTER,
    "{row}",
    "Rows that were written to the journal.",
    observable=True,
)
JOURNAL_DROPPED = MetricSpec(
    "genotel.journal.dropped",
    Kind.COUNTER,
    "{row}",
    "Rows that could not be written to the journal.",
    observable=True,
)
JOURNAL_SIZE = MetricSpec(
    "genotel.journal.size",
    Kind.GAUGE,
    "By",
    "Size of the journal's files.",
    merge=Merge.MAX,
    observable=True,
)
SPOOL_WORKERS = MetricSpec(
    "genotel.spool.workers",
    Kind.GAUGE,
    "{process}",
    "Processes whose files are in the spool: living ones, ended ones not yet folded, and files that cannot be read.",
    labels=(a.WORKER_STATE,),
    closed=((a.WORKER_STATE, a.WORKER_STATES),),
    merge=Merge.PER_PROCESS,
)
SPOOL_AGE = MetricSpec(
    "genotel.spool.age",
    Kind.GAUGE,
    "s",
    "Time since the living process that was silent for longest has last looked at its values.",
    merge=Merge.PER_PROCESS,
)

SELF_METRICS = (
    COLLECTOR_SUCCESS,
    COLLECTOR_DURATION,
    COLLECTOR_LAST_SUCCESS,
    COLLECTOR_TIMEOUTS,
    INTERNAL_ERRORS,
    SERIES_DROPPED,
    BUILD_INFO,
    SCRAPES,
    PAGE_SIZE,
    PAGE_SERIES,
    WEB_CONFIG_SUCCESS,
    WEB_CONFIG_LAST_SUCCESS,
    TLS_HANDSHAKES,
    TLS_CERTIFICATE_EXPIRY,
    PASSWORDS_HASHED,
    JOURNAL_ROWS,
    JOURNAL_DROPPED,
    JOURNAL_SIZE,
    SPOOL_WORKERS,
    SPOOL_AGE,
)
