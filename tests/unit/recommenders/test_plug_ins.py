"""Other people's recommenders: found, asked, and never trusted."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pytest

from genotel.errors import SettingsError
from genotel.history.usage import UsageHistory
from genotel.recommenders import advice, plug_ins
from genotel.recommenders.advice import advise, check_kinds
from genotel.recommenders.plug_ins import GROUP, PlugIns
from genotel.recommenders.recommendation import Priority, Reason, ReasonCode, Recommendation, Saving, Withheld
from genotel.recommenders.recommender import Findings
from genotel.settings import AdviceSettings
from histories import history

KNOWN = history({"sdxl": range(30), "flux": [0]}, days=30)
GOOD = Recommendation(
    model="sdxl",
    kind="mine",
    priority=Priority.LOW,
    confidence=0.5,
    reason_code=Reason.IN_USE,
    reason="So.",
    evidence={"calls": 3, "rate": 0.5, "why": "so", "size": None},
)
SILENT = Withheld("flux", "mine", Reason.IN_USE)


class Mine:
    """Answer what it is told to."""

    kind: Any = "mine"
    method: Any = "by heart"
    answer: Any = Findings((GOOD,), (SILENT,))

    def recommend(self, history: UsageHistory, settings: AdviceSettings) -> Any:
        """Return the answer, or raise it."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a module that entry points can point into."""
    import sys

    module = ModuleType("a_plug_in_of_this_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def found(place: ModuleType, recommender: object, *names: str) -> PlugIns:
    """Return the plug-ins of entry points with some names that lead to a recommender."""
    place.It = recommender  # type: ignore[attr-defined]  # it is made for this
    return PlugIns(lambda: [EntryPoint(name, f"{place.__name__}:It", GROUP) for name in names or ("mine",)])


def ask(these: PlugIns, kinds: Iterable[str] = ("mine",)) -> list[tuple[str, str, Findings]]:
    """Return what they answer."""
    return these.ask(kinds, KNOWN, AdviceSettings())


@pytest.mark.parametrize("recommender", [Mine, Mine()])
def test_a_class_and_an_object_are_asked(place: ModuleType, recommender: object) -> None:
    """With kind, method and findings, if they are wanted."""
    these = found(place, recommender)
    assert these.kinds == ("mine",)
    assert ask(these) == [("mine", "by heart", Findings((GOOD,), (SILENT,)))]
    assert ask(these, ["cleanup"]) == []


def test_nothing_is_loaded_before_it_is_asked(place: ModuleType) -> None:
    """Its name is enough to know that it is there; it is loaded once."""
    made: list[int] = []

    def counted() -> Mine:
        made.append(1)
        return Mine()

    these = found(place, type("It", (), {"__new__": lambda _: counted()}))
    assert these.kinds == ("mine",)
    assert made == []
    ask(these)
    ask(these)
    assert made == [1]


def test_its_advice_stands_beside_the_others(place: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default and by its kind; a wrong kind names it among those that exist."""
    these = found(place, Mine)
    monkeypatch.setattr(advice, "plug_ins", lambda: these)
    assert check_kinds(None) == ("cleanup", "performance", "preload", "mine")
    said = advise(KNOWN, check_kinds(["mine"]), AdviceSettings())
    assert [entry.model for entry in said.recommendations] == ["sdxl"]
    assert [entry.model for entry in said.withheld] == ["flux"]
    assert said.methods == {"mine": "by heart"}
    with pytest.raises(SettingsError, match="the kinds of advice are cleanup, performance, preload, priority, mine"):
        check_kinds(["yours"])


def broken(**attributes: object) -> type:
    """Return a recommender with something else about it."""
    return type("It", (Mine,), attributes)


def answering(*, withheld: Any = (SILENT,), **changed: Any) -> type:
    """Return a recommender whose advice has something wrong with it."""
    return broken(answer=Findings((replace(GOOD, **changed),), withheld))


class Other(ReasonCode):
    """Have a reason of one's own."""

    MINE = "mine", "Nothing."


def test_a_reason_of_its_own_is_taken(place: ModuleType) -> None:
    """It has a word and a sentence like every other."""
    assert ask(found(place, answering(reason_code=Other.MINE)))


@pytest.mark.parametrize(
    ("recommender", "fault"),
    [
        (broken(answer=ValueError("no\nsuch table")), "ValueError: no such table"),
        (broken(answer=KeyError()), "KeyError"),
        (broken(answer=None), "recommend() must return Findings"),
        (broken(answer=Findings(("advice",), ())), "findings hold Recommendation and Withheld"),
        (broken(kind="other"), "its kind is 'other'"),
        (broken(method=5), "it needs a method recommend() and a text method"),
        (broken(recommend=None), "it needs a method recommend() and a text method"),
        (object(), "AttributeError"),
        (answering(kind="cleanup"), "it gave advice of the kind 'cleanup'"),
        (answering(model="unheard-of"), "about a model that the history does not know"),
        (answering(withheld=(Withheld("no", "mine", Reason.IN_USE),)), "a model that the history does not know"),
        (answering(reason_code="in_use"), "a reason code must be a member of a ReasonCode"),
        (answering(priority="high"), "a priority must be a Priority"),
        (answering(confidence=1.5), "a confidence must be a probability from 0 to 1"),
        (answering(confidence=float("nan")), "a confidence must be a probability from 0 to 1"),
        (answering(confidence="sure"), "a confidence must be a probability from 0 to 1"),
        (answering(reason=" "), "a reason must be a sentence"),
        (answering(evidence=[1]), "evidence must be a mapping"),
        (answering(saving=5), "a saving a Saving"),
        (answering(evidence={5: 5}), "evidence must have names"),
        (answering(evidence={"a": float("inf")}), "finite numbers, texts or None"),
        (answering(evidence={"a": [1]}), "finite numbers, texts or None"),
        (answering(saving=Saving(seconds_per_day=float("nan"))), "finite numbers, texts or None"),
        (answering(next_use=float("inf")), "finite numbers, texts or None"),
    ],
)
def test_a_broken_one_is_one_warning_and_is_left_out(
    place: ModuleType, recommender: object, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is wrong with it, and however often it is asked."""
    these = found(place, recommender)
    with caplog.at_level(logging.WARNING, "genotel"):
        assert ask(these) == []
        assert ask(these) == []
    (record,) = caplog.records
    assert "the recommender plug-in 'mine' is left out" in record.getMessage()
    assert fault in record.getMessage()
    assert "\n" not in record.getMessage()


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (("cleanup",), "genotel has a kind of advice of this name itself"),
        (("priority",), "genotel has a kind of advice of this name itself"),
        (("Bad Name",), "a name is small letters"),
        (("x" * 33,), "a name is small letters"),
        (("a\x1b[2J",), "a name is small letters"),
    ],
)
def test_a_name_that_is_taken_or_none_is_refused(
    place: ModuleType, names: tuple[str, ...], fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody replaces a kind of genotel's own, and no name plays with the terminal."""
    with caplog.at_level(logging.WARNING, "genotel"):
        assert found(place, Mine, *names).kinds == ()
    (record,) = caplog.records
    assert fault in record.getMessage()
    assert "\x1b" not in record.getMessage()


def test_two_of_one_name_are_both_refused(caplog: pytest.LogCaptureFixture) -> None:
    """Which of them spoke would be chance; one package that is found twice is one."""
    points = [EntryPoint("mine", value, GROUP) for value in ("a:B", "c:D", "c:D")]
    with caplog.at_level(logging.WARNING, "genotel"):
        assert PlugIns(lambda: points).kinds == ()
    assert len(caplog.records) == 1
    assert "several packages bring one of this name" in caplog.text
    assert PlugIns(lambda: points[1:]).kinds == ("mine",)


def test_one_that_cannot_be_imported_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """Its package may lack what it needs."""
    these = PlugIns(lambda: [EntryPoint("mine", "no_such_module_anywhere:It", GROUP)])
    with caplog.at_level(logging.WARNING, "genotel"):
        assert ask(these) == []
    assert "ModuleNotFoundError" in caplog.text


def test_those_that_are_installed_are_found_once() -> None:
    """The table is made from what pip installed, and kept."""
    assert plug_ins.plug_ins() is plug_ins.plug_ins()
    assert set(plug_ins.plug_ins().kinds) == {point.name for point in plug_ins.installed()}
