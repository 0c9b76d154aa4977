"""What holds for every recommender: short and odd histories, and its place in the registry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import genotel.recommenders
from genotel.history.usage import UsageHistory, empty_history
from genotel.recommenders.recommender import Recommender
from genotel.recommenders.registry import KINDS, RECOMMENDERS
from genotel.settings import AdviceSettings
from histories import history
from tests.architecture.test_registries import FOLDERS

HISTORIES: dict[str, Callable[[], UsageHistory]] = {
    "empty": lambda: empty_history("nothing"),
    "one hour": lambda: history({"a": [0]}, days=1),
    "one model": lambda: history({"a": [0, 5, 30]}, days=90),
    "one model that was never used": lambda: history({"a": []}, days=90),
    "one model that fails": lambda: history({"a": [89] * 20}, days=90, failed={"a": 20}),
    "nothing observed": lambda: history({"a": [0]}, days=40, hidden=range(40)),
    "the last day not observed": lambda: history({"a": [0]}, days=40, hidden=[39]),
    "ten thousand models": lambda: history({f"m{k:05d}": [k % 90] for k in range(10_000)}, days=90),
    "a million uses of one model": lambda: history({"a": [k % 90 for k in range(1_000_000)]}, days=90),
}
# What a folder of kinds holds besides its kinds.
NO_KINDS = {"__init__", *FOLDERS["recommenders"].others}


@pytest.mark.parametrize("name", HISTORIES)
@pytest.mark.parametrize("recommender", RECOMMENDERS, ids=KINDS)
def test_every_model_gets_advice_or_a_reason(recommender: Recommender, name: str) -> None:
    """Each model is in exactly one of the two lists, with figures that can be written down.

    Several things may be wrong with the performance of one; of every other kind there is one line.
    """
    known = HISTORIES[name]()
    findings = recommender.recommend(known, AdviceSettings())
    told = [entry.model for entry in findings.recommendations]
    if recommender.kind == "performance":
        assert len({(entry.model, entry.reason_code) for entry in findings.recommendations}) == len(told)
        told = list(dict.fromkeys(told))
    silent = [entry.model for entry in findings.withheld]
    assert sorted(told + silent) == list(known.models)
    for entry in findings.recommendations:
        assert entry.kind == recommender.kind
        assert 0.5 <= entry.confidence <= 1.0
        assert entry.reason.endswith(".")
        assert "\n" not in entry.reason
        for value in entry.evidence.values():
            assert value is None or value == value, "NaN is not evidence"
    assert all(entry.kind == recommender.kind for entry in findings.withheld)


@pytest.mark.parametrize("recommender", RECOMMENDERS, ids=KINDS)
def test_a_history_that_nobody_watched_deletes_nothing(recommender: Recommender) -> None:
    """Absence of telemetry is not absence of use."""
    findings = recommender.recommend(HISTORIES["nothing observed"](), AdviceSettings())
    assert not [entry for entry in findings.recommendations if entry.kind == "cleanup"]


def test_every_recommender_file_is_in_the_registry() -> None:
    """A file of this folder that is not listed would never be asked."""
    files = {file.stem for file in Path(genotel.recommenders.__path__[0]).glob("*.py")} - NO_KINDS
    assert files == set(KINDS)
    assert [type(entry).__module__.rpartition(".")[2] for entry in RECOMMENDERS] == list(KINDS)
