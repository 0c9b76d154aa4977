"""A journal in a user's program; ``tests/unit/test_startup.py`` tells what becomes of it where there can be none."""

from __future__ import annotations

from pathlib import Path

from genotel.journal.opening import open_journal


def test_a_journal_that_can_be_had_is_opened(tmp_path: Path) -> None:
    """With the days for which it is kept."""
    writer = open_journal(tmp_path / "journal.db", retention_days=7)
    assert writer is not None
    assert writer.path == tmp_path / "journal.db"
    writer.close()
