"""The models to keep loaded, in the words of the servers that load them."""

from __future__ import annotations

import json
import shlex

import pytest

from genotel.errors import SettingsError
from genotel.recommenders.advice import Advice
from genotel.recommenders.recommendation import Priority, Reason, Recommendation, Saving
from genotel.report.hand_over import hand_over, resident_set


def preload(model: str, size: int | None, *, seconds: float | None = None, starts: float = 1.0) -> Recommendation:
    """Return advice to keep a model loaded."""
    return Recommendation(
        model=model,
        kind="preload",
        priority=Priority.HIGH,
        confidence=0.97,
        reason_code=Reason.USED_OFTEN,
        reason="Used often.",
        evidence={"size_bytes": size, "cold_starts_per_day": starts},
        saving=Saving(seconds_per_day=seconds),
    )


WANTED = (preload("big", 20, seconds=100.0), preload("small", 5, seconds=50.0), preload("it's unknown", None))
ADVICE = Advice("a test", (0.0, 1.0), WANTED, ())


def test_seconds_for_each_byte_decide_who_stays() -> None:
    """Fifty seconds for five bytes before a hundred for twenty; what does not fit is left."""
    assert [entry.model for entry in resident_set(WANTED, 24)] == ["small"]
    assert [entry.model for entry in resident_set(WANTED, 25)] == ["small", "big"]
    assert resident_set(WANTED, None) == list(WANTED)
    starts = (preload("a", 10, starts=1.0), preload("b", 10, starts=5.0))
    assert [entry.model for entry in resident_set(starts, 10)] == ["b"]


def test_a_plan_is_json() -> None:
    """Who stays with what it saves, and for whom there is no room."""
    content = json.loads(hand_over(ADVICE, "plan", 24))
    assert [entry["model"] for entry in content["resident"]] == ["small"]
    assert content["resident"][0]["seconds_saved_per_day"] == 50.0
    assert content["no_room"] == ["big", "it's unknown"]


def test_calls_are_text_that_a_shell_reads_as_meant() -> None:
    """Those that go are first, names are quoted, and the first line says that nothing was sent."""
    for server in ("ollama", "triton"):
        first, *calls = hand_over(ADVICE, server, 5).splitlines()
        assert first.startswith("# Read it before you run it")
        words = [shlex.split(call) for call in calls]
        assert [line[0] for line in words] == ["curl"] * 3
        assert "it's unknown" in words[1][-1]
        assert "small" in words[2][-1]
    body = json.loads(shlex.split(hand_over(ADVICE, "ollama", None).splitlines()[1])[-1])
    assert body == {"model": "big", "keep_alive": -1}


def test_an_unknown_server_is_refused() -> None:
    """Naming those that there are."""
    with pytest.raises(SettingsError, match="unknown hand-over 'magic'; there are plan, ollama, triton"):
        hand_over(ADVICE, "magic", None)
