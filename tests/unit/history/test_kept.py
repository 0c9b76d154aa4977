"""A history is read once for a while, and again as soon as something was added to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from genotel.clock import Clock
from genotel.history.from_events import Events
from genotel.history.from_journal import Journal
from genotel.history.from_prometheus import Prometheus
from genotel.history.kept import MAX_KEPT, KeptHistories
from genotel.history.usage import UsageHistory, empty_history
from genotel.journal.rows import CallRow
from genotel.journal.writer import JournalWriter
from histories import EPOCH


@dataclass
class Source:
    """Count how often it was read."""

    place: str | None = "here"
    content: int = 0
    reads: list[int] = field(default_factory=list)

    def mark(self) -> int:
        return self.content

    def load_usage(self) -> UsageHistory:
        self.reads.append(self.content)
        return empty_history("a place")


@dataclass
class Hand:
    """A clock that is moved by hand."""

    seconds: float = 0.0

    @property
    def clock(self) -> Clock:
        return Clock(wall=lambda: self.seconds, monotonic=lambda: self.seconds)


def test_a_history_is_read_again_when_it_is_old_or_something_was_added() -> None:
    """And the share of questions that needed no reading is told."""
    hand, source = Hand(), Source()
    kept = KeptHistories(clock=hand.clock)
    assert kept.hit_ratio is None
    first = kept.load(source, 900.0)
    hand.seconds = 899.0
    assert kept.load(source, 900.0) is first
    hand.seconds = 900.0
    assert kept.load(source, 900.0) is not first
    source.content = 1
    kept.load(source, 900.0)
    assert source.reads == [0, 0, 1]
    assert kept.hit_ratio == pytest.approx(0.25)
    kept.forget()
    kept.load(source, 900.0)
    assert len(source.reads) == 4


def test_zero_seconds_and_sources_without_a_place_keep_nothing() -> None:
    """Each question is a reading."""
    kept = KeptHistories(clock=Hand().clock)
    for source, seconds in ((Source(), 0.0), (Source(place=None), 900.0)):
        kept.load(source, seconds)
        kept.load(source, seconds)
        assert len(source.reads) == 2


def test_the_oldest_is_dropped_where_there_are_many() -> None:
    """A program that asks about ever new places does not grow."""
    kept = KeptHistories(clock=Hand().clock)
    sources = [Source(place=str(number)) for number in range(MAX_KEPT + 1)]
    for source in [*sources, sources[-1], sources[0]]:
        kept.load(source, 900.0)
    assert [len(source.reads) for source in (sources[0], sources[-1])] == [2, 1]


def test_new_rows_of_a_journal_show_at_once(tmp_path: Path) -> None:
    """Also while they are in its write-ahead log only."""
    kept, file = KeptHistories(), tmp_path / "journal.db"
    clock = Clock(wall=lambda: EPOCH, monotonic=lambda: EPOCH)
    writer = JournalWriter(file, clock=clock)
    source = Journal(file, clock=Clock(wall=lambda: EPOCH + 100, monotonic=lambda: EPOCH))
    for count in (1, 2):
        writer.finish(count, CallRow(EPOCH + count, "sdxl", "chat", "test", outcome="ok", duration_seconds=1.0))
        assert writer.flush()
        assert kept.load(source, 900.0).total("requests").sum() == count
    writer.close()


def test_places_are_told_apart(tmp_path: Path) -> None:
    """By file, by address and by who asks; an event file that is gone is told when it is read."""
    file = tmp_path / "events.csv"
    file.write_text("timestamp,model\n1700000000,sdxl\n")
    before = Events(file).mark()
    file.write_text("timestamp,model\n1700000000,sdxl\n1700000001,sdxl\n")
    assert Events(file).mark() != before
    assert Events(tmp_path / "absent.csv").mark() == ()
    assert Events(file).place == Events(str(file)).place
    places = {Prometheus("http://a").place, Prometheus("http://b").place, Prometheus("http://a", tenant="x").place}
    assert len(places | {Journal(file).place, Events(file).place}) == 5
    assert Prometheus("http://a").place == Prometheus("http://a").place
