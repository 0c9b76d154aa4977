"""``genotel recommend --apply``, ``--emit-script`` and ``genotel trash``, as a user meets them."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from genotel.cli.main import run
from histories import EPOCH
from tests.model_trees import weigh

DAY = 86_400
MIB = 1024 * 1024


@pytest.fixture
def store(clean_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only store of this machine, with a model that is in use and two that are dead."""
    folder = clean_environment / "models"
    for name in ("busy", "dead", "idle"):
        weigh(folder / f"{name}.safetensors", MIB, read=EPOCH + 2 * DAY, modified=EPOCH)
    monkeypatch.setenv("HOME", str(clean_environment))
    monkeypatch.setenv("GENOTEL_MODEL_FOLDERS", str(folder))
    monkeypatch.setenv("GENOTEL_PAGE", "false")
    return folder


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Return 60 days of use; ``gone`` is on no disk here."""
    lines = ["timestamp,model"]
    lines += [f"{EPOCH + day * DAY:.0f},busy.safetensors" for day in range(60)]
    lines += [f"{EPOCH + day * DAY:.0f},{name}" for day in range(3) for name in ("dead.safetensors", "gone")]
    lines += [f"{EPOCH + day * DAY:.0f},idle.safetensors" for day in range(20)]
    file = tmp_path / "events.csv"
    file.write_text("\n".join(lines))
    return file


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Return the exit code of a command."""
    monkeypatch.setattr(sys, "argv", ["genotel", *arguments])
    with pytest.raises(SystemExit) as caught:
        run()
    return int(caught.value.code or 0)


class Terminal(io.StringIO):
    """Stand in for somebody at a keyboard."""

    def isatty(self) -> bool:
        """Return that somebody is there."""
        return True


def names(store: Path) -> list[str]:
    """Return the models that are there."""
    return sorted(name.partition(".")[0] for name in os.listdir(store) if not name.startswith("."))


def test_each_model_is_asked_about(
    store: Path, events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Questions on stderr, what became of it on stdout; the default is no."""
    monkeypatch.setattr(sys, "stdin", Terminal("\ny\n"))
    assert call(monkeypatch, "recommend", "--events", str(events), "--apply", "--from-priority", "low") == 0
    shown = capsys.readouterr()
    assert names(store) == ["busy", "dead"]
    assert "kept dead.safetensors" in shown.out
    assert "moved idle.safetensors, 1.05 MB; undo: genotel trash undo" in shown.out
    assert "kept gone: it is in no store of this machine (not_on_this_machine)" in shown.out
    assert "Move dead.safetensors to the trash? [y/N/q]" in shown.err
    assert str(store / "dead.safetensors") in shown.err
    undo = shlex.split(shown.out.split("genotel trash undo ")[1])[0]
    assert call(monkeypatch, "trash", "undo", undo) == 0
    assert capsys.readouterr().out == "restored idle.safetensors: 1 of 1\n"
    assert names(store) == ["busy", "dead", "idle"]


def test_q_ends_the_questions(
    store: Path, events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing more is asked or moved."""
    monkeypatch.setattr(sys, "stdin", Terminal("q\n"))
    assert call(monkeypatch, "recommend", "--events", str(events), "--apply", "--from-priority", "low") == 0
    assert capsys.readouterr().err.count("[y/N/q]") == 1
    assert names(store) == ["busy", "dead", "idle"]


def test_without_a_terminal_it_asks_for_yes(
    store: Path, events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A job must say that it means it, and then only what is sure is moved."""
    assert call(monkeypatch, "recommend", "--events", str(events), "--apply") == 2
    assert "give --yes" in capsys.readouterr().err
    assert call(monkeypatch, "recommend", "--events", str(events), "--apply", "--yes", "--format", "json") == 0
    results = json.loads(capsys.readouterr().out)["results"]
    assert {result["model"] for result in results if result["outcome"] == "moved"} <= {"dead.safetensors"}


def test_nothing_to_move_is_said(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With nothing on stdout; a history of nothing as well."""
    for text in ("timestamp,model\n", f"timestamp,model\n{EPOCH:.0f},a\n{EPOCH + 9 * DAY:.0f},a\n"):
        (tmp_path / "few.csv").write_text(text)
        arguments = ("recommend", "--events", str(tmp_path / "few.csv"), "--apply", "--yes")
        assert call(monkeypatch, *arguments) == 0
        shown = capsys.readouterr()
        assert shown.out == ""
        assert "nothing to move" in shown.err


def test_what_is_not_urgent_enough_is_counted(
    store: Path, events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With how to take it in all the same, for questions and for the script."""
    for option in (("--apply", "--yes"), ("--emit-script", "--from-priority", "high")):
        assert call(monkeypatch, "recommend", "--events", str(events), *option) == 0
        assert "of lower priority left out; --from-priority low takes all" in capsys.readouterr().err


def test_what_was_agreed_to_and_cannot_move_is_exit_code_1(
    store: Path, events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody put a file where the trash would be."""
    (store / ".genotel-trash").write_text("")
    arguments = ("recommend", "--events", str(events), "--apply", "--yes", "--from-priority", "low")
    assert call(monkeypatch, *arguments) == 1
    assert "(no_access)" in capsys.readouterr().out
    assert names(store) == ["busy", "dead", "idle"]


def test_the_script_removes_what_it_says(
    store: Path,
    events: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    """A shell runs it: first it tells, then it does."""
    arguments = ("recommend", "--events", str(events), "--emit-script", "--from-priority", "low")
    assert call(monkeypatch, *arguments) == 0
    script = tmp_path / "remove.sh"
    script.write_bytes(capfdbinary.readouterr().out)
    assert b"would remove" in subprocess.run(["sh", str(script)], capture_output=True, check=True).stdout
    assert names(store) == ["busy", "dead", "idle"]
    subprocess.run(["sh", str(script), "--yes"], capture_output=True, check=True)
    assert names(store) == ["busy"]


def test_the_script_of_an_empty_history_removes_nothing(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """It is a script all the same."""
    (tmp_path / "none.csv").write_text("timestamp,model\n")
    assert call(monkeypatch, "recommend", "--events", str(tmp_path / "none.csv"), "--emit-script") == 0
    assert b"\nremove " not in capfdbinary.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [
        ("--apply", "--emit-script"),
        ("--emit-script", "--hand-over", "plan"),
        ("--yes",),
        ("--emit-script", "--yes"),
        ("--from-priority", "high"),
        ("--apply", "--from-priority", "urgent"),
    ],
)
def test_contradictions_are_refused(
    store: Path,
    events: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    wrong: tuple[str, ...],
) -> None:
    """In one line, before anything is read."""
    assert call(monkeypatch, "recommend", "--events", str(events), *wrong) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.fixture
def moved(store: Path, events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """Return the store after both dead models were moved."""
    call(monkeypatch, "recommend", "--events", str(events), "--apply", "--yes", "--from-priority", "low")
    assert names(store) == ["busy"]
    capsys.readouterr()
    return store


def test_the_trash_is_listed(moved: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With the command that brings each back."""
    assert call(monkeypatch, "trash") == 0
    shown = capsys.readouterr().out
    assert re.search(r"1\.05 MB  dead\.safetensors\n    genotel trash undo \S+undo\.json", shown)
    assert call(monkeypatch, "trash", "list", "--format", "json") == 0
    entries = json.loads(capsys.readouterr().out)["trash"]
    assert [entry["model"] for entry in sorted(entries, key=lambda entry: str(entry["model"]))] == [
        "dead.safetensors",
        "idle.safetensors",
    ]
    for entry in entries:
        assert call(monkeypatch, "trash", "undo", entry["undo_file"]) == 0
    assert call(monkeypatch, "trash") == 0
    assert "the trash is empty" in capsys.readouterr().err
    assert names(moved) == ["busy", "dead", "idle"]


def test_emptying_waits_and_asks(
    moved: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was just moved stays; the rest after a yes only."""
    assert call(monkeypatch, "trash", "empty", "--yes") == 0
    assert "2 stay, moved less than 7 d ago" in capsys.readouterr().err
    assert call(monkeypatch, "trash", "empty", "--older-than-days", "0") == 2
    assert "give --yes" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    assert call(monkeypatch, "trash", "empty", "--older-than-days", "0") == 0
    assert (moved / ".genotel-trash").exists()
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert call(monkeypatch, "trash", "empty", "--older-than-days", "0") == 0
    assert "deleted dead.safetensors, 1.05 MB" in capsys.readouterr().out
    assert not (moved / ".genotel-trash").exists()


@pytest.mark.parametrize("call_of", ["rename", "rmtree"])
def test_what_cannot_be_deleted_is_one_line(
    moved: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], call_of: str
) -> None:
    """With the path, and exit code 2; a later emptying goes on where it ended."""

    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied", "there")

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.rename" if call_of == "rename" else "shutil.rmtree", refuse)
        assert call(monkeypatch, "trash", "empty", "--older-than-days", "0", "--yes") == 2
        assert "cannot be deleted: Permission denied: there" in capsys.readouterr().err
        if call_of == "rmtree":
            assert call(monkeypatch, "trash", "empty") == 2
    assert call(monkeypatch, "trash", "empty", "--older-than-days", "0", "--yes") == 0
    assert not (moved / ".genotel-trash").exists()


def test_an_undo_that_finds_something_new_is_exit_code_1(
    moved: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The new model stays, and so does the old one in the trash."""
    weigh(moved / "dead.safetensors", 2 * MIB)
    for file in sorted((moved / ".genotel-trash").glob("*/undo.json")):
        call(monkeypatch, "trash", "undo", str(file))
    shown = capsys.readouterr()
    assert "something new lies at dead.safetensors" in shown.err
    assert names(moved) == ["busy", "dead", "idle"]
    assert (moved / "dead.safetensors").stat().st_size == 2 * MIB
    (left,) = (moved / ".genotel-trash").glob("*/undo.json")
    assert call(monkeypatch, "trash", "undo", str(left)) == 1


def test_an_undo_that_cannot_write_is_one_line(
    moved: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A link where a folder was, or no rights."""
    (file, _) = sorted((moved / ".genotel-trash").glob("*/undo.json"))

    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied", "there")

    monkeypatch.setattr("os.link", refuse)
    monkeypatch.setattr("os.rename", refuse)
    assert call(monkeypatch, "trash", "undo", str(file)) == 2
    assert "cannot be undone: Permission denied: there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("trash", "emtpy"), "the actions are list, undo, empty"),
        (("trash", "undo"), "undo takes undo files"),
        (("trash", "list", "x"), "undo takes undo files"),
        (("trash", "--format", "xml"), "the formats are table, json"),
        (("trash", "undo", "nothing.json"), "lies in a folder of"),
    ],
)
def test_wrong_words_are_one_line(
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    """And exit code 2."""
    assert call(monkeypatch, *arguments) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert len(shown.splitlines()) == 1
