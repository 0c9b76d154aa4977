"""The journal as a source of the page."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

import pytest

from genotel.collectors.collector import NoData
from genotel.collectors.journal import JournalCollector
from genotel.errors import JournalError
from genotel.journal.reader import JournalReader
from genotel.journal.rows import CallRow
from genotel.journal.writer import JournalWriter
from genotel.semconv.model_metrics import LAST_USED
from genotel.semconv.self_metrics import JOURNAL_SIZE
from genotel.settings import load_settings


def collector(path):
    """Return a collector of that journal."""
    made = JournalCollector()
    made.configure(load_settings({"journal": path}, environ={}))
    return made


def test_without_a_journal_there_is_nothing_to_measure():
    """No path, no file, no thread."""
    made = JournalCollector()
    made.configure(load_settings({}, environ={}))
    with pytest.raises(NoData):
        list(made.collect())
    made.close()


def test_it_tells_the_size_and_each_model_s_last_use(tmp_path):
    """A model used under two operations has one last use."""
    path = tmp_path / "journal.db"
    writer = JournalWriter(path)
    now = time.time()
    for number, (model, operation) in enumerate([("a", "chat"), ("b", "chat"), ("a", "embeddings")]):
        row = CallRow(now - number, model, operation, "x", outcome="ok", duration_seconds=1.0)
        writer.start(number, lambda row=row: row)
        writer.finish(number, row)
    writer.close()
    made = collector(path)
    readings = list(made.collect())
    made.close()
    assert [(spec, labels) for spec, labels, _ in readings] == [
        (JOURNAL_SIZE, ()),
        (LAST_USED, ("a",)),
        (LAST_USED, ("b",)),
    ]
    assert readings[0][2] > 0
    assert [value for _, _, value in readings[1:]] == [now, now - 1]


def test_it_says_that_somebody_is_watching(tmp_path):
    """Days without programs are days without use, not without telemetry."""
    path = tmp_path / "journal.db"
    made = collector(path)
    end = time.monotonic() + 10
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.01)
    made.close()
    with JournalReader(path) as reader:
        assert len(reader.sessions()) == 1


def test_a_refused_journal_is_refused_at_once(tmp_path):
    """The exporter says so in one line instead of serving a page without it."""
    path = tmp_path / "journal.db"
    JournalWriter(path).close()
    collector(path).close()
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version=99")
    with pytest.raises(JournalError):
        collector(path)
