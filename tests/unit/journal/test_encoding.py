"""Records become columns: hashed, made JSON, made storable."""

from __future__ import annotations

import json
import sqlite3
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.journal.encoding import (
    CALL_COLUMNS,
    MAX_PARAMETERS,
    MAX_TEXT,
    call_columns,
    json_text,
    prompt_hasher,
    repaired_call,
    repaired_event,
    repaired_watch,
)
from genotel.journal.rows import CallRow, EventRow, WatchRow
from tests.unit.journal.conftest import DAY, call


def columns_of(row: CallRow) -> dict[str, object]:
    """Return the columns of a call by name."""
    return dict(zip(CALL_COLUMNS, call_columns(row, 7, prompt_hasher(b"key")), strict=True))


def test_every_field_of_a_call_finds_its_column() -> None:
    """Nothing is lost and nothing changes places."""
    row = CallRow(
        *(DAY, "wan", "generate_content", "diffusers", "video", "error", "ValueError", 2.5, 0.5, 0.25),
        *(30, 2, 11, 12, "samplers", "B", {"steps": 30}, {"clip": 0.31}, "a cat", 0xABC, 0xDEF),
    )
    columns = columns_of(row)
    assert columns.pop("prompt_hash") == prompt_hasher(b"key")("a cat")
    assert columns.pop("parameters") == '{"steps":30}'
    assert columns.pop("scores") == '{"clip":0.31}'
    assert columns.pop("trace_id") == "0" * 29 + "abc"
    assert columns.pop("span_id") == "0" * 13 + "def"
    assert columns.pop("session") == 7
    assert columns == {name: getattr(row, name) for name in columns}


def test_what_is_unknown_is_absent() -> None:
    """No hash of no prompt, no identifier of no trace, no empty object."""
    columns = columns_of(call(parameters={}, scores={}))
    assert {columns[name] for name in ("parameters", "scores", "prompt_hash", "trace_id", "span_id")} == {None}


def test_the_prompt_itself_is_in_no_column() -> None:
    """Only its hash is kept, and another journal's key gives another hash."""
    columns = columns_of(call(prompt="a secret cat"))
    assert "secret" not in str(columns)
    assert prompt_hasher(b"key")("a secret cat") != prompt_hasher(b"another")("a secret cat")


@given(st.text(), st.text())
def test_prompts_are_told_apart_by_their_hash(first: str, second: str) -> None:
    """Equal prompts have equal hashes, others have not, and SQLite can store each."""
    hash_prompt = prompt_hasher(b"key")
    assert (hash_prompt(first) == hash_prompt(second)) is (first == second)
    assert -(2**63) <= hash_prompt(first) < 2**63


def test_a_broken_text_is_hashed_all_the_same() -> None:
    """Half of a surrogate pair is no reason to lose the call."""
    assert prompt_hasher(b"key")("\ud800") != prompt_hasher(b"key")("")


def test_numbers_of_one_value_and_two_types_are_not_mixed_up() -> None:
    """1, 1.0 and True are equal in Python and different in JSON."""
    texts = [json_text({"x": value}) for value in (1, 1.0, True, 1)]
    assert texts == ['{"x":1}', '{"x":1.0}', '{"x":true}', '{"x":1}']


def test_only_numbers_and_short_texts_are_kept() -> None:
    """What may be content, or is nothing that JSON knows, stays out."""
    values: dict[object, object] = {
        "steps": 30,
        "eta": 0.5,
        "tiled": True,
        "sampler": "euler",
        "half": Fraction(1, 2),
        "count": np.int64(3),
        "prompt": "x" * (MAX_TEXT + 1),
        "callback": print,
        "seed": 2**70,
        "nan": float("nan"),
        "none": None,
        "list": [1],
        "infinite": float("inf"),
        "decimal": Decimal(1),
        "x" * (MAX_TEXT + 1): 1,
        5: 1,
    }
    assert json.loads(json_text(values) or "") == {  # type: ignore[arg-type]  # users pass anything
        "steps": 30,
        "eta": 0.5,
        "tiled": True,
        "sampler": "euler",
        "half": 0.5,
        "count": 3,
    }


def test_too_many_parameters_are_cut() -> None:
    """Somebody's whole configuration is no set of parameters."""
    assert len(json.loads(json_text({f"p{number}": number for number in range(1000)}) or "")) == MAX_PARAMETERS


def test_nothing_that_can_be_kept_is_nothing() -> None:
    """An object without a member is not written."""
    assert json_text({"callback": print}) is None
    assert json_text({"prompt": "x" * 1000}) is None


def test_ever_new_parameters_stay_right() -> None:
    """Seeds never repeat; what is remembered of them is bounded and forgotten."""
    assert [json_text({"seed": seed}) for seed in range(3000)] == [f'{{"seed":{seed}}}' for seed in range(3000)]


def test_remembering_parameters_keeps_nothing_of_the_user_alive() -> None:
    """A tensor among the parameters must not be held by us."""

    class Tensor:
        deleted = False

        def __del__(self) -> None:
            Tensor.deleted = True

    json_text({"steps": 1, "latents": Tensor()})
    assert Tensor.deleted


@pytest.mark.parametrize(
    ("broken", "repaired"),
    [
        (call(steps=np.int64(30)), call(steps=30)),
        (call(duration_seconds=np.float32(0.5)), call(duration_seconds=0.5)),
        (call(output_tokens=2**70), call(output_tokens=None)),
        (call(queue_seconds=float("nan")), call(queue_seconds=None)),
        (call(error_type=[1]), call(error_type=None)),
        (call(model="sd\ud800xl"), call(model="sd?xl")),
        (call(parameters=[1], scores=3), call()),
        (call(parameters={"steps": 2**70, "cfg": 5.0}), call(parameters={"cfg": 5.0})),
        (call(prompt=b"bytes", trace_id=None, span_id="x"), call()),
    ],
)
def test_a_call_that_cannot_be_stored_is_repaired(broken: CallRow, repaired: CallRow) -> None:
    """Each bad column is mended or absent, the others stay."""
    assert repaired_call(broken) == repaired


def test_a_mapping_that_raises_costs_itself_only() -> None:
    """A mapping of the user's may raise anything; its call is kept."""

    class Hostile(dict[str, object]):
        def items(self) -> object:  # type: ignore[override]  # on purpose
            raise RuntimeError

    assert repaired_call(call(parameters=Hostile(steps=1))) == call()


@pytest.mark.parametrize("broken", [call(at=float("nan")), call(at=1e20), call(at=-1.0), call(model=None)])  # type: ignore[arg-type]  # on purpose
def test_a_call_without_a_time_or_a_model_is_nothing(broken: CallRow) -> None:
    """There is nothing sensible left to store."""
    assert repaired_call(broken) is None


def test_events_and_watches_are_repaired_as_calls_are() -> None:
    """Their times and texts are checked too."""
    assert repaired_event(EventRow(DAY, "m", "load", "ok", float("inf"), 3)) == EventRow(
        DAY, "m", "load", "ok", None, 3
    )  # type: ignore[arg-type]  # on purpose
    assert repaired_event(EventRow(DAY, None, "load", "ok")) is None  # type: ignore[arg-type]  # on purpose
    assert repaired_event(EventRow(float("inf"), "m", "load", "ok")) is None
    assert repaired_watch(WatchRow(DAY, DAY + 1)) == WatchRow(DAY, DAY + 1)
    assert repaired_watch(WatchRow(DAY, float("nan"))) is None


anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.integers(), max_size=1)
)


@given(st.tuples(*[anything] * len(CallRow._fields)))
def test_what_is_repaired_can_be_stored(fields: tuple[object, ...]) -> None:
    """Whatever a program hands over is stored after repair, or dropped."""
    repaired = repaired_call(CallRow(*fields))  # type: ignore[arg-type]  # on purpose
    if repaired is not None:
        connection = sqlite3.connect(":memory:")
        columns = call_columns(repaired._replace(trace_id=1, span_id=1), 1, prompt_hasher(b"key"))
        stored = connection.execute("SELECT " + ", ".join("?" * len(columns)), columns).fetchone()
        assert len(stored) == len(columns)
        connection.close()
