"""The made-up history: the same for a seed, marked everywhere, and with the stories that it tells."""

from __future__ import annotations

import time

import numpy as np
import pytest

from genotel.demo.simulated_history import DAYS, MARK, MODELS, simulate, write_history
from genotel.history.from_journal import Journal
from genotel.journal.reader import JournalReader
from genotel.recommenders.advice import advise
from genotel.recommenders.registry import DEFAULT_KINDS
from genotel.settings import AdviceSettings

END = 1_750_000_000.0
HISTORY = simulate(END)
DAILY = {model.name: HISTORY.daily_calls(model.label) for model in MODELS}


def test_a_seed_gives_one_history():
    """Another seed gives another; one model less changes nothing of the others."""
    assert simulate(END) == HISTORY
    assert simulate(END, seed=8).calls != HISTORY.calls
    fewer = simulate(END, models=MODELS[1:])
    assert fewer.calls == tuple(call for call in HISTORY.calls if call.model != MODELS[0].label)


def test_everything_says_that_it_is_simulated():
    """By the name of its model, which goes wherever a row goes."""
    assert all(row.model.startswith(MARK) for row in (*HISTORY.calls, *HISTORY.events))
    assert all(call.provider == "simulated" for call in HISTORY.calls)


def test_nothing_lies_outside_of_its_thirty_days():
    """Sorted by time; a load ends before the first call that needs it."""
    times = [call.started_at for call in HISTORY.calls]
    assert times == sorted(times)
    assert HISTORY.start <= times[0] <= times[-1] < HISTORY.end == END
    assert HISTORY.end - HISTORY.start >= DAYS * 86_400


def test_the_days_add_up():
    """Each call lies on one of thirty days."""
    assert all(len(days) == DAYS for days in DAILY.values())
    assert sum(map(sum, DAILY.values())) == len(HISTORY.calls)


@pytest.mark.parametrize("name", ["stable-diffusion-1.5", "controlnet-canny"])
def test_some_died_three_weeks_ago(name):
    """Used before, not once since."""
    assert sum(DAILY[name][:9]) > 20
    assert sum(DAILY[name][9:]) == 0


def test_the_other_stories_are_told_too():
    """One grows, one was tried once, one never, one runs at night, one peaks, one fails, one is rare."""
    assert sum(DAILY["flux.1-dev"][20:]) > 5 * sum(DAILY["flux.1-dev"][:10])
    assert sum(DAILY["kandinsky-2.2"][:2]) == sum(DAILY["kandinsky-2.2"]) > 0
    assert sum(DAILY["hunyuan-video"]) == 0
    assert any(event.model == MARK + "hunyuan-video" and event.kind == "download" for event in HISTORY.events)
    assert min(DAILY["qwen2.5-7b-instruct"]) > 100
    hours = {name: np.bincount(_hours(name), minlength=24) for name in ("qwen2.5-7b-instruct", "wan2.2-t2v-a14b")}
    assert np.flatnonzero(hours["qwen2.5-7b-instruct"]).tolist() == [2]
    assert hours["wan2.2-t2v-a14b"][18:].sum() > 0.8 * hours["wan2.2-t2v-a14b"].sum()
    fate = [call.outcome == "ok" for call in HISTORY.calls if call.model == MARK + "ltx-video"]
    assert 0.2 < np.mean(fate) < 0.45
    assert 3 <= sum(DAILY["cogvideox-5b"]) <= 20


def _hours(name):
    return [int(call.started_at % 86_400 // 3600) for call in HISTORY.calls if call.model == MARK + name]


def test_the_journal_holds_it_all(tmp_path):
    """Every call and event, and somebody who watched from its start to its end."""
    path = tmp_path / "journal.db"
    write_history(HISTORY, path)
    with JournalReader(path) as reader:
        assert sum(1 for _ in reader.calls()) == len(HISTORY.calls)
        assert sum(1 for _ in reader.events()) == len(HISTORY.events)
        watched = min(reader.sessions(), key=lambda session: session.started_at)
        assert (watched.started_at, watched.last_seen_at, watched.rows_dropped) == (HISTORY.start, HISTORY.end, 0)


def test_there_is_advice_on_it(tmp_path):
    """The dead ones are to go, the failing one is to be mended, the living ones are left alone."""
    path = tmp_path / "journal.db"
    # Until now, since a journal's own session begins when it is written.
    write_history(simulate(time.time()), path)
    advice = advise(Journal(path).load_usage(), DEFAULT_KINDS, AdviceSettings())
    advised = {(entry.kind, entry.model.removeprefix(MARK)) for entry in advice.recommendations}
    assert {
        ("cleanup", "stable-diffusion-1.5"),
        ("cleanup", "controlnet-canny"),
        ("cleanup", "kandinsky-2.2"),
        ("cleanup", "hunyuan-video"),
        ("performance", "ltx-video"),
    } <= advised
    wanted = {model for kind, model in advised if kind == "preload"}
    living = {"sdxl-1.0", "flux.1-dev", "wan2.2-t2v-a14b", "qwen2.5-7b-instruct", "cogvideox-5b"}
    assert not living & {model for kind, model in advised if kind != "preload"}
    assert wanted <= living
