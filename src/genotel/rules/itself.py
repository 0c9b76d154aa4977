"""Alerts on genotel itself: what is not measured is not watched."""

from __future__ import annotations

from genotel.promql import alert_queries as q
from genotel.rules.rule import Alert, Group, Severity
from genotel.semconv import dashboard_names as d

_COLLECTOR_STEPS = (
    "the log of the program on that machine: it says once what failed.",
    "`curl -sS http://INSTANCE/metrics | grep collector`: since when?",
    "the same command as the collector's source by hand (`nvidia-smi`, `df`): does it hang?",
)
GROUP = Group(
    "itself",
    "exporter",
    "Whether genotel sees what it should.",
    (
        Alert(
            "GenotelCollectorFails",
            q.COLLECTOR_FAILS,
            Severity.WARNING,
            "A collector fails.",
            "The collector <collector> on <instance> brings no values.",
            _COLLECTOR_STEPS,
            "Alerts on what it reads are silent.",
            (d.ITSELF, "Collectors that fail"),
            hold="10m",
        ),
        Alert(
            "GenotelCollectorStale",
            q.COLLECTOR_STALE,
            Severity.WARNING,
            "A collector has not succeeded for long.",
            "The collector <collector> on <instance> last succeeded <duration> ago.",
            _COLLECTOR_STEPS,
            "Its values are old, or gone.",
            (d.ITSELF, "Age of the last success"),
            hold="5m",
        ),
        Alert(
            "GenotelCollectorTimesOut",
            q.COLLECTOR_TIMES_OUT,
            Severity.INFO,
            "A collector does not end in time.",
            "The collector <collector> on <instance> was given up <number> times in 15 minutes.",
            _COLLECTOR_STEPS,
            "Its values are older than they look.",
            (d.ITSELF, "Collectors given up"),
        ),
        Alert(
            "GenotelScrapeNearTimeout",
            q.SCRAPE_NEAR_TIMEOUT,
            Severity.WARNING,
            "A scrape takes nearly as long as Prometheus waits.",
            "The page of <instance> takes <duration>.",
            (
                "collectors by duration on the dashboard: which one?",
                "series by page: has a label many values?",
                "a longer scrape_timeout for this job until then.",
            ),
            "The next slower scrape is lost, and with it every alert on this machine.",
            (d.ITSELF, "Scrape duration"),
            hold="5m",
        ),
        Alert(
            "GenotelSeriesOverflow",
            q.SERIES_OVERFLOW,
            Severity.WARNING,
            "A label has more values than its cap.",
            "<number> measurements of <metric> on <instance> were counted as other in 15 minutes.",
            (
                "which names does the program give: are there ids or file names among the models?",
                "name models by what they are, not by request.",
                "raise the cap when there really are so many.",
            ),
            "What is over the cap cannot be told apart.",
            (d.ITSELF, "Measurements over a cap"),
            keep="10m",
        ),
        Alert(
            "GenotelInternalFaults",
            q.INTERNAL_FAULTS,
            Severity.WARNING,
            "genotel kept a fault of its own out of a program.",
            "<number> faults at <place> on <instance> in 15 minutes.",
            (
                "the program's log: each place is logged once, with its traceback.",
                "which versions changed: genotel, OpenTelemetry, the library?",
                "report it with the traceback.",
            ),
            "The program goes on; some of its telemetry is missing.",
            (d.ITSELF, "Faults kept out"),
            keep="10m",
        ),
        Alert(
            "GenotelJournalDrops",
            q.JOURNAL_DROPS,
            Severity.WARNING,
            "The journal loses rows.",
            "<number> rows on <instance> were not written in 15 minutes.",
            (
                "`df -h` where the journal is: is the disk full?",
                "is the file on a network filesystem, or locked by another program?",
                "the program's log around the first loss.",
            ),
            "Advice from the journal is withheld for this time.",
            (d.ITSELF, "Journal rows"),
        ),
        Alert(
            "GenotelSpoolSilent",
            q.SPOOL_SILENT,
            Severity.WARNING,
            "A worker has stopped writing its values.",
            "A living worker on <instance> was silent for <duration>.",
            (
                "`py-spy dump --pid PID` of the workers: which one hangs?",
                "is the disk of the spool full or slow?",
                "restart the worker.",
            ),
            "The page shows the worker's last values, not its present ones.",
            (d.ITSELF, "Silence of workers"),
            hold="5m",
        ),
        Alert(
            "GenotelDataMissing",
            q.DATA_MISSING,
            Severity.WARNING,
            "A program that was there within a day is gone.",
            "<instance> was scraped in the last day and sends nothing now: it has left the configuration, or ended.",
            (
                "was the machine taken out on purpose? Then mute it until tomorrow.",
                "`promtool check config`, and the targets' page of Prometheus.",
                "does service discovery still list it?",
            ),
            "Nothing on that machine is watched.",
            (d.OVERVIEW, "Programs"),
            hold="10m",
        ),
    ),
)
