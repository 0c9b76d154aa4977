"""What is remembered survives a restart, stays small, and is read without trust."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genotel.errors import InputError
from genotel.recommenders import publish_memory
from genotel.recommenders.publish_claims import Claim
from genotel.recommenders.publish_forecasts import Forecast, Score
from genotel.recommenders.publish_memory import MAX_FORECASTS, MAX_JUDGED, Memory, read_memory, write_memory

CLAIM = Claim("cleanup", "sdxl \ud800", False, 5, 720, 0.97, 1, 7.0, None)
FORECAST = Forecast("1h", 5, ("a",), (0.5,), (1.0,), (0.0,), (2.0,), (1.0,))


def full() -> Memory:
    """Return a memory with something of everything."""
    memory = Memory(source="a store")
    memory.remember(CLAIM)
    memory.results["cleanup", "right"] = 3
    memory.realised_bytes["cleanup"] = 21.0
    memory.realised_seconds["preload"] = 4.5
    memory.remember_outcome("cleanup", 0.9, True)
    memory.since["cleanup", "sdxl"] = 17.5
    memory.told["cleanup", "sdxl", "unused"] = "high"
    memory.remember_forecast(FORECAST)
    memory.remember_score("1h", Score(1, 0.5, 1.0, 0.25, 1))
    return memory


def test_a_memory_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Everything, names that are no text too; and nothing is left beside the file."""
    file = tmp_path / "advice.json"
    write_memory(full(), file)
    again = read_memory(file, "a store")
    whole = full()
    assert again.claims == whole.claims
    assert again.results == whole.results
    assert again.realised_bytes == whole.realised_bytes
    assert again.realised_seconds == whole.realised_seconds
    assert again.judged == whole.judged
    assert again.since == whole.since
    assert again.told == whole.told
    assert again.forecasts == whole.forecasts
    assert list(again.scores["1h"]) == list(whole.scores["1h"])
    assert [entry.name for entry in tmp_path.iterdir()] == ["advice.json"]


def test_a_file_that_is_not_there_is_an_empty_memory(tmp_path: Path) -> None:
    """The first run has nothing to remember."""
    assert read_memory(tmp_path / "none.json", "a store") == Memory(source="a store")


def test_everything_that_grows_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first claim stands, the newest outcomes and forecasts stay."""
    monkeypatch.setattr(publish_memory, "MAX_CLAIMS", 2)
    memory = Memory()
    for hour, name in enumerate("aabc"):
        memory.remember(Claim("cleanup", name, False, hour, 1, 0.9))
    assert [(claim.model, claim.hour) for claim in memory.claims.values()] == [("a", 0), ("b", 2)]
    for k in range(MAX_JUDGED + 5):
        memory.remember_outcome("cleanup", k / 1e4, True)
        memory.remember_forecast(Forecast("1h", k, (), (), (), (), (), ()))
        memory.remember_forecast(Forecast("1h", k, (), (), (), (), (), ()))
    assert len(memory.judged["cleanup"]) == MAX_JUDGED
    assert memory.judged["cleanup"][0] == (5 / 1e4, 1)
    assert len(memory.forecasts) == MAX_FORECASTS


def test_a_memory_of_another_place_is_refused(tmp_path: Path) -> None:
    """Silence there says nothing about claims made here."""
    file = tmp_path / "advice.json"
    write_memory(full(), file)
    with pytest.raises(InputError, match="remembers advice about a store, not about another; name another file"):
        read_memory(file, "another")


def test_a_memory_of_a_newer_genotel_is_refused(tmp_path: Path) -> None:
    """It may hold what this one would lose."""
    file = tmp_path / "advice.json"
    file.write_text('{"version": 2}')
    with pytest.raises(InputError, match="a newer genotel wrote this memory of advice"):
        read_memory(file, "a store")


def mangled() -> list[object]:
    """Return memories with one thing wrong in each."""
    good = {
        "version": 1,
        "source": "a store",
        "claims": [],
        "results": [],
        "realised_bytes": {},
        "realised_seconds": {},
        "judged": {},
        "since": [],
        "told": [],
        "forecasts": [],
        "scores": {},
    }
    claim = {"kind": "cleanup", "model": "a", "is_use_expected": False, "hour": 1, "hours": 1, "confidence": 0.5}
    made = {"horizon": "1h", "hour": 1, "models": ["a"], **{name: [1.0] for name in ("probability", "level", "lower")}}
    return [
        [],
        None,
        {},
        good | {"claims": [claim | {"hour": "x"}]},
        good | {"claims": [claim | {"extra": 1}]},
        good | {"claims": [claim | {"hours": 0}]},
        good | {"claims": [claim | {"model": 5}]},
        good | {"results": [["cleanup", "right"]]},
        good | {"realised_bytes": {"cleanup": "many"}},
        good | {"judged": {"cleanup": [[0.5]]}},
        good | {"since": [["cleanup", 5, 1.0]]},
        good | {"forecasts": [made | {"upper": [1.0], "naive": [1.0, 2.0]}]},
        good | {"forecasts": [made | {"upper": [1.0], "naive": [1.0], "horizon": "1w"}]},
        good | {"scores": {"1h": [{"n": 1}]}},
        good | {"source": 5},
    ]


@pytest.mark.parametrize("content", mangled())
def test_a_damaged_memory_is_one_clear_line(tmp_path: Path, content: object) -> None:
    """Whatever is wrong inside of it."""
    file = tmp_path / "advice.json"
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="is no memory of advice, or a damaged one; remove it to begin anew"):
        read_memory(file, "a store")


@given(cut=st.integers(0, 900), junk=st.binary(max_size=5))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_cut_or_overwritten_memory_never_ends_in_a_traceback(tmp_path: Path, cut: int, junk: bytes) -> None:
    """It is read, or refused in one line."""
    file = tmp_path / "advice.json"
    write_memory(full(), file)
    whole = file.read_bytes()
    file.write_bytes(whole[:cut] + junk + whole[cut + len(junk) :] if cut % 2 else whole[:cut])
    with suppress(InputError):
        read_memory(file, "a store")


def test_places_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    """A folder, a folder that is not there."""
    with pytest.raises(InputError, match="cannot be read"):
        read_memory(tmp_path, "a store")
    with pytest.raises(InputError, match="cannot be written"):
        write_memory(Memory(), tmp_path / "no" / "advice.json")


def test_a_full_disk_keeps_the_memory_that_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is replaced as a whole or not at all."""

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    file = tmp_path / "advice.json"
    write_memory(full(), file)
    before = file.read_bytes()
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(InputError, match="No space left on device"):
        write_memory(Memory(source="a store"), file)
    assert file.read_bytes() == before
