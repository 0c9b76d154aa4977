"""A page joined to a spool: written before it is shown, merged with the others', folded in the background."""

from __future__ import annotations

import errno
import os
import threading

import pytest

from genotel import guard
from genotel.exposition.page import Page
from genotel.exposition.series import Block, Family, HistogramSeries, NumberSeries
from genotel.exposition.text_format import TEXT_0_0_4
from genotel.spool import spool as spool_module
from genotel.spool.folder import SpoolFolder, read_file
from genotel.spool.spool import FILES_AT_ONCE, FOLDING_SECONDS, Spool, open_spool
from tests.observed import lenient
from tests.unit.spool.conftest import JOBS, LOAD, FakeWorker, number


class Counted:
    """A source with one counter that is moved by hand."""

    def __init__(self, jobs: float = 0) -> None:
        self.jobs = jobs
        self.asked = 0
        self.series = NumberSeries({"model": "sdxl"})

    def blocks(self) -> list[Block]:
        """Return the counter."""
        self.asked += 1
        return [Block(JOBS, [(self.series, self.jobs)])]


class SteppedEvent(threading.Event):
    """Instead of waiting, note how long for; say stop after some rounds, doing something at each."""

    def __init__(self, *rounds) -> None:
        super().__init__()
        self.rounds = list(rounds)
        self.waits: list[float] = []

    def wait(self, timeout=None) -> bool:
        """End a round."""
        self.waits.append(timeout)
        if self.rounds:
            self.rounds.pop(0)()
            return False
        return True


def joined(folder, source, **options):
    """Return a page and its spool, without a thread."""
    page = Page([source])
    spool = Spool(folder, page, **options)
    page.join(spool.join)
    return page, spool


def text(page):
    """Return the page without its help."""
    return [line for line in page.render(TEXT_0_0_4).decode().splitlines() if not line.startswith("#")]


def run(spool, *rounds):
    """Run the thread's rounds in this one, and return what it waited for."""
    spool._stopped = SteppedEvent(*rounds)
    spool._run()
    return spool._stopped.waits


def test_a_page_shows_all_processes(tmp_path):
    """Its own live, the others' from their files, and what it knows of them."""
    other, ended = FakeWorker(tmp_path, pid=8), FakeWorker(tmp_path, pid=9)
    other.write([number(JOBS, 3, model="sdxl"), number(LOAD, 0.5)])
    ended.write([number(JOBS, 4, model="sdxl"), number(LOAD, 0.25)])
    ended.kill()
    (tmp_path / "1-ab.worker").write_bytes(b"torn")
    page, _ = joined(tmp_path, Counted(2))
    assert text(page)[:-1] == [
        'jobs_total{model="sdxl"} 9',
        'load{process_pid="8"} 0.5',
        'genotel_spool_workers{genotel_worker_state="live"} 2',
        'genotel_spool_workers{genotel_worker_state="ended"} 1',
        'genotel_spool_workers{genotel_worker_state="unreadable"} 1',
    ]


def test_what_a_page_shows_is_in_the_folder_before(tmp_path):
    """Whoever answers the next scrape knows at least as much, although this process is killed."""
    source = Counted(5)
    page, spool = joined(tmp_path, source)
    page.render(TEXT_0_0_4)
    assert read_file(tmp_path / spool._file.name).snapshot.families[0].rows[0][1] == 5
    source.jobs = 6
    assert text(page)[0].endswith(" 6")
    assert read_file(tmp_path / spool._file.name).snapshot.families[0].rows[0][1] == 6


def test_two_pages_of_one_spool_agree(tmp_path):
    """Each shows its own and the other's."""
    one, other = joined(tmp_path, Counted(1)), joined(tmp_path, Counted(2))
    one[1].start()
    other[1].start()
    assert text(one[0])[0] == text(other[0])[0] == 'jobs_total{model="sdxl"} 3'
    one[1].close()
    other[1].close()


def test_the_age_is_that_of_the_process_that_was_silent_longest(tmp_path, now):
    """A suspended worker's values are old, and the page says so."""
    other = FakeWorker(tmp_path, clock=now.clock)
    other.write(jobs=1)
    page, _ = joined(tmp_path, Counted(), clock=now.clock)
    now.seconds += 30
    assert text(page)[-1] == "genotel_spool_age_seconds 30.0"
    other.file.beat()
    assert text(page)[-1] == "genotel_spool_age_seconds 0.0"


def test_a_clock_that_was_set_back_is_no_negative_age(tmp_path, now):
    """Then nobody was silent."""
    FakeWorker(tmp_path, clock=now.clock).write(jobs=1)
    page, _ = joined(tmp_path, Counted(), clock=now.clock)
    now.seconds -= 30
    assert text(page)[-1] == "genotel_spool_age_seconds 0.0"


def test_the_thread_writes_what_changed(tmp_path, now):
    """Once an interval."""
    source = Counted(1)
    _, spool = joined(tmp_path, source, clock=now.clock, interval_seconds=2.5)
    sequences = []

    def note():
        sequences.append(read_file(tmp_path / spool._file.name).header.sequence)

    def change():
        note()
        source.jobs += 1

    assert run(spool, change, note, note) == [2.5] * 4
    assert sequences == [1, 2, 2]


def test_looking_takes_a_twentieth_of_the_time_at_most(tmp_path, now):
    """A page of a hundred thousand lines is looked at less often."""

    class Slow(Counted):
        def blocks(self):
            now.seconds += 0.5
            return super().blocks()

    _, spool = joined(tmp_path, Slow(), clock=now.clock)
    assert run(spool) == [10.0]


def test_a_process_that_only_exports_is_asked_by_scrapes_alone(tmp_path, now):
    """Collectors are not for free; but it says that it lives."""
    source = Counted(1)
    page, spool = joined(tmp_path, source, clock=now.clock, only_scrapes=True)
    text(page)
    now.seconds += 5

    def look():
        assert read_file(tmp_path / spool._file.name).header.heartbeat == int(now.seconds * 1e9)

    run(spool, look)
    assert source.asked == 1


def test_ended_processes_are_folded_at_the_start_and_once_a_page_has_seen_them(tmp_path, now):
    """By the thread, so that no page waits for a disk."""
    page, spool = joined(tmp_path, Counted(1), clock=now.clock)
    seen = []

    def ended():
        worker = FakeWorker(tmp_path)
        worker.write(jobs=1)
        worker.kill()

    def note():
        seen.append(len(SpoolFolder(tmp_path).read().workers))

    ended()
    run(spool, note, ended, note, lambda: page.render(TEXT_0_0_4), note)
    assert seen == [1, 2, 1]


def test_ended_processes_are_folded_although_nobody_scrapes(tmp_path, now):
    """A thousand jobs a night must not wait for morning."""
    _, spool = joined(tmp_path, Counted(1), clock=now.clock)
    spool._folding_due = False
    worker = FakeWorker(tmp_path)
    worker.write(jobs=1)
    worker.kill()
    seen = []

    def pass_time():
        seen.append(len(SpoolFolder(tmp_path).read().workers))
        now.seconds += FOLDING_SECONDS

    run(spool, pass_time, pass_time)
    assert seen == [2, 1]


@pytest.mark.parametrize(("only_scrapes", "left"), [(False, [24, 8, 0]), (True, [0, 0, 0])])
def test_a_users_program_folds_little_at_a_time(tmp_path, only_scrapes, left):
    """And an exporter all at once; both until nothing is left."""
    for _ in range(FILES_AT_ONCE * 5 // 2):
        worker = FakeWorker(tmp_path)
        worker.write(jobs=1)
        worker.kill()
    page, spool = joined(tmp_path, Counted(1), only_scrapes=only_scrapes)
    seen = []

    def note():
        seen.append(sum(not reading.is_live for reading in SpoolFolder(tmp_path).read().workers))

    run(spool, note, note, note)
    assert seen == left
    assert text(page)[0].endswith(" 41")


def test_something_may_be_done_at_every_look(tmp_path):
    """The page's port is tried again there; what goes wrong with it is not the spool's matter."""
    ticks = []

    def tick():
        ticks.append(1)
        raise ValueError

    _, spool = joined(tmp_path, Counted(1), on_tick=tick)
    with lenient():
        run(spool, lambda: None)
    assert len(ticks) == 2
    assert guard.internal_errors() == {"spool.tick": 2}


def test_closing_writes_the_last_values_and_ends(tmp_path):
    """From then on its counts are those of an ended process, also on its own page."""
    source = Counted(1)
    page, spool = joined(tmp_path, source)
    spool.start()
    assert [thread.name for thread in threading.enumerate()].count("genotel-spool") == 1
    source.jobs = 7
    spool.close()
    spool.close()
    assert [thread.name for thread in threading.enumerate()].count("genotel-spool") == 0
    [reading] = SpoolFolder(tmp_path).read().workers
    assert (reading.is_live, reading.snapshot.families[0].rows[0][1]) == (False, 7)
    source.jobs = 100
    assert text(page)[0] == 'jobs_total{model="sdxl"} 7'
    page.take(spool._keep)
    [reading] = SpoolFolder(tmp_path).read().workers
    assert (reading.is_live, reading.snapshot.families[0].rows[0][1]) == (False, 7)


def test_a_spool_that_never_started_is_closed_too(tmp_path):
    """Its file is there from the closing on."""
    _, spool = joined(tmp_path, Counted(3))
    spool.close()
    assert len(SpoolFolder(tmp_path).read().workers) == 1


def test_a_folder_that_is_gone_costs_the_others_values_only(tmp_path, caplog):
    """One line in the log, the page of this process, and the rest as soon as the folder is back."""
    folder = tmp_path / "spool"
    page, spool = joined(folder, Counted(2))
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    for _ in range(3):
        assert text(page)[0] == 'jobs_total{model="sdxl"} 2'
    run(spool)
    assert sorted(record.args[0] for record in caplog.records) == ["folded", "read", "written"]
    folder.mkdir()
    FakeWorker(folder).write([number(JOBS, 3, model="sdxl")])
    assert text(page)[0] == 'jobs_total{model="sdxl"} 5'


def test_a_full_disk_costs_the_file_only(tmp_path, monkeypatch, caplog):
    """The page goes on."""
    page, spool = joined(tmp_path, Counted(2))

    def fail(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spool._file, "write", fail)
    assert text(page)[0] == 'jobs_total{model="sdxl"} 2'
    assert "No space left on device" in caplog.text


def test_a_page_survives_a_fault_of_ours(tmp_path, monkeypatch):
    """It shows its own process."""
    page, spool = joined(tmp_path, Counted(2))
    monkeypatch.setattr(spool._merger, "merge", lambda _: 1 / 0)
    with lenient():
        assert text(page) == ['jobs_total{model="sdxl"} 2']
    assert guard.internal_errors() == {"exposition.join": 1}


def test_a_users_page_is_joined_and_started(tmp_path):
    """As configure() does it."""
    page = Page([Counted(2)])
    spool = open_spool(tmp_path / "a" / "b", page)
    assert os.stat(tmp_path / "a" / "b").st_mode & 0o777 == 0o700
    assert "genotel_spool_age_seconds" in page.render(TEXT_0_0_4).decode()
    spool.close()


def test_a_folder_that_cannot_be_had_is_one_warning(tmp_path, caplog):
    """The page is that of this process."""
    (tmp_path / "file").write_text("mine")
    page = Page([Counted(2)])
    assert open_spool(tmp_path / "file", page) is None
    assert text(page) == ['jobs_total{model="sdxl"} 2']
    assert len(caplog.records) == 1
    assert "no spool is kept" in caplog.text


def test_families_that_cannot_be_shared_are_left_out(tmp_path):
    """One name that no page could have does not spoil the file for all."""

    class Odd(Counted):
        def blocks(self):
            return [*super().blocks(), Block(Family("a b", "gauge"), [(NumberSeries({}), 1)])]

    page, _ = joined(tmp_path, Odd(2))
    assert text(page)[0] == 'jobs_total{model="sdxl"} 2'
    assert [reading.snapshot for reading in SpoolFolder(tmp_path).read().workers] != [None]


def test_two_sources_of_one_series_are_not_added_up(tmp_path):
    """The first one counts, as on a page without a spool."""
    page, _ = joined(tmp_path, Counted(2))
    page.add_source(Counted(5))
    assert text(page)[0] == 'jobs_total{model="sdxl"} 2'


def test_a_histogram_of_numbers_and_one_of_buckets_are_kept_apart(tmp_path):
    """Another worker has a user's own histogram of the same name; the first shape stays on the page."""
    family = Family("took_seconds", "histogram")
    other = FakeWorker(tmp_path)
    other.write([Block(family, [(NumberSeries({}, None, "_count"), 4.0)])])

    class Bucketed(Counted):
        def blocks(self):
            return [Block(family, [(HistogramSeries({}, (1.0,)), [1, 0], 0.5)])]

    page, _ = joined(tmp_path, Bucketed())
    assert text(page)[:2] == ['took_seconds_bucket{le="1.0"} 1', 'took_seconds_bucket{le="+Inf"} 1']


@pytest.mark.parametrize("signal_within", ["render", "take"])
def test_a_signal_handler_may_flush_in_the_middle_of_a_scrape(tmp_path, signal_within):
    """It runs in the thread that renders; waiting for that thread would be for ever."""
    closed = []

    class Interrupted(Counted):
        def blocks(self):
            if not closed:
                closed.append(True)
                spool.close()
            return super().blocks()

    page, spool = joined(tmp_path, Interrupted(3))
    if signal_within == "render":
        page.render(TEXT_0_0_4)
    else:
        page.take(spool_module.share)
    assert closed
    assert len(SpoolFolder(tmp_path).read().workers) == 1


def test_counts_that_outlive_the_process_are_beside_its_file(tmp_path):
    """Made when the first one is asked for."""
    page, spool = joined(tmp_path, Counted(2))
    text(page)
    counts = spool.give_counts([("jobs", 'model="sdxl"')])
    counts[0] += 5
    assert spool.give_counts([("jobs", 'model="flux"')]) is not None
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == [".counts", ".worker"]
    spool._file.close()
    other, _ = joined(tmp_path, Counted(0))
    assert text(other)[:2] == ['jobs_total{model="sdxl"} 5', 'jobs_total{model="flux"} 0']


def test_without_a_place_for_counts_ordinary_memory_has_to_do(tmp_path, caplog):
    """One line in the log."""
    _, spool = joined(tmp_path / "spool", Counted(2))
    (tmp_path / "spool").rmdir()
    for _ in range(3):
        assert spool.give_counts([("jobs", "")]) is None
    assert len(caplog.records) == 1
