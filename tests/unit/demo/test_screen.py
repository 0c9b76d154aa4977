"""What is shown, at the widths that terminals have."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from genotel.demo.live_workload import Glimpse
from genotel.demo.page_figures import PageFigures
from genotel.demo.prometheus_figures import PrometheusFigures
from genotel.demo.screen import View, agreement, history_table, live_view, plain_line, sparkline
from genotel.demo.simulated_history import MODELS, simulate
from genotel.demo.workload import Workload

HISTORY = simulate(1_750_000_000.0)


def text_of(renderable, width=80):
    """Return what a terminal without colours shows."""
    file = io.StringIO()
    Console(file=file, width=width, highlight=False, markup=False, emoji=False).print(renderable)
    return file.getvalue()


def view(*, elapsed=12.0, seconds=30.0, page=None, prometheus=None, calls=0):
    """Return a moment with so many calls of the first model."""
    workload = Workload()
    for number in range(calls):
        workload.tally.begin("doodle-16", waited=0.0)
        workload.tally.end("doodle-16", seconds=0.1, steps=20, refused=number == 0)
    return View(elapsed, seconds, "http://127.0.0.1:9464/metrics", workload, "none runs", page, prometheus)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=60), st.integers(1, 40))
def test_a_sparkline_fits_and_shows_what_is_there(values, columns):
    """Never wider than asked; empty exactly where nothing is; the greatest is full."""
    line = sparkline(values, columns)
    assert len(line) <= columns
    assert (line.strip() == "") == (sum(values) == 0)
    assert not sum(values) or "█" in line


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_history_says_that_it_is_simulated(width):
    """In its title and in the name of every model; nothing is cut off."""
    text = text_of(history_table(HISTORY, width), width)
    assert text.startswith("SIMULATED history: 30 days, 10 models")
    assert all(f"{model.label} " in text and model.story in text for model in MODELS)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_live_view_fits_a_terminal(width):
    """Address, real calls, both p95s, the agreement; 24 rows are enough."""
    moment = view(
        page=PageFigures(290_000, 1047, 0.5, 0.25),
        prometheus=PrometheusFigures(0.2, {"doodle-16": 0.21}, 5),
        calls=5,
    )
    text = text_of(live_view(moment, width), width)
    for part in (
        "12 s of 30 s",
        "http://127.0.0.1:9464/metrics",
        "REAL calls",
        "0.21 s",
        "5 by the program's own count, 5 by PromQL: equal",
        "processors 50 %, memory 25 %",
        "1,047 samples, 290 kB",
        "no model yet",
    ):
        # Long lines are wrapped where there is no room for them.
        assert part in " ".join(text.split())
    assert "…" not in text
    assert len(text.splitlines()) < 24
    assert max(map(len, text.splitlines())) <= width


def test_unknown_is_a_dash():
    """Not 0: without calls, page and Prometheus there is nothing to say."""
    text = text_of(live_view(view(page=PageFigures(1, 1, None, None)), 80))
    assert "this machine  –" in text
    assert "by PromQL" in text
    assert "0 s  " not in text
    assert plain_line(view()).endswith("p95 –, by PromQL –")


@pytest.mark.parametrize(
    ("elapsed", "seconds", "words"),
    [
        (None, 30.0, "warms up until the first scrape"),
        (3.2, None, "3 s; Ctrl-C ends it"),
        (3.2, 10.0, "3 s of 10 s; Ctrl-C"),
    ],
)
def test_it_says_how_long_it_goes_on(elapsed, seconds, words):
    """Before Prometheus has scraped, without an end, and with one."""
    assert words in text_of(live_view(view(elapsed=elapsed, seconds=seconds), 80))


@pytest.mark.parametrize(
    ("counted", "words"),
    [
        (None, "3 by the program's own count"),
        (3, "3 by the program's own count, 3 by PromQL: equal"),
        (2, "3 by the program's own count, 2 by PromQL: a scrape behind"),
        (4, "3 by the program's own count, 4 by PromQL: unequal"),
    ],
)
def test_both_counts_are_held_against_each_other(counted, words):
    """PromQL may be a scrape behind; more than there were is a fault that is said."""
    prometheus = None if counted is None else PrometheusFigures(calls=counted)
    assert agreement(view(prometheus=prometheus, calls=3)) == words


@pytest.mark.parametrize(("has_unicode", "full"), [(True, "█"), (False, "#")])
def test_the_picture_is_drawn_where_there_is_room(has_unicode, full):
    """A white corner on black, with the step that it is at; narrow terminals do without."""
    moment = view()
    picture = np.full((4, 4), -1.0, dtype=np.float32)
    picture[0, 0] = 1.0
    moment.workload.glimpse = Glimpse("doodle-16", 3, 20, 4, picture.ravel())
    text = text_of(live_view(moment, 120, has_unicode=has_unicode), 120)
    assert full * 7 in text.splitlines()[0]
    assert "doodle-16, step 3 of 20" in text
    assert "step 3 of 20" not in text_of(live_view(moment, 80, has_unicode=has_unicode), 80)


def test_an_ascii_terminal_gets_ascii_bars():
    """What cannot be encoded would end the demo."""
    assert sparkline([0, 1, 2], 3, has_unicode=False).isascii()
    bars = text_of(history_table(HISTORY, 80, has_unicode=False))
    assert bars.isascii()
