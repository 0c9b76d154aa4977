"""What changes with the content of a file, without reading it."""

from __future__ import annotations

import os
from collections.abc import Hashable
from pathlib import Path


def file_mark(*files: Path) -> Hashable:
    """Return size and time of change of the files that are there.

    Example:
        >>> file_mark(Path("/no/such/file"))
        ()
    """
    marks = []
    for file in files:
        try:
            found = os.stat(file)
        except OSError:
            continue
        marks.append((str(file), found.st_ino, found.st_size, found.st_mtime_ns))
    return tuple(marks)
