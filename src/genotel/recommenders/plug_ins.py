"""Recommenders of other people's packages: found by entry point, loaded when they are asked, never trusted.

A plug-in that cannot be loaded, raises, or says what no recommender may say, is one warning and is left out;
the advice of all others stands. ``docs/plug-ins.md`` is for those who write one.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from genotel import guard
from genotel.history.usage import UsageHistory
from genotel.recommenders.recommendation import Priority, ReasonCode, Recommendation, Saving, Withheld
from genotel.recommenders.recommender import Findings, Recommender
from genotel.recommenders.registry import KINDS
from genotel.settings import AdviceSettings

GROUP = "genotel.recommenders"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_SHOWN_CHARACTERS = 200

Finder = Callable[[], Iterable[EntryPoint]]


def installed() -> Iterable[EntryPoint]:
    """Return the entry points of the group of all packages that are installed."""
    return entry_points(group=GROUP)


class PlugIns:
    """Know the plug-ins that are installed, and ask them.

    Args:
        find: returns their entry points; called once.

    Example:
        >>> PlugIns(lambda: []).kinds
        ()
    """

    def __init__(self, find: Finder = installed) -> None:
        self._points = _accepted(find())
        self._loaded: dict[str, Recommender | None] = {}

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of advice that they promise, sorted; nothing is loaded for it."""
        return tuple(sorted(self._points))

    def ask(
        self, kinds: Iterable[str], history: UsageHistory, settings: AdviceSettings
    ) -> list[tuple[str, str, Findings]]:
        """Return kind, method and findings of those of some kinds that can be asked and answer as they must."""
        wanted = frozenset(kinds)
        found = []
        for kind in self.kinds:
            recommender = self._load(kind) if kind in wanted else None
            if recommender is None:
                continue
            try:
                findings = recommender.recommend(history, settings)
                method = str(recommender.method)
                fault = _fault(kind, findings, history)
            except Exception as error:
                fault = _words(error)
            if fault is None:
                found.append((kind, method, findings))
            else:
                _warn(kind, fault)
        return found

    def _load(self, kind: str) -> Recommender | None:
        if kind not in self._loaded:
            self._loaded[kind] = _load(self._points[kind])
        return self._loaded[kind]


@cache
def plug_ins() -> PlugIns:
    """Return the plug-ins of this process; what is installed later is not seen."""
    return PlugIns()


def _accepted(points: Iterable[EntryPoint]) -> dict[str, EntryPoint]:
    # A package that is found twice (an installed and an editable one) is one plug-in.
    distinct = {(point.name, point.value): point for point in points}.values()
    counts = Counter(point.name for point in distinct)
    accepted = {}
    for point in distinct:
        if point.name in KINDS:
            _warn(point.name, "genotel has a kind of advice of this name itself; the plug-in needs another")
        elif counts[point.name] > 1:
            _warn(point.name, "several packages bring one of this name; uninstall all but one")
        elif not _NAME.fullmatch(point.name):
            _warn(point.name, "a name is small letters, digits and underscores, a letter first, 32 at most")
        else:
            accepted[point.name] = point
    return accepted


def _load(point: EntryPoint) -> Recommender | None:
    try:
        found = point.load()
        recommender: Recommender = found() if isinstance(found, type) else found
        kind, is_callable = recommender.kind, callable(recommender.recommend)
    # A module that ends the interpreter while it is imported is broken like any other.
    except (Exception, SystemExit) as error:
        _warn(point.name, _words(error))
        return None
    if kind != point.name:
        _warn(point.name, f"its kind is {kind!r}; it must be the name of the entry point")
        return None
    if not is_callable or not isinstance(getattr(recommender, "method", None), str):
        _warn(point.name, "it needs a method recommend() and a text method")
        return None
    return recommender


def _fault(kind: str, findings: Any, history: UsageHistory) -> str | None:
    """Return what is wrong with an answer; None for nothing."""
    if not isinstance(findings, Findings):
        return "recommend() must return Findings"
    models = frozenset(history.models)
    entries: list[Any] = [*findings.recommendations, *findings.withheld]
    for entry in entries:
        if type(entry) not in (Recommendation, Withheld):
            return "findings hold Recommendation and Withheld"
        if entry.kind != kind:
            return f"it gave advice of the kind {entry.kind!r}"
        if entry.model not in models:
            return "it gave advice about a model that the history does not know"
        if not isinstance(entry.reason_code, ReasonCode):
            return "a reason code must be a member of a ReasonCode"
        if isinstance(entry, Recommendation):
            fault = _fault_of_advice(entry)
            if fault is not None:
                return fault
    return None


def _fault_of_advice(entry: Any) -> str | None:
    if not isinstance(entry.priority, Priority):
        return "a priority must be a Priority"
    if not isinstance(entry.confidence, int | float) or not 0.0 <= entry.confidence <= 1.0:
        return "a confidence must be a probability from 0 to 1"
    if not isinstance(entry.reason, str) or not entry.reason.strip():
        return "a reason must be a sentence"
    if not isinstance(entry.evidence, Mapping) or not isinstance(entry.saving, Saving):
        return "evidence must be a mapping, and a saving a Saving"
    if not all(isinstance(name, str) for name in entry.evidence):
        return "evidence must have names"
    figures = (*entry.evidence.values(), entry.saving.bytes, entry.saving.seconds_per_day, entry.next_use)
    for value in figures:
        if not (value is None or isinstance(value, str) or (isinstance(value, int | float) and math.isfinite(value))):
            return "evidence and savings must be finite numbers, texts or None"
    return None


def _words(error: BaseException) -> str:
    # The text is the plug-in's, and it shall be one line.
    text = " ".join(str(error).split())[:_SHOWN_CHARACTERS]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _warn(name: str, fault: str) -> None:
    shown = "".join(letter if letter.isprintable() else "?" for letter in name)[:_SHOWN_CHARACTERS]
    guard.warn_once(f"plug-in.{shown}", "genotel: the recommender plug-in %r is left out: %s", shown, fault)
