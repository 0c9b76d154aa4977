"""Thirty days of history that never happened, for the demo's advice to speak about.

Every model's name begins with ``simulated/``, so that wherever one turns up (journal, page, table,
JSON) it says itself that it is made up. The same seed and end give the same history.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from genotel.journal.rows import CallRow, EventRow
from genotel.journal.writer import JournalWriter
from genotel.semconv import attributes as a

MARK = "simulated/"
DAYS = 30
SEED = 7

_HOUR = 3600
_HOURS_A_DAY = 24
# Clock hours are those of UTC, as everywhere in genotel.
_NIGHT_BATCH_HOUR = 2
_EVENING = range(18, 24)
_OFFICE = range(8, 18)
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Moment:
    """Say when calls may come: days since the history began, the weekday (0 is Monday), the hour (UTC)."""

    day: int
    weekday: int
    hour: int


@dataclass(frozen=True, slots=True)
class SimulatedModel:
    """Describe a model that nobody has.

    Attributes:
        name: what people would call it, without the mark.
        story: what became of it, in a few words.
        calls_per_hour: expected number of calls in an hour.
        seconds: the median duration of a call, in seconds.
        failing: the probability that a call fails.
        output: what it makes.
        downloaded_on: the day on which it was downloaded; None long before.
    """

    name: str
    story: str
    calls_per_hour: Callable[[Moment], float]
    seconds: float
    failing: float = 0.01
    output: str = "image"
    downloaded_on: int | None = None

    @property
    def label(self) -> str:
        """Return the name under which it is shown everywhere."""
        return MARK + self.name


def _office_hours(calls: float, until_day: int = DAYS + 1) -> Callable[[Moment], float]:
    def rate(at: Moment) -> float:
        return calls if at.hour in _OFFICE and at.weekday < _SATURDAY and at.day < until_day else 0.0

    return rate


MODELS: tuple[SimulatedModel, ...] = (
    SimulatedModel("sdxl-1.0", "keeps office hours", _office_hours(5.0), 6.5),
    SimulatedModel("flux.1-dev", "grows", lambda at: 0.1 + 1.6 * (at.day / DAYS) ** 2, 14.0),
    SimulatedModel(
        "wan2.2-t2v-a14b", "peaks at night", lambda at: 2.5 if at.hour in _EVENING else 0.05, 190.0, output="video"
    ),
    SimulatedModel(
        "qwen2.5-7b-instruct",
        "batch at 2 UTC",
        lambda at: 160.0 if at.hour == _NIGHT_BATCH_HOUR else 0.0,
        2.2,
        output="text",
    ),
    SimulatedModel("ltx-video", "fails often", lambda at: 0.4, 45.0, failing=0.68, output="video"),
    SimulatedModel("cogvideox-5b", "rare", lambda at: 1 / 80, 160.0, output="video"),
    SimulatedModel("stable-diffusion-1.5", "died weeks ago", _office_hours(3.0, until_day=9), 3.1),
    SimulatedModel("controlnet-canny", "died weeks ago", _office_hours(1.2, until_day=8), 4.4),
    SimulatedModel("kandinsky-2.2", "tried once", lambda at: 0.3 if at.day == 0 else 0.0, 9.0),
    SimulatedModel("hunyuan-video", "never used", lambda at: 0.0, 300.0, output="video", downloaded_on=4),
)


@dataclass(frozen=True, slots=True)
class SimulatedHistory:
    """Hold made-up calls and events by time, and the Unix times between which they lie."""

    start: float
    end: float
    calls: tuple[CallRow, ...]
    events: tuple[EventRow, ...]

    def daily_calls(self, label: str) -> list[int]:
        """Return the calls of a model in each 24 hours up to the end, the oldest first."""
        counts = [0] * DAYS
        for call in self.calls:
            if call.model == label:
                # The first hour began a little earlier than 30 days before the end.
                counts[max(0, DAYS - 1 - _day(self.end, call.started_at))] += 1
        return counts


def simulate(end: float, *, seed: int = SEED, models: tuple[SimulatedModel, ...] = MODELS) -> SimulatedHistory:
    """Return thirty days of history.

    Args:
        end: Unix time at which it ends.
        seed: decides everything that is left to chance.
        models: whose history.

    Example:
        >>> history = simulate(1_700_000_000.0, seed=1)
        >>> all(call.model.startswith("simulated/") for call in history.calls)
        True
    """
    start = float(end // _HOUR * _HOUR - DAYS * _HOURS_A_DAY * _HOUR)
    calls: list[CallRow] = []
    events: list[EventRow] = []
    for model in models:
        # A generator of its own, so that one more model leaves the others as they were.
        numbers = random.Random(f"{seed}:{model.name}")
        if model.downloaded_on is not None:
            at = start + model.downloaded_on * _HOURS_A_DAY * _HOUR + numbers.uniform(0, _HOUR)
            events.append(EventRow(at, model.label, "download", a.OUTCOME_OK, numbers.uniform(60, 600), "hub"))
        loaded_on = -1
        for call in _calls(model, numbers, start, end):
            calls.append(call)
            if loaded_on != (day := _day(call.started_at, start)):
                loaded_on = day
                events.append(_load(model, numbers, call.started_at))
    calls.sort(key=lambda call: call.started_at)
    events.sort(key=lambda event: event.at)
    return SimulatedHistory(start, end, tuple(calls), tuple(events))


def write_history(history: SimulatedHistory, path: Path) -> None:
    """Write a history into a journal, as something that somebody had watched."""
    writer = JournalWriter(path)
    writer.watched(history.start, history.end)
    for key, call in enumerate(history.calls):
        writer.finish(key, call)
    for event in history.events:
        writer.event(event)
    writer.close()


def _calls(model: SimulatedModel, numbers: random.Random, start: float, end: float) -> Iterator[CallRow]:
    for hour in range(math.ceil((end - start) / _HOUR)):
        begin = start + hour * _HOUR
        clock = datetime.fromtimestamp(begin, UTC)
        moment = Moment(hour // _HOURS_A_DAY, clock.weekday(), clock.hour)
        for at in _arrivals(model.calls_per_hour(moment), begin, min(begin + _HOUR, end), numbers):
            yield _call(model, numbers, at)


def _arrivals(calls_per_hour: float, begin: float, until: float, numbers: random.Random) -> Iterator[float]:
    """Yield the times of a Poisson process."""
    at = begin
    while calls_per_hour > 0:
        at += numbers.expovariate(calls_per_hour) * _HOUR
        if at >= until:
            return
        yield at


def _call(model: SimulatedModel, numbers: random.Random, at: float) -> CallRow:
    failure = None
    outcome = a.OUTCOME_OK
    if numbers.random() < model.failing:
        outcome, failure = numbers.choice(((a.OUTCOME_OUT_OF_MEMORY, "MemoryError"), (a.OUTCOME_ERROR, "RuntimeError")))
    seconds = model.seconds * numbers.lognormvariate(0.0, 0.25) * (1.0 if failure is None else 0.4)
    return CallRow(
        at,
        model.label,
        "chat" if model.output == "text" else "generate_content",
        "simulated",
        model.output,
        outcome,
        failure,
        seconds,
        outputs=int(failure is None),
        parameters=None if model.output == "text" else {"steps": numbers.choice((20, 30, 50))},
    )


def _load(model: SimulatedModel, numbers: random.Random, first_use: float) -> EventRow:
    seconds = numbers.uniform(4.0, 12.0) + model.seconds / 10
    return EventRow(first_use - seconds, model.label, a.EVENT_LOAD, a.OUTCOME_OK, seconds, "disk")


def _day(at: float, since: float) -> int:
    return int((at - since) // (_HOURS_A_DAY * _HOUR))
