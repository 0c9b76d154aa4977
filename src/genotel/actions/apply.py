"""Act upon cleanup advice on this machine: plan, check that nobody needs the model, ask, check again, move.

Only what the inventory of this machine knows is touched; advice on models of other machines is passed by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from genotel.actions.in_use import loaded_on_page, open_files, used_in_journal
from genotel.actions.model_places import ModelPlace, find_places, real_paths
from genotel.actions.removal import Obstacle, RefusedError, Removal, plan_removal
from genotel.actions.trash import move_to_trash
from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.collectors.model_names import NameRules
from genotel.collectors.model_stores import stores
from genotel.recommenders.recommendation import Recommendation
from genotel.report.wording import date
from genotel.settings import Settings, default_journal_path

# Filesystems write down only the first reading in a day (relatime).
_READ_SLACK_SECONDS = 86_400.0


class Outcome(StrEnum):
    """Name what became of a model."""

    MOVED = "moved"
    DECLINED = "declined"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Result:
    """Say what became of one place of one model.

    Attributes:
        model: its name in use.
        outcome: moved, declined by whoever was asked, or refused.
        obstacle: why it was refused; None otherwise.
        detail: in words for people.
        freed_bytes: what emptying the trash gives back.
        undo_file: what brings it back; None where nothing was moved.
    """

    model: str
    outcome: Outcome
    obstacle: Obstacle | None = None
    detail: str = ""
    freed_bytes: int = 0
    undo_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """Know where models lie here, and who would notice that one is gone.

    Args:
        find: gives the places of all models, looked up anew.
        journals: files that may know of a later use.
        page: host and port of the metrics page of this machine; None for none.
        proc: the folder of the processes.
    """

    find: Callable[[], list[ModelPlace]]
    journals: tuple[Path, ...] = ()
    page: tuple[str, int] | None = None
    proc: str = "/proc"

    def refuse_if_used(self, removal: Removal, last_used: float | None, window_start: float) -> int:
        """Return how many processes could not be looked into.

        Raises:
            RefusedError: the model was used or read since, is loaded, or has open files.
        """
        known = max(removal.last_modified, window_start if last_used is None else last_used)
        if removal.last_read is not None and removal.last_read > known + _READ_SLACK_SECONDS:
            raise RefusedError(
                Obstacle.READ_SINCE,
                f"its weights were read on {date(removal.last_read)}, after its last known use: it may be used unseen",
            )
        for journal in self.journals:
            said = used_in_journal(journal, removal.model, last_used)
            if said is not None:
                raise RefusedError(Obstacle.USED_SINCE, said)
        if self.page is not None:
            said = loaded_on_page(*self.page, removal.model)
            if said is not None:
                raise RefusedError(Obstacle.IN_USE, said)
        opened = open_files(removal.identities, self.proc)
        if opened.holders:
            pid, name = opened.holders[0]
            raise RefusedError(Obstacle.IN_USE, f"process {pid} ({name}) has its files open")
        return opened.hidden_processes


@dataclass(frozen=True, slots=True)
class Plan:
    """Hold what would be done about one piece of advice in one place.

    Attributes:
        advice: what was advised.
        removal: what would be moved.
        hidden_processes: how many processes could not be asked whether they have it open.
    """

    advice: Recommendation
    removal: Removal
    hidden_processes: int


def this_machine(settings: Settings, journal: Path | None = None) -> Machine:
    """Return the machine that the settings speak of.

    Args:
        settings: whose inventory, page and journal count.
        journal: one more that was read for the advice.
    """
    rules = NameRules(settings.inventory.model_names)
    folders = settings.inventory.model_folders
    known = (journal, settings.journal.journal, default_journal_path())
    return Machine(
        find=lambda: find_places(stores(folders), rules.name_of),
        journals=tuple(dict.fromkeys(path for path in known if path is not None and path.exists())),
        page=(settings.page.host, settings.page.port) if settings.page.page and settings.page.port else None,
    )


def plan(recommendations: Iterable[Recommendation], window_start: float, machine: Machine) -> Iterator[Plan | Result]:
    """Yield for each piece of advice and each place of its model what would be done, or why nothing is."""
    places = _Places(machine.find())
    for advice in recommendations:
        own = places.of(advice.model)
        if not own:
            yield _refused(advice, RefusedError(Obstacle.NOT_ON_THIS_MACHINE, "it is in no store of this machine"))
        for place in own:
            try:
                yield _planned(advice, place, places, window_start, machine)
            except RefusedError as error:
                yield _refused(advice, error)


def apply(
    recommendations: Iterable[Recommendation],
    window_start: float,
    machine: Machine,
    ask: Callable[[Plan], bool],
    clock: Clock = SYSTEM_CLOCK,
) -> Iterator[Result]:
    """Move the models to the trash that ``ask`` agrees to, one after the other, and yield what became of each.

    Args:
        recommendations: advice of cleanup.
        window_start: Unix time at which its history begins.
        machine: where models lie, and who may use them.
        ask: is shown each plan.
        clock: for the undo file.
    """
    for planned in plan(recommendations, window_start, machine):
        if isinstance(planned, Result):
            yield planned
        elif not ask(planned):
            yield Result(planned.advice.model, Outcome.DECLINED)
        else:
            try:
                yield _move(planned, window_start, machine, clock)
            except RefusedError as error:
                yield _refused(planned.advice, error)


class _Places:
    """Hold the places of all models, and what each needs, which takes a walk to find out."""

    def __init__(self, found: list[ModelPlace]) -> None:
        self._found = found
        self._needed: dict[str, set[str]] = {}

    def of(self, model: str) -> list[ModelPlace]:
        """Return where a model lies."""
        return [place for place in self._found if place.model == model]

    def needed_by_others(self, model: str) -> set[str]:
        """Return the real paths of all models but one."""
        if not self._needed:
            for place in self._found:
                self._needed.setdefault(place.model, set()).update(real_paths(place))
        return set().union(*(paths for name, paths in self._needed.items() if name != model))


def _planned(advice: Recommendation, place: ModelPlace, places: _Places, window_start: float, machine: Machine) -> Plan:
    removal = plan_removal(place, places.needed_by_others(place.model))
    return Plan(advice, removal, machine.refuse_if_used(removal, _last_used(advice), window_start))


def _move(planned: Plan, window_start: float, machine: Machine, clock: Clock) -> Result:
    # Whoever was asked took their time, and models moved before may have left files to nobody else.
    places = _Places(machine.find())
    wanted = planned.removal
    for place in places.of(wanted.model):
        if (place.location, place.root) != (wanted.location, wanted.root):
            continue
        again = _planned(planned.advice, place, places, window_start, machine).removal
        if {entry.path for entry in again.entries} & {entry.path for entry in wanted.entries}:
            break
    else:
        raise RefusedError(Obstacle.CHANGED, "it is no longer where it was")
    # What another model no longer shares may come along; what was shown must be as it was.
    if not set(wanted.entries) <= set(again.entries):
        raise RefusedError(Obstacle.CHANGED, "its files changed after they were looked at")
    undo_file = move_to_trash(again, clock)
    return Result(again.model, Outcome.MOVED, freed_bytes=again.freed_bytes, undo_file=undo_file)


def _last_used(advice: Recommendation) -> float | None:
    value = advice.evidence.get("last_used")
    return value if isinstance(value, float | int) else None


def _refused(advice: Recommendation, error: RefusedError) -> Result:
    return Result(advice.model, Outcome.REFUSED, error.obstacle, error.detail)
