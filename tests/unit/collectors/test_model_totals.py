"""Every byte once, whatever the number of names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from genotel.collectors.model_scan import FoundModel
from genotel.collectors.model_totals import totals

SIZES = st.dictionaries(st.integers(0, 8), st.just(0), max_size=5).map(lambda files: {key: key * 10 for key in files})
MODELS = st.lists(
    st.tuples(
        st.sampled_from(["hub", "nas"]),
        st.booleans(),
        st.builds(FoundModel, st.sampled_from("abc"), st.just("gguf"), SIZES, st.floats(1, 9), st.floats(1, 9)),
    ),
    max_size=8,
)


def _model(name, files, format="gguf", read=5.0, modified=3.0):
    return FoundModel(name, format, files, read, modified)


@given(found=MODELS)
def test_sizes_add_up_to_the_disk(found):
    """The sum over all models is that of all files, each once; no part is more than the whole."""
    made = totals(found, lambda name: name)
    on_disk = {identity: size for _, _, one in found for identity, size in one.files.items()}
    assert sum(total.size for total in made) == sum(on_disk.values())
    assert sum(total.files for total in made) == len(on_disk)
    assert all(0 <= total.shared <= total.size for total in made)
    assert len({(total.model, total.location) for total in made}) == len(made)


def test_a_file_of_two_models_belongs_to_the_first_and_is_said_to_be_shared():
    """Deleting that one frees only the rest."""
    first, second = totals([("hub", True, _model("a", {1: 10, 2: 5})), ("hub", True, _model("b", {1: 10}))], str)
    assert (first.size, first.shared, first.files) == (15, 10, 2)
    assert (second.size, second.shared, second.files) == (0, 0, 0)


def test_models_that_a_rule_gives_one_name_are_one():
    """Its format is that of the largest part, its times are the latest."""
    parts = [_model("x", {1: 10}, "gguf", 5, 9), _model("y", {2: 90}, "diffusers", 7, 3)]
    [total] = totals([("hub", True, part) for part in parts], lambda _: "sdxl")
    assert (total.model, total.format, total.size, total.shared) == ("sdxl", "diffusers", 100, 0)
    assert (total.last_read, total.last_modified) == (7, 9)


def test_without_times_of_reading_there_is_none():
    """A filesystem mounted noatime does not know; of two places the one that does says it."""
    [total] = totals([("nas", False, _model("a", {1: 1}))], str)
    assert total.last_read is None
    first, second = totals([("nas", False, _model("a", {1: 1})), ("hub", True, _model("a", {2: 1}))], str)
    assert (first.last_read, second.last_read) == (None, 5)
