"""Bring a folder to what it should hold, and never lose what somebody changed in it."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from genotel.actions.provision.stack import Files
from genotel.errors import InputError

# What was written last, by path: whoever changed a file since is known by it.
RECORD = ".genotel-provision.json"


class State(StrEnum):
    """Say how a file stands to what it should hold."""

    NEW = "new"
    SAME = "same"
    OLD = "old"  # as we wrote it, and we would write it differently now
    CHANGED = "changed"  # by somebody else


@dataclass(frozen=True, slots=True)
class Change:
    """Hold one file: how it stands, what is there (None: nothing), and what should be."""

    path: str
    state: State
    before: str | None
    after: str

    def difference(self) -> str:
        """Return what would change, as ``diff -u`` writes it; nothing where nothing would.

        Example:
            >>> print(Change("a", State.CHANGED, "1\\n", "2\\n").difference(), end="")
            --- a
            +++ a (provisioned)
            @@ -1 +1 @@
            -1
            +2
        """
        lines = difflib.unified_diff(
            (self.before or "").splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            self.path if self.before is not None else "/dev/null",
            f"{self.path} (provisioned)",
        )
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def compared(folder: Path, files: Files) -> list[Change]:
    """Return how each file stands, by path.

    Raises:
        InputError: something else than a readable text is in the way.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError("is no folder", file=str(folder))
    record = _record(folder)
    changes = []
    for path, after in sorted(files.items()):
        before = _text(folder / path)
        if before is None:
            state = State.NEW
        elif before == after:
            state = State.SAME
        else:
            state = State.OLD if record.get(path) == _digest(before) else State.CHANGED
        changes.append(Change(path, state, before, after))
    return changes


def left_over(folder: Path, files: Files) -> list[str]:
    """Return the files that were written once and are not part of it any more."""
    return [path for path in sorted(_record(folder)) if path not in files and (folder / path).exists()]


def write(folder: Path, changes: list[Change], *, force: bool = False) -> list[Change]:
    """Write what is new or as we left it, with ``force`` the rest too; return what was kept back.

    Raises:
        InputError: a file cannot be written.
    """
    record = dict(_record(folder))
    kept = []
    for change in changes:
        if change.state is State.CHANGED and not force:
            kept.append(change)
            continue
        if change.state is not State.SAME:
            _put(folder / change.path, change.after)
        record[change.path] = _digest(change.after)
    _put(folder / RECORD, json.dumps(record, indent=1, sort_keys=True) + "\n")
    return kept


def _record(folder: Path) -> Mapping[str, str]:
    text = _text(folder / RECORD)
    if text is None:
        return {}
    try:
        record = json.loads(text)
    except ValueError:
        record = None
    if not isinstance(record, dict) or not all(isinstance(value, str) for value in record.values()):
        raise InputError(
            "is not what provision wrote; delete it, and every file counts as changed", file=f"{folder / RECORD}"
        )
    return record


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise InputError("is no text; move it away", file=str(path)) from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}); move it away", file=str(path)) from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _put(path: Path, text: str) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(new, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # A link stays a link: what it leads to is what is written.
        os.replace(new, path.resolve() if path.is_symlink() else path)
    except OSError as error:
        new.unlink(missing_ok=True) if path.parent.is_dir() else None
        raise InputError(f"cannot be written ({error.strerror})", file=str(path)) from error
