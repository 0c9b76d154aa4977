"""Every key of ``[advice]`` in genotel.toml changes what is advised: none is there for show."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from genotel.history.kept import KeptHistories
from genotel.history.usage import UsageHistory
from genotel.recommenders.advice import advise
from genotel.recommenders.registry import KINDS
from genotel.settings import AdviceSettings, load_settings
from histories import history
from tests.made_up_work import Work, at_work

DAYS = range(60)


def rare() -> UsageHistory:
    """Return a busy model, and one that is used every sixth day."""
    return history({"busy": [*DAYS] * 3, "rare": [*range(0, 60, 6)], "dead": [0, 1]}, days=60)


def failing() -> UsageHistory:
    """Return a model of which a quarter of the calls fail."""
    return history({"a": [59] * 40}, days=60, failed={"a": 10})


def slower() -> UsageHistory:
    """Return a model that became slower ten days ago."""
    return at_work({"a": Work(slower=(18.0, 2.0))})


# Key -> a history, and two values of which the advice on it must differ.
CASES: dict[str, tuple[Callable[[], UsageHistory], float, float]] = {
    "cleanup_threshold_days": (rare, 30.0, 59.0),
    "min_uses_per_day": (rare, 0.01, 0.5),
    "min_success": (failing, 0.5, 0.9),
    "preload_threshold_frequency": (rare, 0.5, 5.0),
    "performance_window_days": (slower, 7.0, 14.0),
    "priority_high_uses_per_day": (rare, 1.0, 10.0),
    "priority_medium_uses_per_day": (rare, 0.1, 0.5),
}


def settings_of(folder: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: float) -> AdviceSettings:
    """Return what a genotel.toml with one key says."""
    file = folder / f"{value}.toml"
    file.write_text(f"[advice]\n{key} = {value}\n")
    monkeypatch.setenv("GENOTEL_CONFIG", str(file))
    return load_settings().advice


@pytest.mark.parametrize("key", CASES)
def test_each_key_changes_the_advice(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean_environment: Path
) -> None:
    """The same history under two values."""
    known, first, second = CASES[key][0](), *CASES[key][1:]
    said = [advise(known, KINDS, settings_of(tmp_path, monkeypatch, key, value)) for value in (first, second)]
    assert said[0] != said[1]


def test_the_time_that_a_history_is_kept_for_changes_how_often_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean_environment: Path
) -> None:
    """With ``cache_ttl_minutes = 0`` every time."""
    reads: list[int] = []

    class Counted:
        """A source that counts."""

        place = "counted"

        def mark(self) -> int:
            """Return that nothing changed."""
            return 0

        def load_usage(self) -> UsageHistory:
            """Return a history."""
            reads.append(1)
            return rare()

    for minutes, expected in ((15.0, 1), (0.0, 2)):
        reads.clear()
        kept, source = KeptHistories(), Counted()
        seconds = settings_of(tmp_path, monkeypatch, "cache_ttl_minutes", minutes).cache_ttl_minutes * 60
        for _ in range(2):
            kept.load(source, seconds)
        assert len(reads) == expected


def test_no_key_is_left_out() -> None:
    """The next one brings its case."""
    assert {field.name for field in dataclasses.fields(AdviceSettings)} == {*CASES, "cache_ttl_minutes"}
