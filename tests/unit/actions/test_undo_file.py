"""The undo file: what was moved, and where from."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genotel.actions.removal import TRASH, Entry
from genotel.actions.undo_file import UNDO, Undo, read_undo, undo_text
from genotel.errors import InputError

UNDONE = Undo("m\udcff\n", "hub", 1000.0, 5, (Entry("a/b\udcff", 1, 2, "f"),))


@pytest.fixture
def file(tmp_path):
    """Return an undo file in a trash."""
    path = tmp_path / TRASH / "1" / UNDO
    path.parent.mkdir(parents=True)
    path.write_text(undo_text(UNDONE), encoding="ascii")
    return path


def test_names_of_any_bytes_come_back(file):
    """A path need not be text."""
    assert read_undo(file) == UNDONE


def test_only_a_file_in_a_trash_is_one(file, tmp_path):
    """Its place says where its paths lead, so nobody's file leads anywhere else."""
    for path in (tmp_path / UNDO, file.rename(file.with_name("other.json"))):
        path.write_text(undo_text(UNDONE))
        with pytest.raises(InputError, match="lies in a folder of"):
            read_undo(path)


@pytest.mark.parametrize("path", ["../out", "/etc/passwd", "", "a/../../b"])
def test_paths_that_lead_out_are_refused(file, path):
    """Whoever wrote them."""
    content = json.loads(file.read_text())
    content["entries"][0]["path"] = path
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="a field is missing or of the wrong kind"):
        read_undo(file)


def test_each_mistake_is_one_line(file):
    """A file that is missing, of a newer genotel, or no JSON."""
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | {"version": 2}))
    with pytest.raises(InputError, match="newer genotel"):
        read_undo(file)
    file.write_text("{")
    with pytest.raises(InputError, match="holds no JSON"):
        read_undo(file)
    file.unlink()
    with pytest.raises(InputError, match="No such file"):
        read_undo(file)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["version", "entries", "path", "model"]), inner, max_size=4)
        ),
    )
)
def test_any_other_json_is_refused(file, content):
    """By an error of ours, never by another."""
    file.write_text(json.dumps(content))
    with pytest.raises(InputError):
        read_undo(file)
