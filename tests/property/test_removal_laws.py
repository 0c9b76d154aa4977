"""What must hold for every forest of models: nobody else loses a file, and every undo brings all back."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from genotel.actions.apply import Outcome, apply
from genotel.actions.model_places import real_paths
from genotel.actions.trash import restore, trashed_in
from tests.unit.actions.shelves import START, cleanup, machine, models, places

NAMES = ("a", "b", "c", "d")
FILES = ("x.safetensors", "y.safetensors", "vae/z.safetensors", "odd 'name\n.bin")
# Of model and file: written anew, or a link of either kind to a file of another model.
KINDS = ("new", "symbolic", "hard", "none")


@st.composite
def forests(draw: st.DrawFn) -> list[tuple[str, str, str, str, str]]:
    """Return (model, file, kind, model it may link to, file it may link to)."""
    return [
        (name, file, draw(st.sampled_from(KINDS)), draw(st.sampled_from(NAMES)), draw(st.sampled_from(FILES)))
        for name in NAMES
        for file in FILES
    ]


def planted(root: Path, forest: list[tuple[str, str, str, str, str]]) -> None:
    """Make the models: whole folders, and one that is a single file."""
    for name in NAMES:
        (root / name).mkdir()
        (root / name / "model_index.json").write_text(name)
    (root / "single.safetensors").write_text("single")
    for name, file, kind, other, other_file in forest:
        path, target = root / name / file, root / other / other_file
        path.parent.mkdir(exist_ok=True)
        if kind == "new" or (kind == "hard" and not target.is_file()):
            path.write_text(f"{name}/{file}")
        elif kind == "symbolic" and path != target:
            path.symlink_to(target)
        elif kind == "hard" and path != target:
            os.link(target, path, follow_symlinks=False)
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (1000, 500))


@settings(max_examples=30, deadline=None)
@given(forests(), st.sets(st.sampled_from((*NAMES, "single.safetensors")), min_size=1), st.randoms())
def test_others_keep_their_files_and_every_undo_brings_all_back(
    forest: list[tuple[str, str, str, str, str]], wanted: set[str], random: object
) -> None:
    """Whichever models go, in whichever order they come back."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "store"
        root.mkdir()
        planted(root, forest)
        before = models(root)
        kept = {
            path: os.path.exists(path)
            for place in places(root)
            if place.model not in wanted
            for path in real_paths(place)
        }
        results = list(
            apply(
                [cleanup(name, last_used=START) for name in sorted(wanted)],
                START,
                machine(root, proc=folder),
                lambda _plan: True,
            )
        )
        assert {path: os.path.exists(path) for path in kept} == kept
        moved = [result for result in results if result.outcome is Outcome.MOVED]
        assert all(result.undo_file is not None for result in moved)
        files = [result.undo_file for result in moved if result.undo_file is not None]
        random.shuffle(files)  # type: ignore[attr-defined]  # hypothesis' own Random
        for file in files:
            assert restore(file).in_the_way == ()
        assert models(root) == before
        assert trashed_in(root) == []
