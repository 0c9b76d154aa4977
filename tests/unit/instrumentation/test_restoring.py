"""What a journal remembers of the models in use is there again after a restart."""

from __future__ import annotations

import re
import time

from genotel.instrumentation.restoring import restore_uses
from genotel.journal.rows import CallRow
from genotel.journal.writer import JournalWriter
from tests.observed import observing


def test_a_model_of_the_journal_is_born_at_zero_and_knows_its_last_use(tmp_path):
    """Its first call after the restart is then an increase."""
    at = time.time() - 3600
    writer = JournalWriter(tmp_path / "journal.db")
    writer.finish(
        1,
        CallRow(
            model="sdxl",
            operation="generate_content",
            provider="self_hosted",
            started_at=at,
            duration_seconds=1.0,
            outcome="ok",
        ),
    )
    writer.close()
    with observing() as observed:
        restore_uses(tmp_path / "journal.db", retention_days=90)
        page = observed.text()
    assert observed.outcomes("sdxl") == {}
    assert re.search(r'^genotel_generation_requests_total\{.*"sdxl".*\} 0$', page, re.MULTILINE)
    used = re.search(r"^genotel_model_last_used_timestamp_seconds\{.*\} (\S+)$", page, re.MULTILINE)
    assert abs(float(used[1]) - at) < 1


def test_without_a_journal_there_is_nothing_to_restore(tmp_path):
    """And none is made."""
    restore_uses(tmp_path / "journal.db", retention_days=90)
    assert list(tmp_path.iterdir()) == []
