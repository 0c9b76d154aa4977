"""The public way to advice."""

from __future__ import annotations

from pathlib import Path

import pytest

import genotel
from genotel.clock import Clock
from genotel.errors import SettingsError
from genotel.history.usage import UsageHistory, empty_history
from genotel.recommenders.advice import advise
from genotel.recommenders.registry import KINDS
from genotel.settings import AdviceSettings
from histories import EPOCH, history


class Held:
    """Hold a history that was made by hand."""

    def __init__(self, known: UsageHistory) -> None:
        self.known = known

    def load_usage(self) -> UsageHistory:
        """Return it."""
        return self.known


KNOWN = Held(history({"bad": [59] * 9, "dead": [0], "used": list(range(60))}, days=60, failed={"bad": 9}))


def test_every_kind_is_asked_in_the_order_of_the_registry() -> None:
    """Cleanup first, then performance and preload; each line names its kind."""
    assert [(entry.kind, entry.model) for entry in genotel.recommend(KNOWN)] == [
        ("cleanup", "dead"),
        ("performance", "bad"),
        ("preload", "used"),
    ]


def test_only_the_kinds_that_are_asked_for_answer() -> None:
    """By any iterable of names, or one name."""
    assert [entry.kind for entry in genotel.recommend(KNOWN, kinds=("performance",))] == ["performance"]
    assert [entry.kind for entry in genotel.recommend(KNOWN, kinds="cleanup")] == ["cleanup"]


@pytest.mark.parametrize(
    ("kinds", "what"), [(["cleanup", "magic"], "unknown kind 'magic'"), ([], "no kind was asked for")]
)
def test_a_kind_that_does_not_exist_is_refused_with_those_that_do(kinds: list[str], what: str) -> None:
    """One line that can be acted on."""
    with pytest.raises(SettingsError, match=f"{what}; the kinds of advice are cleanup, performance"):
        genotel.recommend(KNOWN, kinds=kinds)


def test_settings_are_taken_or_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given ones win; else genotel.toml of the working folder counts."""
    monkeypatch.chdir(tmp_path)
    assert not genotel.recommend(KNOWN, ["performance"], AdviceSettings(min_success=0.0))
    (tmp_path / "genotel.toml").write_text("[advice]\nmin_success = 0.0\n")
    assert not genotel.recommend(KNOWN, ["performance"])


async def test_the_asynchronous_twin_answers_the_same() -> None:
    """It works in a thread."""
    assert await genotel.arecommend(KNOWN, kinds=["cleanup"]) == genotel.recommend(KNOWN, kinds=["cleanup"])


def test_an_empty_history_has_no_window() -> None:
    """No data is a value."""
    advice = advise(empty_history("nothing"), KINDS, AdviceSettings())
    assert advice.window is None
    assert advice.recommendations == advice.withheld == ()


def test_advice_on_ten_thousand_models_takes_seconds(tmp_path: Path) -> None:
    """From an event list, with everything on the way."""
    file = tmp_path / "events.csv"
    lines = "".join(f"{EPOCH + (number % 59) * 86_400},m{number:05d}\n" for number in range(10_000))
    file.write_text("timestamp,model\n" + lines)
    source = genotel.Events(file, clock=Clock(wall=lambda: EPOCH + 1e8))
    assert len(genotel.recommend(source)) > 1000
