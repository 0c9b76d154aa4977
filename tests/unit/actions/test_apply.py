"""Acting upon advice: here, agreed to, unused and unchanged, or not at all."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from genotel.actions import apply as applying
from genotel.actions.apply import Machine, Outcome, Plan, apply, plan, this_machine
from genotel.actions.removal import Obstacle
from genotel.actions.trash import restore
from genotel.clock import SYSTEM_CLOCK
from genotel.journal.rows import CallRow
from genotel.journal.writer import JournalWriter
from genotel.settings import load_settings
from tests.model_trees import cached_repository, ollama_model, weigh
from tests.unit.actions.shelves import MIB, START, cleanup, machine, models, places


def agree(_planned: Plan) -> bool:
    """Agree to everything."""
    return True


@pytest.fixture
def store(tmp_path):
    """Return a store of two models."""
    weigh(tmp_path / "s" / "a.safetensors", MIB)
    weigh(tmp_path / "s" / "b.safetensors", 2 * MIB)
    return tmp_path / "s"


def test_what_is_agreed_to_moves(store):
    """And comes back; what is declined, or not here, stays."""
    before = models(store)
    advice = [cleanup("a.safetensors"), cleanup("b.safetensors"), cleanup("elsewhere")]
    results = list(apply(advice, START, machine(store), lambda planned: planned.removal.model.startswith("a")))
    assert [(result.model, result.outcome) for result in results] == [
        ("a.safetensors", Outcome.MOVED),
        ("b.safetensors", Outcome.DECLINED),
        ("elsewhere", Outcome.REFUSED),
    ]
    assert results[2].obstacle is Obstacle.NOT_ON_THIS_MACHINE
    assert results[0].freed_bytes == MIB
    assert set(models(store)) == {"b.safetensors"}
    restore(results[0].undo_file)
    assert models(store) == before


def test_a_model_of_two_stores_goes_from_both(store, tmp_path):
    """Each has its own undo file, in its own store."""
    weigh(tmp_path / "t" / "a.safetensors", MIB)
    results = list(apply([cleanup("a.safetensors")], START, machine(store, tmp_path / "t"), agree))
    assert [result.undo_file.parts[-4] for result in results] == ["s", "t"]


def test_the_last_of_those_that_share_takes_the_shared_along(tmp_path):
    """The layer stays with the first, since the second needs it, and goes with the second."""
    ollama_model(tmp_path, "r/a:1", {"aa": 10, "bb": MIB})
    ollama_model(tmp_path, "r/b:1", {"cc": 10, "bb": MIB})
    first, second = apply([cleanup("r/a:1"), cleanup("r/b:1")], START, machine(tmp_path), agree)
    assert first.freed_bytes < MIB < second.freed_bytes
    assert os.listdir(tmp_path / "blobs") == []
    for result in (second, first):
        restore(result.undo_file)
    assert len(places(tmp_path)) == 2


def refusal(advice, on, ask=agree):
    """Return the obstacle of the only result."""
    (result,) = apply([advice], START, on, ask)
    assert result.outcome is Outcome.REFUSED
    assert result.undo_file is None
    return result.obstacle


def test_a_file_read_later_than_its_last_use_stays(store, monkeypatch):
    """Somebody uses it without being seen; a day of slack, as filesystems round."""
    monkeypatch.setattr(applying, "plan_removal", read_at(START + 86_401))
    assert refusal(cleanup("a.safetensors", last_used=START), machine(store)) is Obstacle.READ_SINCE
    monkeypatch.setattr(applying, "plan_removal", read_at(START + 86_399))
    assert [result.outcome for result in apply([cleanup("a.safetensors")], START, machine(store), agree)] == [
        Outcome.MOVED
    ]


def test_without_a_use_the_history_s_begin_counts(store, monkeypatch):
    """What was read before anybody watched says nothing, nor does the reading that follows a download."""
    monkeypatch.setattr(applying, "plan_removal", read_at(START - 5))
    assert len(list(plan([cleanup("a.safetensors", last_used=None)], START, machine(store)))) == 1
    monkeypatch.setattr(applying, "plan_removal", read_at(START + 90_000))
    assert refusal(cleanup("a.safetensors", last_used=None), machine(store)) is Obstacle.READ_SINCE
    monkeypatch.setattr(applying, "plan_removal", read_at(START + 90_000, modified=START + 80_000))
    (planned,) = plan([cleanup("a.safetensors", last_used=None)], START, machine(store))
    assert isinstance(planned, Plan)


def read_at(seconds: float, modified: float = 500.0):
    """Return a planner that finds files read at a time, as some filesystems here do not keep it."""
    real = applying.plan_removal
    real = getattr(real, "real", real)

    def planner(place, needed):
        return dataclasses.replace(real(place, needed), last_read=seconds, last_modified=modified)

    planner.real = real
    return planner


def test_a_use_after_the_advice_counts(store, tmp_path):
    """As the journal of this machine knows it."""
    writer = JournalWriter(tmp_path / "j.db")
    writer.finish(1, CallRow(START + 100, "a.safetensors", "chat", "test", outcome="ok"))
    writer.flush()
    writer.close()
    on = machine(store, journals=(tmp_path / "j.db",))
    assert refusal(cleanup("a.safetensors", last_used=START), on) is Obstacle.USED_SINCE


def test_an_open_file_keeps_its_model(store, tmp_path):
    """The process is named; it may come while somebody is being asked."""
    proc = tmp_path / "proc"
    (proc / "10" / "fd").mkdir(parents=True)
    (proc / "10" / "maps").write_text("")
    (proc / "10" / "comm").write_text("ollama\n")

    def opened_meanwhile(_planned: Plan) -> bool:
        (proc / "10" / "fd" / "3").symlink_to(store / "a.safetensors")
        return True

    on = machine(store, proc=str(proc))
    assert refusal(cleanup("a.safetensors"), on, opened_meanwhile) is Obstacle.IN_USE
    (result,) = apply([cleanup("a.safetensors")], START, on, agree)
    assert result.detail == "process 10 (ollama) has its files open"


def test_a_loaded_model_stays(store, monkeypatch):
    """The page of this machine says so."""
    monkeypatch.setattr(applying, "loaded_on_page", lambda _host, _port, model: f"{model} is loaded")
    on = dataclasses.replace(machine(store), page=("127.0.0.1", 1))
    assert refusal(cleanup("a.safetensors"), on) is Obstacle.IN_USE


@pytest.mark.parametrize("change", ["another", "gone", "renamed"])
def test_what_changes_while_somebody_is_asked_stays(store, change):
    """Only what was shown is moved."""

    def changed(_planned: Plan) -> bool:
        file = store / "a.safetensors"
        if change == "another":
            weigh(file, 3 * MIB)
        elif change == "gone":
            file.unlink()
        else:
            file.rename(store / "renamed.safetensors")
        return True

    assert refusal(cleanup("a.safetensors"), machine(store), changed) is Obstacle.CHANGED


def test_a_second_place_that_appears_is_not_moved_instead(tmp_path):
    """The same name in the same store, elsewhere: nobody was shown that."""
    weigh(tmp_path / "x" / "a.safetensors", MIB)

    def moved(_planned: Plan) -> bool:
        (tmp_path / "x" / "a.safetensors").unlink()
        weigh(tmp_path / "y" / "a.safetensors", MIB)
        return True

    assert refusal(cleanup("a.safetensors"), machine(tmp_path), moved) is Obstacle.CHANGED


def test_a_disk_that_refuses_is_said(store, monkeypatch):
    """Where the trash cannot be made."""
    (store / ".genotel-trash").write_text("in the way")
    assert refusal(cleanup("a.safetensors"), machine(store)) is Obstacle.NO_ACCESS
    assert len(models(store)) == 2


def test_a_model_of_another_machine_s_folder_is_refused(tmp_path):
    """What the planner says is told."""
    cached_repository(tmp_path, "org/a", {"x.safetensors": MIB})
    (tmp_path / "models--org--a" / "blobs").rename(tmp_path / "outside")
    weigh(tmp_path / "s" / "real.safetensors", MIB)
    (tmp_path / "s" / "link.safetensors").symlink_to(tmp_path / "outside" / f"{0:064x}")
    assert refusal(cleanup("link.safetensors"), machine(tmp_path / "s")) is Obstacle.REACHED_BY_LINK


def test_this_machine_is_what_the_settings_say(tmp_path, clean_environment: Path):
    """Its folders, names, page and journals."""
    weigh(tmp_path / "m" / "a.safetensors", MIB)
    (tmp_path / "genotel.toml").write_text("")
    journal = tmp_path / "j.db"
    journal.write_text("")
    settings = load_settings(
        {
            "model_folders": (f"mine={tmp_path / 'm'}",),
            "model_names": {"a.*": "sdxl"},
            "port": 9999,
            "journal": journal,
        }
    )
    found = this_machine(settings, tmp_path / "missing.db")
    assert isinstance(found, Machine)
    assert [(place.model, place.location) for place in found.find()] == [("sdxl", "mine")]
    assert found.page == ("127.0.0.1", 9999)
    assert found.journals == (journal,)
    assert this_machine(load_settings({"page": False})).page is None
    assert SYSTEM_CLOCK.wall() > START
