"""Begin a journal in a user's program, which goes on where there can be none."""

from __future__ import annotations

import logging
from pathlib import Path

from genotel import guard
from genotel.errors import GenotelError
from genotel.journal.writer import JournalWriter

logger = logging.getLogger("genotel")


def open_journal(path: Path, retention_days: int) -> JournalWriter | None:
    """Return the writer of a journal; None, and one warning, where it is refused."""
    try:
        return JournalWriter(path, retention_days=retention_days)
    except GenotelError as error:
        # These name the user's own file, on the user's own terminal.
        logger.warning("genotel: no journal is kept: %s", error)
    except Exception as error:
        guard.report("startup.journal", error)
    return None
