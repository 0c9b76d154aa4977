"""A checkpoint remembers what the store forgot, exactly, and is never half of one."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genotel.analysis.recalibration import recalibrated_probability
from genotel.errors import InputError
from genotel.history import checkpoint
from genotel.history.checkpoint import Checkpointed, merge, read_checkpoint, write_checkpoint
from genotel.history.from_events import Events
from genotel.history.hourly import HOURS_PER_DAY, SECONDS_PER_DAY, HourTable
from genotel.history.usage import UsageHistory, empty_history
from histories import EPOCH, EPOCH_DAY, history

DAYS = 60


def whole(seed: int = 1, models: int = 40) -> UsageHistory:
    """Return a history of models that are used at random until they die."""
    rng = np.random.default_rng(seed)
    uses = {
        f"m{number:02d}": sorted(rng.integers(0, rng.integers(2, DAYS), size=1 + number % 7).tolist())
        for number in range(models)
    }
    return history(uses, days=DAYS, hidden=(17,), sizes={"m01": 5.0})


def part(known: UsageHistory, first_day: int, last_day: int) -> UsageHistory:
    """Return what a store would tell that keeps some whole days only."""
    start, end = EPOCH + first_day * SECONDS_PER_DAY, EPOCH + last_day * SECONDS_PER_DAY - 1
    begin, stop = (EPOCH_DAY + first_day) * HOURS_PER_DAY, (EPOCH_DAY + last_day) * HOURS_PER_DAY
    table = known.hourly
    rows = (table.hour >= begin) & (table.hour < stop)
    names = sorted({known.models[model] for model in table.model[rows]})
    place = {name: index for index, name in enumerate(names)}
    model = np.array([place[known.models[model]] for model in table.model[rows]], dtype=np.int64)
    hour = table.hour[rows]
    first, last = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    middle = hour * 3600.0
    np.minimum.at(first, model, middle)
    np.maximum.at(last, model, middle)
    offset = first_day * HOURS_PER_DAY
    return UsageHistory(
        source="a store",
        start=start,
        end=end,
        models=tuple(names),
        observed=known.observed[offset : offset + (last_day - first_day) * HOURS_PER_DAY],
        hourly=HourTable.gather(model, hour, requests=table.requests[rows], succeeded=table.succeeded[rows]),
        first_seen=np.array([known.first_seen[known.index(name)] for name in names]),
        last_used=last,
        size_bytes=np.array([known.size_bytes[known.index(name)] for name in names]),
    )


@dataclass
class Store:
    """A source that tells one history after the other."""

    tells: list[UsageHistory]

    def load_usage(self) -> UsageHistory:
        return self.tells.pop(0)


def same(one: UsageHistory, other: UsageHistory) -> None:
    """Fail unless two histories tell the same."""
    assert one.models == other.models
    assert (one.start, one.end) == (other.start, other.end)
    assert one.observed.tolist() == other.observed.tolist()
    for name in ("model", "hour", "requests", "succeeded", "duration_seconds"):
        assert getattr(one.hourly, name).tolist() == getattr(other.hourly, name).tolist()
    np.testing.assert_array_equal(one.first_seen, other.first_seen)
    np.testing.assert_array_equal(one.last_used, other.last_used)
    np.testing.assert_array_equal(one.size_bytes, other.size_bytes)


def test_three_runs_over_a_short_store_equal_one_over_a_long_one(tmp_path: Path) -> None:
    """Counts, observation and every probability, to 1e-9."""
    known = part(whole(), 0, DAYS)
    file = tmp_path / "checkpoint.npz"
    store = Store([part(known, 0, 20), part(known, 12, 35), part(known, 30, DAYS)])
    for _ in range(3):
        told = Checkpointed(store, file).load_usage()
    same(told, known)
    same(read_checkpoint(file), known)
    expected = recalibrated_probability(known, 30.0)
    np.testing.assert_allclose(recalibrated_probability(told, 30.0), expected, rtol=0, atol=1e-9)
    assert told.source == "a store and checkpoint checkpoint.npz"
    assert told.span_days > 59


@given(cuts=st.lists(st.tuples(st.integers(0, 40), st.integers(5, 20)), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_any_windows_that_leave_no_gap_give_the_whole(cuts: list[tuple[int, int]]) -> None:
    """In any order, with any overlap of a day or more."""
    known = part(whole(models=6), 0, DAYS)
    told = part(known, 0, 30)
    for first, length in [*cuts, (25, DAYS - 25)]:
        told = merge(told, part(known, first, min(first + length, DAYS)))
    assert told.total("requests").tolist() == known.total("requests").tolist()
    assert told.observed.tolist() == known.observed.tolist()


def test_time_between_two_runs_that_nobody_kept_counts_as_unseen() -> None:
    """And the models of before are still known."""
    known = part(whole(), 0, DAYS)
    told = merge(part(known, 0, 10), part(known, 20, DAYS))
    assert not told.observed[10 * HOURS_PER_DAY : 20 * HOURS_PER_DAY].any()
    # The hours of an end and of a beginning are known in part only.
    assert (~told.observed[: 17 * HOURS_PER_DAY]).sum() == 1 + 7 * HOURS_PER_DAY
    assert set(part(known, 0, 10).models) <= set(told.models)


def test_an_hour_that_the_store_lost_is_told_by_the_file() -> None:
    """Missing scrapes take nothing away that was known."""
    known = part(whole(), 0, DAYS)
    lost = replace(part(known, 5, DAYS), observed=np.zeros((DAYS - 5) * HOURS_PER_DAY, dtype=bool))
    told = merge(part(known, 0, 30), lost)
    assert told.observed[: 16 * HOURS_PER_DAY].all()
    assert not told.observed[31 * HOURS_PER_DAY :].any()


def test_an_empty_store_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    """No history is no news."""
    known = part(whole(), 0, 20)
    file = tmp_path / "checkpoint.npz"
    write_checkpoint(known, file)
    same(Checkpointed(Store([empty_history("a store")]), file).load_usage(), known)
    same(read_checkpoint(file), known)


def test_its_place_and_mark_are_those_of_what_is_read(tmp_path: Path) -> None:
    """Two checkpoints of one file are two places; a source that cannot be told apart is none."""
    (tmp_path / "events.csv").write_text("timestamp,model\n1700000000,sdxl\n")
    events = Events(tmp_path / "events.csv")
    one, other = Checkpointed(events, tmp_path / "a"), Checkpointed(events, tmp_path / "b")
    assert one.place != other.place
    assert one.place == Checkpointed(events, tmp_path / "a").place
    assert one.mark() == events.mark()
    unknown = Checkpointed(Store([]), tmp_path / "a")
    assert unknown.place is None
    assert unknown.mark() is None


def test_a_first_run_without_data_makes_an_empty_file(tmp_path: Path) -> None:
    """Which can be read again."""
    file = tmp_path / "checkpoint.npz"
    assert not Checkpointed(Store([empty_history("a store")]), file).load_usage().has_data
    assert not read_checkpoint(file).has_data


@pytest.mark.parametrize("damage", [b"", b"not a file of ours", b"PK\x03\x04" + b"\0" * 40])
def test_a_damaged_file_is_one_line_and_stays(damage: bytes, tmp_path: Path) -> None:
    """Never a traceback, and never overwritten by what is left."""
    file = tmp_path / "checkpoint.npz"
    file.write_bytes(damage)
    with pytest.raises(InputError, match="is no checkpoint, or a damaged one"):
        Checkpointed(Store([part(whole(), 0, 20)]), file).load_usage()
    assert file.read_bytes() == damage


def test_half_a_file_and_a_file_of_the_future_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each in one line."""
    file = tmp_path / "checkpoint.npz"
    monkeypatch.setattr(checkpoint, "VERSION", 9)
    write_checkpoint(part(whole(), 0, 20), file)
    monkeypatch.undo()
    with pytest.raises(InputError, match="newer genotel"):
        read_checkpoint(file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(InputError, match="damaged"):
        read_checkpoint(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_checkpoint(tmp_path)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, for example."""
    file = tmp_path / "checkpoint.npz"
    known = part(whole(), 0, 20)
    write_checkpoint(known, file)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(InputError, match="cannot be written \\(No space left"):
        write_checkpoint(part(whole(), 0, 30), file)
    monkeypatch.undo()
    same(read_checkpoint(file), known)
    assert [entry.name for entry in tmp_path.iterdir()] == ["checkpoint.npz"]
