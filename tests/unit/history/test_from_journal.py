"""A history from a journal knows what was written down, and when nobody was there to write."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from genotel.clock import Clock
from genotel.errors import JournalError
from genotel.history.from_journal import Journal
from genotel.history.usage import BatchUse, MemoryFailures, UsageHistory
from genotel.journal.connecting import connect
from genotel.journal.retention import prune
from genotel.journal.rows import CallRow, EventRow
from genotel.journal.writer import JournalWriter
from genotel.semconv import attributes as a
from histories import EPOCH, EPOCH_DAY

DAY = 86_400.0
HOUR = 3600.0


def call(at: float, model: str, outcome: str | None = a.OUTCOME_OK, seconds: float | None = 2.0) -> CallRow:
    """Return one call."""
    return CallRow(
        at, model, "generate_content", "test", outcome=outcome, duration_seconds=seconds, parameters={"steps": 30}
    )


@dataclass
class WrittenJournal:
    """Write to a journal as if it were some time after EPOCH."""

    path: Path

    def write(
        self,
        *rows: CallRow | EventRow,
        watched: tuple[tuple[float, float], ...] = (),
        now: float = EPOCH + 10 * DAY,
    ) -> None:
        """Append rows and stretches of watching; the writing itself is watched at ``now``."""
        clock = Clock(wall=lambda: now, monotonic=lambda: now)
        writer = JournalWriter(self.path, clock=clock)
        for key, row in enumerate(rows):
            if isinstance(row, EventRow):
                writer.event(row)
            else:
                writer.finish(key, row)
        for stretch in watched:
            writer.watched(*stretch)
        assert writer.flush()
        writer.close()

    def read(self, now: float = EPOCH + 10 * DAY) -> UsageHistory:
        """Return the history as it is told at ``now``."""
        return Journal(self.path, clock=Clock(wall=lambda: now)).load_usage()


@pytest.fixture
def journal(tmp_path: Path) -> WrittenJournal:
    """Return a journal that is not there yet."""
    return WrittenJournal(tmp_path / "journal.db")


def test_calls_and_loads_become_hours_of_models(journal: WrittenJournal) -> None:
    """Counts, durations, loads and parameters are those of the rows."""
    journal.write(
        call(EPOCH + 9 * DAY, "sdxl"),
        call(EPOCH + 9 * DAY + 60, "sdxl", a.OUTCOME_ERROR, 4.0),
        call(EPOCH + 9 * DAY + 2 * HOUR, "sdxl", a.OUTCOME_CANCELLED, None),
        EventRow(EPOCH + 9 * DAY, "flux", a.EVENT_LOAD, a.OUTCOME_OK, 20.0),
        watched=((EPOCH + 8 * DAY, EPOCH + 10 * DAY),),
    )
    known = journal.read()
    assert known.source == "journal journal.db"
    assert known.models == ("flux", "sdxl")
    assert (known.start, known.end) == (EPOCH + 8 * DAY, EPOCH + 10 * DAY)
    assert known.observed.all()
    assert known.total("requests").tolist() == [0.0, 3.0]
    assert known.total("succeeded").tolist() == [0.0, 1.0]
    assert known.total("failed").tolist() == [0.0, 1.0]
    assert known.total("duration_seconds").tolist() == [0.0, 6.0]
    assert known.total("timed").tolist() == [0.0, 2.0]
    assert known.total("loads").tolist() == [1.0, 0.0]
    assert known.total("load_seconds").tolist() == [20.0, 0.0]
    assert known.hourly.hour[known.hourly.model == 1].tolist() == [(EPOCH_DAY + 9) * 24, (EPOCH_DAY + 9) * 24 + 2]
    np.testing.assert_array_equal(known.last_used, [np.nan, EPOCH + 9 * DAY + 2 * HOUR])
    assert known.first_seen.tolist() == [EPOCH + 9 * DAY, EPOCH + 9 * DAY]
    assert [(use.model, use.parameter, use.value, use.requests) for use in known.parameters] == [
        ("sdxl", "steps", "30", 3)
    ]


def test_failures_of_memory_and_batch_sizes_are_told_apart(journal: WrittenJournal) -> None:
    """By hour and by day; the largest of a call's batch sizes counts, words and failures do not."""
    start = EPOCH + 9 * DAY

    def sized(at: float, parameters: dict[str, object], outcome: str = a.OUTCOME_OK) -> CallRow:
        return call(at, "sdxl", outcome)._replace(parameters=parameters)

    journal.write(
        sized(start, {"batch_size": 2, "num_images_per_prompt": 4}),
        sized(start + 60, {"batch_size": 4.0}),
        sized(start + 120, {"batch_size": "four", "steps": 9}),
        sized(start + 180, {"batch_size": 4}, a.OUTCOME_OUT_OF_MEMORY),
        sized(start + 240, {"batch_size": 0}),
        call(start, "flux", a.OUTCOME_OUT_OF_MEMORY),
        watched=((EPOCH + 8 * DAY, EPOCH + 10 * DAY),),
    )
    known = journal.read()
    hour = (EPOCH_DAY + 9) * 24
    assert known.out_of_memory == (MemoryFailures("flux", hour, 1), MemoryFailures("sdxl", hour, 1))
    assert known.batches == (BatchUse("sdxl", 4.0, EPOCH_DAY + 9, 2, 4.0),)
    assert known.operations == ("generate_content", "generate_content")


def test_days_without_a_watcher_are_not_observed(journal: WrittenJournal) -> None:
    """From the third to the fifth day nobody was there."""
    journal.write(call(EPOCH, "sdxl"), watched=((EPOCH, EPOCH + 2 * DAY), (EPOCH + 5 * DAY + HOUR, EPOCH + 10 * DAY)))
    known = journal.read()
    assert (known.hidden_days - EPOCH_DAY).tolist() == [3, 4]


def test_last_night_ends_the_history_and_last_week_leaves_a_gap(journal: WrittenJournal) -> None:
    """What happened since somebody last watched is not known, which after a day begins to matter."""
    journal.write(call(EPOCH, "sdxl"), watched=((EPOCH, EPOCH + 4 * DAY),), now=EPOCH + 4 * DAY)
    soon = journal.read(now=EPOCH + 4 * DAY + 20 * HOUR)
    assert soon.end == EPOCH + 4 * DAY
    assert soon.observed.all()
    late = journal.read(now=EPOCH + 7 * DAY)
    assert late.end == EPOCH + 7 * DAY
    assert (late.hidden_days - EPOCH_DAY).tolist() == [5, 6, 7]


def test_calls_that_were_killed_are_uses(journal: WrittenJournal) -> None:
    """A model whose process died under it was asked for all the same."""
    writer = JournalWriter(journal.path, clock=Clock(wall=lambda: EPOCH, monotonic=lambda: EPOCH))
    writer.start(1, lambda: call(EPOCH, "sdxl", None, None))
    writer.flush()
    writer.close()
    with closing(connect(journal.path)) as connection:
        connection.execute("UPDATE sessions SET boot = 'an earlier one'")
    known = journal.read(now=EPOCH + 0.5 * DAY)
    assert known.last_used.tolist() == [EPOCH]
    assert known.total("requests").tolist() == [1.0]
    assert known.total("failed").tolist() == [0.0]


def test_losses_take_the_certainty_from_their_days(journal: WrittenJournal) -> None:
    """A session that saw more than it could write may have lost the one use of a model."""
    clock = Clock(wall=lambda: EPOCH + DAY, monotonic=lambda: EPOCH)
    writer = JournalWriter(journal.path, clock=clock, max_pending=1, flush_interval_seconds=3600)
    writer.watched(EPOCH - 3 * DAY, EPOCH)
    writer.flush()
    for key in range(50):
        writer.finish(key, call(EPOCH + DAY, "sdxl"))
    dropped = writer.rows_dropped
    writer.close()
    assert dropped
    assert (journal.read(now=EPOCH + DAY).hidden_days - EPOCH_DAY).tolist() == [1]


def test_days_stand_in_for_hours_that_are_no_longer_kept(journal: WrittenJournal) -> None:
    """A session that lasted longer than the retention has watched all its days, and what was used on them."""
    journal.write(
        call(EPOCH + 5 * HOUR, "old"),
        *(call(EPOCH + day * DAY + hour * HOUR, "sdxl") for day in range(10) for hour in (3, 4, 4)),
        watched=((EPOCH, EPOCH + 10 * DAY),),
    )
    whole = journal.read()
    with closing(connect(journal.path)) as connection:
        while prune(connection, EPOCH + 5.4 * DAY):
            pass
    part = journal.read()
    assert part.start == EPOCH
    assert part.models == whole.models
    assert part.total("requests").tolist() == whole.total("requests").tolist() == [1.0, 30.0]
    assert part.total("succeeded").tolist() == [1.0, 30.0]
    days = part.hourly.hour[part.hourly.model == 1] // 24 - EPOCH_DAY
    assert sorted(set(days.tolist())) == list(range(10))
    assert part.hourly.hour[0] % 24 == 5
    assert len(part.hourly.hour) < len(whole.hourly.hour)


def test_a_clock_that_was_ahead_makes_no_use_of_the_future(journal: WrittenJournal) -> None:
    """The history ends now at the latest."""
    journal.write(
        call(EPOCH + DAY, "sdxl"), call(EPOCH + 9 * DAY, "flux"), now=EPOCH + 9 * DAY, watched=((EPOCH, EPOCH + DAY),)
    )
    known = journal.read(now=EPOCH + 2 * DAY)
    assert known.end == EPOCH + 2 * DAY
    assert known.last_used.max() <= known.end
    assert known.total("requests").tolist() == [0.0, 1.0]


def test_a_journal_that_nobody_wrote_to_is_an_empty_history(journal: WrittenJournal) -> None:
    """No data is a value."""
    journal.path.touch()
    assert not journal.read().has_data


def test_a_journal_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """One line that names the file and says how a journal begins."""
    with pytest.raises(JournalError, match=r"absent\.db: no such journal"):
        Journal(tmp_path / "absent.db").load_usage()
