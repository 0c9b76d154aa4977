"""The undo file: what was moved into a trash, and where from. Its place says which store it belongs to."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from genotel.actions.beneath import split
from genotel.actions.removal import TRASH, Entry
from genotel.errors import InputError

UNDO = "undo.json"
_VERSION = 1
_LARGEST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Undo:
    """Hold what an undo file says: the model, when it was moved, what that frees, and its paths by number."""

    model: str
    location: str
    moved_at: float
    freed_bytes: int
    entries: tuple[Entry, ...]


def undo_text(undo: Undo) -> str:
    """Return the text of an undo file: JSON in ASCII, so that names of any bytes survive."""
    return json.dumps({"version": _VERSION, **asdict(undo)}, indent=1) + "\n"


def read_undo(path: Path) -> Undo:
    """Return what an undo file says.

    Raises:
        InputError: it is missing, none of ours, of a newer genotel, or does not lie in a trash.
    """
    if path.name != UNDO or path.parent.parent.name != TRASH:
        raise InputError(f"an undo file is called {UNDO} and lies in a folder of {TRASH}", file=str(path))
    try:
        with path.open(encoding="ascii") as file:
            content = json.loads(file.read(_LARGEST_BYTES))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=str(path)) from error
    except ValueError as error:
        raise InputError("is no undo file: it holds no JSON", file=str(path)) from error
    try:
        if content["version"] > _VERSION:
            raise InputError(f"is of version {content['version']}, from a newer genotel; update", file=str(path))
        entries = tuple(
            Entry(str(entry["path"]), int(entry["device"]), int(entry["inode"]), str(entry["fingerprint"]))
            for entry in content["entries"]
        )
        for entry in entries:
            split(entry.path)
        return Undo(
            str(content["model"]),
            str(content["location"]),
            float(content["moved_at"]),
            int(content["freed_bytes"]),
            entries,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("is no undo file: a field is missing or of the wrong kind", file=str(path)) from error
