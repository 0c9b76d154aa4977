"""Put a report into a file: whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from genotel.errors import InputError


def write_report(text: str, path: Path) -> None:
    """Replace a file by a report: written beside it, synced, renamed; a link is followed to its file.

    Raises:
        InputError: it cannot be written; what was there stays.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "advice.html"
        ...     write_report("<!doctype html>", file)
        ...     file.read_text()
        '<!doctype html>'
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        raise InputError("the report cannot be written: that is not a file", file=str(path))
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with beside.open("w", encoding="utf-8", errors="replace", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        raise InputError(f"the report cannot be written ({error.strerror})", file=str(path)) from error
    finally:
        beside.unlink(missing_ok=True)
