"""The models to keep loaded, in the words of the servers that load them."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

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


def test_the_seconds_that_are_saved_decide_who_stays() -> None:
    """A hundred in twenty bytes before fifty in five; what does not fit is left; the densest is first."""
    assert [entry.model for entry in resident_set(WANTED, 19)] == ["small"]
    assert [entry.model for entry in resident_set(WANTED, 24)] == ["big"]
    assert [entry.model for entry in resident_set(WANTED, 25)] == ["small", "big"]
    assert resident_set(WANTED, None) == list(WANTED)
    starts = (preload("a", 10, starts=1.0), preload("b", 10, starts=5.0))
    assert [entry.model for entry in resident_set(starts, 10)] == ["b"]


def test_the_best_set_is_found_where_the_densest_first_is_not() -> None:
    """A small dense one would take the room of two that save more together."""
    wanted = [preload("dense", 6, seconds=7.0), preload("left", 5, seconds=5.0), preload("right", 5, seconds=5.0)]
    assert [entry.model for entry in resident_set(wanted, 10)] == ["left", "right"]


def test_what_was_not_measured_counts_as_what_was() -> None:
    """Seconds and cold starts are not compared with each other."""
    measured = replace(preload("measured", 10, seconds=30.0), evidence={"size_bytes": 10, "load_seconds": 30.0})
    assert [entry.model for entry in resident_set([measured, preload("often", 10, starts=5.0)], 10)] == ["often"]
    assert [entry.model for entry in resident_set([measured, preload("seldom", 10, starts=0.5)], 10)] == ["measured"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3000), st.floats(0.0, 100.0)), max_size=12), st.integers(0, 6000))
def test_what_is_chosen_fits(models: list[tuple[int, float]], memory_bytes: int) -> None:
    """And saves no less than the densest first, nor than any one model that fits."""
    wanted = [preload(f"m{index}", size, seconds=seconds) for index, (size, seconds) in enumerate(models)]
    chosen = resident_set(wanted, memory_bytes)
    assert sum(int(entry.evidence["size_bytes"] or 0) for entry in chosen) <= memory_bytes
    saved = sum(entry.saving.seconds_per_day or 0.0 for entry in chosen)
    assert saved >= max((seconds for size, seconds in models if size <= memory_bytes), default=0.0) - 1e-9


def test_llama_swap_and_vllm_get_notes_with_quoted_names() -> None:
    """YAML that loads, and commands that a shell reads as meant."""
    odd = replace(preload('a"\nrm: -rf', 1, seconds=9.0), model='a"\nrm: -rf')
    advice = replace(ADVICE, recommendations=(odd, *WANTED))
    config = yaml.safe_load(hand_over(advice, "llama-swap", 6))
    assert config["models"] == {odd.model: {"ttl": 0}, "small": {"ttl": 0}}
    assert sorted(config["hooks"]["on_startup"]["preload"]) == sorted(config["models"])
    lines = hand_over(advice, "vllm", 6).splitlines()
    words = shlex.split("\n".join(lines), comments=True)
    assert {words[place + 2] for place, word in enumerate(words) if word == "vllm"} == {odd.model, "small"}
    assert '# sleeps: "big"' in lines
    for server in ("llama-swap", "vllm"):
        assert hand_over(replace(ADVICE, recommendations=()), server, 0).splitlines() == [
            "# Read it before you run it: nothing was sent."
        ]


def test_a_plan_is_json() -> None:
    """Who stays with what it saves, and for whom there is no room."""
    content = json.loads(hand_over(ADVICE, "plan", 19))
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
    with pytest.raises(
        SettingsError, match="unknown hand-over 'magic'; there are plan, ollama, triton, llama-swap, vllm"
    ):
        hand_over(ADVICE, "magic", None)
